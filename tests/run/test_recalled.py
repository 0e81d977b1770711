"""A definition that recalls: a sample, rounds and a model, each a result of its own."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest
from rich.console import Console

from refinery.errors import DefinitionError
from refinery.executors.local import InProcess
from refinery.plan.against import read_manifest
from refinery.plan.derivations import noted_derivations, reasons
from refinery.recall.sample_file import HEAD
from refinery.report.funnel import funnel
from refinery.run.make import with_found
from refinery.run.manifest import Manifest
from refinery.run.recalled import moved_in, recalled_of
from refinery.run.run import execute
from refinery.watch.events import CacheChecked, Event
from tests.conftest import write_parquet
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
  medical: {recall: {seeds: seeds, pool: screened, rounds: 2}}
stages:
  screened:
    from: crawl
    measure: [signals]
    keep: [long_enough: "words >= 10"]
  medical:
    from: screened
    measure: [{relevance: {model: medical}}]
    keep: [on_topic: "relevance >= suggested('medical')"]
outputs:
  medical: {from: medical, path: out}
"""
SEEDS, FRESH, OTHERS = documents(MEDICAL, 40, 1), documents(MEDICAL, 60, 8), documents(OTHER, 300, 2)
FOLLOWING = {"medical decision", "medical output", "medical file"}


