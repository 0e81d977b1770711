"""Recall from Python: the definition that is written, and what a run of it gives."""

from pathlib import Path

import pytest
import yaml

import refinery
from refinery.api.recall import moved, write_recall
from refinery.errors import DefinitionError, InputError
from tests.cases import write_jsonl
from tests.models.domains import LAW, MEDICAL, OTHER, SOFTWARE, documents

PLAIN = {"rounds": 3, "tokens": None, "text": None, "lang": None, "rules": ()}


def write(folder: Path, seeds: list[str], pool: list[str], column: str = "text") -> tuple[Path, Path]:
    """Files of seeds and of a pool."""
    write_jsonl(folder / "seeds.jsonl", [{"text": text} for text in seeds])
    write_jsonl(
        folder / "pool.jsonl",
        [{column: text, "url": f"https://h{n % 9}.org/"} for n, text in enumerate(pool)],
    )
    return folder / "pool.jsonl", folder / "seeds.jsonl"


def test_the_definition_is_valid_and_says_what_was_asked_for(tmp_path: Path) -> None:
    """Text columns are found; rules, a language and a budget are there only when they are wanted."""
    pool, seeds = write(tmp_path, documents(MEDICAL, 30, 1), documents(OTHER, 60, 2), "body")
    file = write_recall(pool, seeds, tmp_path / "plain", **PLAIN)
    plan = refinery.plan(file)
    assert plan.graph.sources["pool"].text == ("body",) and plan.graph.name == "plain"
    content = yaml.safe_load(file.read_text())
    assert content["models"] == {"recalled": {"recall": {"seeds": "seeds", "pool": "pool", "rounds": 3}}}
    assert [*content["stages"]] == ["relevant", "unique"]
    asked = {**PLAIN, "tokens": "2B", "lang": "en", "rules": ["gopher"], "rounds": 2, "text": "body"}
    file = write_recall([pool, tmp_path / "seeds.jsonl"], [str(seeds)], tmp_path / "刑法", **asked)
    content = yaml.safe_load(file.read_text())
    assert content["models"]["recalled"]["recall"] == {"seeds": "seeds", "pool": "screened", "rounds": 2}
    assert content["stages"]["screened"]["keep"] == [
        {"language": "lang = 'en' AND lang_score >= 0.5"},
        "gopher",
    ]
    assert content["stages"]["found"]["select"] == {"tokens": "2B", "by": "relevance"}
    assert content["stages"]["corpus"] == {"from": ["given", "found"]}
    assert content["outputs"]["recalled"]["from"] == "corpus" and content["name"] == "recall"
    assert content["sources"]["pool"]["path"] == [str(pool), str(seeds)]


def test_what_is_asked_for_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Whatever stands in a language, a rule set, a folder's name: the YAML has that, check tells what is wrong."""
    pool, seeds = write(tmp_path, documents(MEDICAL, 30, 1), documents(OTHER, 60, 2))
    asked = {**PLAIN, "lang": "e\"n' OR 'a' = 'a", "rules": ["go: [pher", "no"], "tokens": "9: 9"}
    asked["gold_hosts"] = ["https://A.org/", "true"]
    file = write_recall(pool, seeds, tmp_path / "true", **asked)
    content = yaml.safe_load(file.read_text())
    language, *rules = content["stages"]["screened"]["keep"]
    assert language == {"language": "lang = 'e\"n'' OR ''a'' = ''a' AND lang_score >= 0.5"}
    assert rules == ["go: [pher", "no"] and content["name"] == "d-true"
    assert content["stages"]["found"]["select"]["tokens"] == "9: 9"
    assert content["models"]["recalled"]["recall"]["gold_hosts"] == ["a.org", "true"]
    with pytest.raises(DefinitionError) as caught:
        refinery.plan(file)
    assert "go: [pher" in str(caught.value) and "'no'" in str(caught.value)


def test_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    """A definition that a person changed is refused, as are files that are not there; its own is written again."""
    pool, seeds = write(tmp_path, documents(MEDICAL, 30, 1), documents(OTHER, 60, 2))
    file = write_recall(pool, seeds, tmp_path, **PLAIN)
    assert write_recall(pool, seeds, tmp_path, **{**PLAIN, "rounds": 1}) == file
    written = file.read_text()
    write_jsonl(tmp_path / "few.jsonl", [{"text": "a dose of blood"}])
    for wrong in ({"rules": ["no"]}, {"seeds": tmp_path / "few.jsonl"}):
        with pytest.raises(DefinitionError):
            refinery.recall(
                **{"pool": pool, "seeds": seeds, **wrong}, out=tmp_path, workers=1, progress=False
            )
        assert file.read_text() == written
    file.write_text(f"{written}# more\n")
    with pytest.raises(InputError, match="is not one that `refinery recall` wrote"):
        write_recall(pool, seeds, tmp_path, **PLAIN)
    with pytest.raises(InputError, match="no such file"):
        write_recall(tmp_path / "gone.jsonl", seeds, tmp_path / "other", **PLAIN)
    assert not (tmp_path / "other").exists()


def test_chinese_among_mixed_text(tmp_path: Path) -> None:
    """Seeds of law find law, in a pool of two languages; what came is shown with its score."""
    law = documents(LAW, 60, 1, "。")
    others = [*documents(SOFTWARE, 100, 2, "。"), *documents(OTHER, 100, 3)]
    pool, seeds = write(tmp_path, law[:30], [*law[30:], *others])
    (tmp_path / "hosts.txt").write_text("h3.org\nnowhere.org\n")
    out = refinery.recall(
        pool, seeds, tmp_path / "out", workers=1, rounds=2, gold_hosts=tmp_path / "hosts.txt", progress=False
    )
    kept = set(out.documents().collect()["text"])
    assert len(kept & set(law)) >= 50 and len(kept & set(others)) <= 5
    told = out.manifest.recalled["recalled"]
    assert (
        told.sample.seeds == 30
        and told.gold
        and told.gold.hosts == 1
        and told.gold.absent == ("nowhere.org",)
    )
    assert told.gold.documents == len(range(3, 230, 9))
    assert 3 <= told.gold.recalled[0] <= 5  # three are of law
    assert (
        f"Gold hosts, `recalled`: {told.gold.sentence(told.chosen)}."
        in (out.records / "README.md").read_text()
    )
    compared = refinery.compare(
        run=tmp_path / "out", columns=["relevance"], gold_hosts=tmp_path / "hosts.txt"
    ).gold
    assert compared and compared.gold_documents == told.gold.documents and compared.absent == told.gold.absent
    came = moved(tmp_path / "out", 1).came
    assert came and all(0 <= one.score <= 1 and one.before is None for one in came)
    for number in (0, 3):
        with pytest.raises(InputError, match=f"there is no round {number}, but 2"):
            moved(tmp_path / "out", number)
    with pytest.raises(InputError, match="no model 'recaled' is made by `recall`; did you mean"):
        moved(tmp_path / "out", 1, model="recaled")
