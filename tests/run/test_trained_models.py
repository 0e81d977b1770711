"""One definition that trains, scores, keeps what the card suggests, removes duplicates and writes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from refinery.errors import DefinitionError
from refinery.executors.local import InProcess, ProcessPool
from refinery.models.card import CARD, Card
from refinery.plan.against import read_manifest
from refinery.plan.derivations import Reason, noted_derivations, reasons
from refinery.run.make import with_found
from refinery.run.run import execute
from refinery.watch.events import CacheChecked, Event
from tests.conftest import output_hashes, write_parquet
from tests.models.domains import MEDICAL, OTHER, documents
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: tiny
transform: [normalize]
sources:
  seeds: {path: "seeds/*.parquet"}
  crawl: {path: "crawl/*.parquet"}
models:
  medical: {train: {positive: seeds, negative: screened, precision: 0.7, dim: 8, buckets: 20000}}
  words: {importance: {positive: seeds, raw: crawl}}
stages:
  screened:
    from: crawl
    measure: [signals]
    keep: [long_enough: "words >= 10"]
  medical:
    from: screened
    measure: [{relevance: {model: medical}}, {importance: {model: words}}]
    keep: [on_topic: "relevance >= suggested('medical')", likely: "importance > 0"]
  unique:
    from: medical
    dedup: {exact: true, near: {similarity: 0.8}, prefer: ["relevance DESC"]}
outputs:
  unique: {from: unique, path: out}
"""
ROOT = Path(__file__).parents[2]
Refinery = Callable[..., tuple[int, str, str]]
FRESH = documents(MEDICAL, 40, 8)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Medical seeds, and a crawl in two files that has 40 other medical documents, one of them twice."""
    for name in ("seeds", "crawl"):
        (tmp_path / name).mkdir()
    rows = {
        "seeds/a": documents(MEDICAL, 150, 1),
        "crawl/a": [*documents(OTHER, 150, 2), *FRESH[:20]],
        "crawl/b": [*FRESH[20:], *documents(OTHER, 150, 3), FRESH[0], "too short"],
    }
    for name, texts in rows.items():
        found = [{"id": f"{name}-{n}", "text": text} for n, text in enumerate(texts)]
        write_parquet(tmp_path / f"{name}.parquet", found)
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    return tmp_path


def run(folder: Path, change: Callable[[str], str] = str, workers: int = 1) -> dict[str, int]:
    """Runs the definition after a change; gives how many parts of each result were not there."""
    (folder / "pipeline.yaml").write_text(change(DEFINITION))
    made: dict[str, int] = {}

    def listen(event: Event) -> None:
        if isinstance(event, CacheChecked) and event.missing:
            made[f"{event.of.name} {event.result}"] = event.missing

    executor = ProcessPool(workers) if workers > 1 else InProcess()
    execute(plan_of(folder / "pipeline.yaml"), executor, listen)
    return made


def kept(folder: Path) -> set[str]:
    return set(pl.read_parquet(folder / "out/data-*.parquet")["text"])


def made_files(folder: Path) -> dict[str, bytes]:
    """The files of models, by the last two parts of their paths."""
    found = (folder / ".refinery/made").rglob("*.*")
    return {"/".join(file.parts[-2:]): file.read_bytes() for file in found}


def cards(folder: Path) -> list[Card]:
    """Of classifiers."""
    found = [Card.model_validate_json(text) for name, text in made_files(folder).items() if CARD in name]
    return [card for card in found if card.kind == "train"]


FOLLOWING = {
    "medical decision": 2,
    "unique decision": 2,
    "unique dedup": 1,
    "unique output": 1,
    "unique file": 1,
}


def test_all_is_made_in_one_run(repository: Path) -> None:
    """Other medical documents of the crawl are found, each once, by the number of the card; then nothing is to do."""
    made = run(repository)
    assert made["medical model"] == made["words model"] == 1
    assert kept(repository) <= set(FRESH) and len(kept(repository)) >= 36
    (card,) = cards(repository)
    assert card.sources == {"positive": ("seeds",), "negative": ("screened",)}
    assert [(c.source, c.documents, c.drawn) for c in card.drawn] == [
        ("seeds", 150, 150),
        ("crawl", 341, 341),
    ]
    scores = pl.read_parquet(repository / "out/data-*.parquet")["relevance"]
    assert card.suggested and scores.min() >= card.suggested.threshold
    manifest = read_manifest(repository / "out", "")
    assert manifest["suggested"] == {}  # the negatives are the pool
    (told,) = [one for one in manifest["warnings"] if one.startswith("model medical: ")]
    assert any(one.startswith("model words: topic and source") for one in manifest["warnings"])
    assert "positives are of 'seeds' alone and negatives are of 'crawl' alone" in told
    assert run(repository) == {}


def test_what_a_threshold_keeps_of_a_pool_is_estimated(repository: Path) -> None:
    """Where negatives are of another source: about 40 of 341 documents are relevant, and hardly another is kept."""
    others = [{"id": f"o{n}", "text": text} for n, text in enumerate(documents(OTHER, 300, 4))]
    write_parquet(repository / "others.parquet", others)
    run(
        repository,
        lambda text: text.replace("models:", "  others: {path: others.parquet}\nmodels:").replace(
            "negative: screened", "negative: others"
        ),
    )
    known = read_manifest(repository / "out", "")["suggested"]["medical"]["on_topic"]
    assert known["documents"] == 341 and 0.05 < known["relevant"]["value"] < 0.2
    assert known["precision"]["low"] > 0.5


def test_workers_show_nowhere(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One process and two workers make the same models and the same output, byte for byte."""
    other = tmp_path_factory.mktemp("two") / "repository"
    copytree(repository, other)
    run(repository)
    run(other, workers=2)
    assert made_files(repository) == made_files(other)
    assert output_hashes(repository / "out") == output_hashes(other / "out")