def write(folder: Path, seeds: list[str] = SEEDS) -> None:
    """Seeds, and a crawl in two files with URLs that has other documents of their domain and copies of two seeds."""
    crawl = (
        [*OTHERS[:150], *FRESH[:30], SEEDS[0], "too short"],
        [*FRESH[30:], *OTHERS[150:], SEEDS[1].upper()],
    )
    write_parquet(folder / "seeds/a.parquet", [{"id": f"s{n}", "text": text} for n, text in enumerate(seeds)])
    for name, texts in zip("ab", crawl, strict=True):
        hosts = ["med.org" if text in FRESH else f"www{n % 7}.com" for n, text in enumerate(texts)]
        rows = [
            {"id": f"{name}{n}", "text": text, "url": f"https://{host}/{n}"}
            for n, (text, host) in enumerate(zip(texts, hosts, strict=True))
        ]
        write_parquet(folder / f"crawl/{name}.parquet", rows)
    (folder / "pipeline.yaml").write_text(DEFINITION)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which the definition has been run; tests that run it again take a copy."""
    folder = tmp_path_factory.mktemp("recalled") / "repository"
    write(folder)
    run(folder)
    return folder


@pytest.fixture
def repository(done: Path, tmp_path: Path) -> Path:
    """A copy in which files have the times that they had."""
    return copytree(done, tmp_path / "repository")


def run(folder: Path, change: Callable[[str], str] = str) -> set[str]:
    """Runs the definition after a change; gives the results that were not there."""
    (folder / "pipeline.yaml").write_text(change(DEFINITION))
    made: set[str] = set()

    def listen(event: Event) -> None:
        if isinstance(event, CacheChecked) and event.missing:
            made.add(f"{event.of.name} {event.result}")

    execute(plan_of(folder / "pipeline.yaml"), InProcess(), listen)
    return made


def made_files(folder: Path) -> dict[str, bytes]:
    """The files of models, by the last two parts of their paths."""
    found = (folder / ".refinery/made").rglob("*.*")
    return {"/".join(file.parts[-2:]): file.read_bytes() for file in found}


def test_one_run_makes_sample_rounds_and_model(done: Path) -> None:
    """What is of the domain is kept, and copies of seeds; the manifest tells each round, with hosts that are new."""
    kept = set(pl.read_parquet(done / "out/data-*.parquet")["text"])
    assert len(kept & set(FRESH)) >= 50 and len(kept & set(OTHERS)) <= 3
    assert {SEEDS[0], SEEDS[1].upper()} <= kept  # the score of a seed is 1
    found = recalled_of(plan_of(done / "pipeline.yaml"))["medical"]
    assert (found.sample.seeds, found.sample.pool, found.sample.copies) == (40, 360, 2)
    assert [one.number for one in found.rounds] == [1, 2] and found.chosen in {1, 2}
    first = found.rounds[0]
    assert first.positives + first.negatives + first.open == 360 and first.overlap is None
    assert first.new_hosts is not None and 1 <= first.new_hosts <= 8
    assert read_manifest(done / "out", "")["recalled"] == {"medical": found.model_dump(mode="json")}
    moved = moved_in(plan_of(done / "pipeline.yaml"), "medical", 1)
    assert moved is not None and len(moved.came) == min(first.recalled, 50) and not moved.went
    heads = {text[:HEAD] for text in (*FRESH, *OTHERS)}
    assert all(one.head in heads and one.before is None for one in moved.came)


def test_rounds_are_in_the_funnel_and_on_the_dataset_card(done: Path) -> None:
    """In brackets, as none of them is text of the output; with intervals on the card."""
    manifest = Manifest.model_validate(read_manifest(done / "out", ""))
    first = manifest.recalled["medical"].rounds[0]
    console = Console(width=80, file=StringIO())
    console.print(funnel(manifest))
    rows = [[cell.strip() for cell in line.split("│")[1:3]] for line in console.file.getvalue().splitlines()]
    assert ["recall of medical, sample", "(360)"] in rows and ["round 1", f"({first.recalled:,})"] in rows
    card = (done / "out.records/README.md").read_text()
    assert f"| `medical` | 1 | {first.recalled:,} | {first.precision} | {first.recall} |" in card


def test_nothing_is_made_twice_and_a_round_more_is_one_result(repository: Path) -> None:
    """One round more, or hosts in it, makes that round and the model; a threshold nothing, other seeds all again."""
    assert run(repository) == set()
    more = run(repository, lambda text: text.replace("rounds: 2", "rounds: 3"))
    assert {one for one in more if "arrival" not in one} - FOLLOWING == {"medical round", "medical model"}
    hosts = run(repository, lambda text: text.replace("rounds: 2", "rounds: 2, rich_hosts: 10%"))
    assert {one for one in hosts if "arrival" not in one} - FOLLOWING == {"medical round", "medical model"}
    first, second = recalled_of(plan_of(repository / "pipeline.yaml"))["medical"].rounds
    assert first.by_hosts is None and second.by_hosts is not None
    less = run(repository, lambda text: text.replace("suggested('medical')", "0.7"))
    assert less == FOLLOWING
    write(repository, SEEDS[:30])
    again = run(repository)
    assert again >= {"medical sample", "medical round", "medical model", *FOLLOWING}
    assert not any(one.startswith("screened") for one in again)


def test_a_plan_says_what_is_there_and_why_not(repository: Path) -> None:
    """By the setting of the result that it is of."""
    file = repository / "pipeline.yaml"
    noted = noted_derivations(plan_of(file).work, "tiny")
    file.write_text(DEFINITION.replace("rounds: 2", "rounds: 3"))
    why = {name: found for name, found in reasons(with_found(plan_of(file)).results, noted).items() if found}
    models = {name: [*map(str, found)] for name, found in why.items() if name.startswith("models.")}
    assert models == {
        "models.medical.round-3": ["models.medical.round-3 is new"],
        "models.medical": [
            "models.medical: recall.rounds: 2 -> 3",
            "models.medical: from: nothing -> models.medical.round-3",
        ],
    }


def test_what_is_protected_is_in_no_sample(done: Path, tmp_path: Path) -> None:
    """Copies of held-out text among seeds and pool change no byte of sample, rounds and model."""
    held = documents(MEDICAL, 20, 7)
    protected = DEFINITION.replace(
        "sources:", "protect: {exams: {from: held}}\nsources:\n  held: {path: h.parquet}"
    )
    for name, more in (("clean", []), ("planted", [held[0].upper(), f"{held[1]} and more"])):
        write(tmp_path / name, [*SEEDS, *more])
        write_parquet(
            tmp_path / name / "h.parquet", [{"id": f"h{n}", "text": one} for n, one in enumerate(held)]
        )
        run(tmp_path / name, lambda _: protected)
    clean, planted = (
        {
            file.name: file.read_bytes()
            for file in (tmp_path / name / ".refinery/made").rglob("sample.parquet")
        }
        for name in ("clean", "planted")
    )
    assert clean == planted


def test_mistakes_are_told_at_their_place(tmp_path: Path) -> None:
    """Names before any work, documents at the model in the run."""
    write(tmp_path, SEEDS[:10])
    with pytest.raises(DefinitionError) as caught:
        run(tmp_path, lambda text: text.replace("pool: screened", "pool: screend"))
    assert (
        ":9: models.medical.recall.pool: no source or stage 'screend'; did you mean"
        in caught.value.problems[0]
    )
    with pytest.raises(DefinitionError, match="pool: seeds is seeds already"):
        run(tmp_path, lambda text: text.replace("pool: screened", "pool: [seeds, screened]"))
    with pytest.raises(DefinitionError, match=r"needs models.medical.sample needs stages.medical needs"):
        run(tmp_path, lambda text: text.replace("pool: screened", "pool: medical"))
    with pytest.raises(DefinitionError, match=r"pipeline.yaml:9: models.medical: seeds: 10 different"):
        run(tmp_path)