def measured(folder: Path) -> dict[Path, int]:
    """When each file of measurements was written."""
    return {file: file.stat().st_mtime_ns for file in folder.rglob("measured-*.parquet")}


def test_a_training_setting_makes_again_what_follows_from_it(repository: Path) -> None:
    """The model, what it measures and what follows; not the other model, nor what was measured before."""
    run(repository)
    before = measured(repository)
    made = run(repository, lambda text: text.replace("dim: 8", "dim: 9"))
    assert made.items() >= {"medical model": 1, "medical arrival relevance": 2, **FOLLOWING}.items()
    assert not {"words model", "screened decision"} & made.keys()
    after = measured(repository)
    assert after.items() >= before.items()
    assert {file.name.split("-")[1] for file in after.keys() - before.keys()} == {"relevance"}


def test_a_plan_says_why(repository: Path) -> None:
    """One setting of the model is the only reason of all that follows; nothing else is to be made."""
    run(repository)
    file = repository / "pipeline.yaml"
    noted = noted_derivations(plan_of(file).work, "tiny")
    assert not any(reasons(with_found(plan_of(file)).results, noted).values())
    file.write_text(DEFINITION.replace("dim: 8", "dim: 9"))
    why = {name: found for name, found in reasons(with_found(plan_of(file)).results, noted).items() if found}
    assert set(why.values()) == {(Reason("models.medical", "train.dim", 8, 9),)}
    assert why.keys() == {
        "models.medical", "stages.medical.relevance", "stages.medical", "stages.unique", "stages.unique.dedup",
        "outputs.unique",
    }  # fmt: skip


def test_a_precision_decides_again_but_measures_nothing(repository: Path) -> None:
    """The model is the same; only its card, and the number that it suggests, is another."""
    run(repository)
    before = measured(repository)
    many = len(kept(repository))
    made = run(repository, lambda text: text.replace("precision: 0.7", "precision: 0.9"))
    assert made.keys() == {"medical model", *FOLLOWING}
    assert measured(repository) == before
    assert len({card.model for card in cards(repository)}) == 1
    assert 0 < len(kept(repository)) < many


def test_a_threshold_makes_no_model_again(repository: Path) -> None:
    """A rule below the model decides, and no more; one above it changes what the model is made of."""
    run(repository)
    assert run(repository, lambda text: text.replace("importance > 0", "importance > 80")) == FOLLOWING
    made = run(repository, lambda text: text.replace("words >= 10", "words >= 11"))
    assert "medical model" in made and "words model" not in made


def test_a_model_of_what_another_model_chose(repository: Path) -> None:
    """Made after it, in the same run."""
    text = DEFINITION.replace(
        "  words: {importance: {positive: seeds, raw: crawl}}\n",
        "  words: {importance: {positive: topic, raw: crawl}}\n",
    ).replace(
        """  medical:
    from: screened
    measure: [{relevance: {model: medical}}, {importance: {model: words}}]
    keep: [on_topic: "relevance >= suggested('medical')", likely: "importance > 0"]
""",
        """  topic:
    from: screened
    measure: [{relevance: {model: medical}}]
    keep: [on_topic: "relevance >= suggested('medical')"]
  medical:
    from: topic
    measure: [{importance: {model: words}}]
    keep: [likely: "importance > 0"]
""",
    )
    assert text.count("topic") == 4
    made = run(repository, lambda _: text)
    assert (
        list(made).index("medical model")
        < list(made).index("topic decision")
        < list(made).index("words model")
    )
    assert 30 <= len(kept(repository)) <= len(FRESH)
    assert run(repository, lambda _: text) == {}


def test_models_that_need_themselves_are_told(repository: Path) -> None:
    """With the way around, at `models`."""
    text = DEFINITION.replace("negative: screened", "negative: unique")
    with pytest.raises(DefinitionError) as caught:
        run(repository, lambda _: text)
    (problem,) = caught.value.problems
    assert ":8: models: " in problem and "models.medical needs stages.unique" in problem
    assert problem.endswith("make a model of documents that it does not choose")


def test_too_few_examples_are_told_at_the_model(repository: Path) -> None:
    """With its place in the definition, and the rules that dropped documents before: no other part, no line."""
    text = DEFINITION.replace("words >= 10", "words >= 1000")
    with pytest.raises(DefinitionError) as caught:
        run(repository, lambda _: text)
    few, dropped = (
        problem.partition("pipeline.yaml:9: models.medical: ")[2] for problem in caught.value.problems
    )
    assert few.startswith("negative examples: 0 different")
    rules = "which dropped 342 of 342 of crawl by the rule 'long_enough' of screened"
    assert dropped == f"negative: 0 documents pass the rules above it, {rules}"


def test_negatives_that_hold_the_domain_are_told(repository: Path, refinery: Refinery) -> None:
    """In the run, in the manifest of the output that depends on the model, and again in a run that makes nothing."""
    same = [{"id": f"s{n}", "text": text} for n, text in enumerate(documents(MEDICAL, 400, 77))]
    write_parquet(repository / "crawl" / "c.parquet", same)
    definition = DEFINITION.replace("precision: 0.7", "precision: 0.9")
    (repository / "pipeline.yaml").write_text(f"{definition}  all: {{from: screened, path: all}}\n")
    for _ in range(2):
        code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
        assert code == 0 and "model medical: the suggested threshold" in err
    manifest = read_manifest(repository / "out", "")
    told = [warning for warning in manifest["warnings"] if "negatives seem to hold the domain" in warning]
    assert sorted(warning[:14] for warning in told) == ["model medical:", "model words: t"]
    assert not read_manifest(repository / "all", "")["warnings"]


def test_a_run_killed_in_the_fit_goes_on(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The next one makes the model, of what was measured before, and the same output as one that was not killed."""
    other = tmp_path_factory.mktemp("whole") / "repository"
    copytree(repository, other)
    run(other)
    code = f"""
import os
from pathlib import Path
from refinery.models import train
train.fit = lambda *_: os._exit(9)
from tests.run.test_trained_models import run
run(Path({str(repository)!r}))
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 9
    assert "medical model" in run(repository)
    assert made_files(repository) == made_files(other)
    assert output_hashes(repository / "out") == output_hashes(other / "out")
    assert list((repository / ".refinery/pipelines/tiny/verbs").rglob("*.*")) == []


def test_a_derived_column_knows_what_a_model_suggests(repository: Path) -> None:
    """Computed once the model is there, by its number; another number decides and writes again, and is told."""

    def derived(text: str) -> str:
        text = text.replace(
            "    keep: [on_topic: \"relevance >= suggested('medical')\", likely",
            '    derive: {above: "relevance - suggested(\'medical\')"}\n    keep: [on_topic: "above >= 0", likely',
        )
        assert "above" in text
        return text.replace("path: out}", "path: out, measurements: [relevance, above]}")

    made = run(repository, derived)
    assert made["medical model"] == 1
    rows = pl.read_parquet(repository / "out/data-*.parquet")
    (card,) = cards(repository)
    assert card.suggested
    difference = rows["relevance"] - rows["above"] - card.suggested.threshold
    assert difference.abs().max() < 1e-6 and rows["above"].min() >= 0
    texts = kept(repository)
    assert run(repository, derived) == {}
    run(repository)
    assert kept(repository) == texts
    (repository / "pipeline.yaml").write_text(derived(DEFINITION))
    results = plan_of(repository / "pipeline.yaml").results
    assert results["stages.medical"].made_of["derive"] == {"above": "relevance - suggested('medical')"}
    assert "models.medical" in results["outputs.unique"].inputs


def test_what_was_measured_with_a_model_before_is_cleaned(repository: Path, refinery: Refinery) -> None:
    """With the model; what the definition needs stays, whatever the content of its models, and is not made again."""

    def results() -> dict[str, int]:
        files = (
            file for name in ("shards", "made") for file in (repository / ".refinery" / name).rglob("*.*")
        )
        return {str(file): file.stat().st_mtime_ns for file in files}

    run(repository)
    first = results()
    assert "All of it is needed." in refinery("clean", repository / "pipeline.yaml", "--force")[1]
    assert results() == first
    run(repository, lambda text: text.replace("dim: 8", "dim: 9"))
    both = results()
    assert "models and counts with" in refinery("clean", repository / "pipeline.yaml", "--force")[1]
    left = results()
    gone = {Path(name).name.split("-")[0] for name in both.keys() - left.keys()}
    assert {"record.json", "measured", "decided", "dropped"} <= gone
    (repository / "out.records" / "manifest.json").unlink()
    run(repository, lambda text: text.replace("dim: 8", "dim: 9"))
    assert results() == left
