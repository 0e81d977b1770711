"""Outputs that are split, as a run writes them."""

import datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.dedup.content import Content
from refinery.dedup.split import WORDS, Split, bounds_of
from refinery.text.batch import TextBatch
from tests.cases import write_jsonl
from tests.conftest import document, read_files, write_parquet
from tests.dedup.test_split import plain_split
from tests.run.planning import plan_of

SPLIT = {"validation": 0.2, "test": 0.3}
DEFINITION = """
refinery: 1
name: split
sources:
  crawl: {path: "crawl/*.parquet"}
  books: {path: "books/*.parquet"}
stages:
  distinct:
    from: [crawl, books]
    dedup: {by: key}
  unique:
    from: distinct
    transform: [normalize]
    dedup: {near: {similarity: 0.8}, prefer: ["year DESC"], missing: last}
  good:
    from: unique
    keep: [{some: "tokens > 5"}]
outputs:
  good: {from: good, path: out, split: {validation: 20%, test: 30%}}
"""


def version(page: int, number: int) -> str:
    """A page, of which each later version has one word more."""
    return document(page) + "".join(f" extra{page}x{n}" for n in range(number))


def rows_of(pages: range, number: int, year: int) -> list[dict[str, object]]:
    return [
        {"id": f"{page}v{number}", "text": version(page, number), "key": f"k{page // 2}y{year}", "year": year}
        for page in pages
    ]


@pytest.fixture
def repository(tmp_path) -> Path:
    write_parquet(tmp_path / "crawl" / "5.parquet", rows_of(range(60), 0, 2001))
    write_parquet(tmp_path / "crawl" / "6.parquet", rows_of(range(0, 60, 3), 1, 2003))
    write_parquet(tmp_path / "books" / "0.parquet", rows_of(range(40), 2, 1999))
    (tmp_path / "pipeline.yaml").write_text(DEFINITION, encoding="utf-8")
    return tmp_path


def texts_of(folder: Path) -> dict[str, list[str]]:
    """The texts of each split, by the names of the files."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("data/*.parquet")):
        split = file.name.split("-")[0]
        found.setdefault(split, []).extend(pq.read_table(file).column("text").to_pylist())
    return found


def splits_of(texts: list[str]) -> list[str]:
    batch = TextBatch.from_arrow(pa.array(texts, pa.large_string()))
    return [plain_split(digest, SPLIT) for digest in Content()(batch).column("content").to_pylist()]


def test_every_document_is_in_the_files_of_its_split(repository, refinery):
    """By a plain reference; the manifest counts them, and nothing but a split's files has its name."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    found = texts_of(repository / "out")
    assert list(found) == ["test", "train", "validation"]
    for split, texts in found.items():
        assert splits_of(texts) == [split] * len(texts)
    manifest = orjson.loads((repository / "out.records" / "manifest.json").read_bytes())
    assert list(manifest["splits"]) == ["validation", "test", "train"]
    for split, account in manifest["splits"].items():
        assert account == {"documents": len(found[split]), "files": [f"data/{split}-00000-of-00001.parquet"]}
    assert manifest["kept"]["documents"] == sum(map(len, found.values()))


def test_no_document_moves_to_a_later_split(repository, refinery):
    """Nor does what takes its place, through two dedups, when shards are added before and after the others."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    before = texts_of(repository / "out")
    write_parquet(repository / "crawl" / "0.parquet", rows_of(range(0, 60, 2), 3, 2009))
    write_parquet(repository / "books" / "9.parquet", rows_of(range(30, 70), 4, 2010))
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    after = texts_of(repository / "out")
    order = ["validation", "test", "train"]
    place = {text: order.index(split) for split, texts in after.items() for text in texts}
    moved = {text for texts in before.values() for text in texts} - place.keys()
    assert moved and place.keys() - {text for texts in before.values() for text in texts}
    # all versions of a page are near: what was kept of it and what is kept now
    pages = {version(page, number): page for page in range(70) for number in range(5)}
    kept = {(pages[text], split) for text, split in place.items()}
    for split, texts in before.items():
        for text in texts:
            assert place.get(text, order.index(split)) == order.index(split)
            if text in moved:
                later = {s for page, s in kept if page == pages[text]}
                assert not later or max(later) <= order.index(split)


def test_files_are_cut_within_splits(repository, refinery):
    """By bytes, in input order or shuffled; with the same documents in each split."""
    found, definition = [], (repository / "pipeline.yaml").read_text()
    for more in ("shuffle: null, ", "shard_bytes: 2000, shuffle: null, ", "shard_bytes: 2000, shuffle: 3, "):
        (repository / "pipeline.yaml").write_text(definition.replace("path: out, ", f"path: out, {more}"))
        assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
        found.append(texts_of(repository / "out"))
    assert len(list((repository / "out").glob("data/train-*.parquet"))) > 2
    assert found[0] == found[1] != found[2]
    assert {s: sorted(texts) for s, texts in found[0].items()} == {s: sorted(t) for s, t in found[2].items()}


def test_an_output_that_is_split_is_a_source_like_others(repository, refinery):
    """All of it, or one split by the names of its files."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    (repository / "next.yaml").write_text("""
refinery: 1
name: next
sources: {all: {path: out}, train: {path: "out/data/train-*.parquet"}}
stages: {every: {from: all}, some: {from: train}}
outputs: {every: {from: every, path: all, shuffle: null}, some: {from: some, path: train, shuffle: null}}
""")
    assert refinery("run", repository / "next.yaml", "-q")[0] == 0
    texts = texts_of(repository / "out")
    whole = [t for split in ("test", "train", "validation") for t in texts[split]]
    assert read_files(repository / "all", "data").column("text").to_pylist() == whole
    assert read_files(repository / "train", "data").column("text").to_pylist() == texts["train"]


def test_verbs_above_know_the_bounds_and_others_do_not(repository):
    """Those of all outputs below a verb, in order; one that no split output comes from is as it was."""
    plain = plan_of(repository / "pipeline.yaml").graph
    assert WORDS not in plain_needed(
        repository, "split: {validation: 20%, test: 30%}", "shuffle: 1", "unique"
    )
    more = "\n  few: {from: distinct, path: few, split: {validation: 1%}}"
    definition = repository / "pipeline.yaml"
    definition.write_text(definition.read_text() + more)
    graph = plan_of(definition).graph
    held_out = Split(bounds=bounds_of(SPLIT))
    assert plain.stages["unique"].verb.held_out == held_out == graph.stages["unique"].verb.held_out
    both = tuple(sorted({*bounds_of(SPLIT), *bounds_of({"v": 0.01})}))
    assert graph.stages["distinct"].verb.held_out == Split(bounds=both)
    assert graph.stages["good"].verb is None


def plain_needed(repository: Path, old: str, new: str, stage: str) -> set[str]:
    """The columns that a stage's verb reads under a changed definition."""
    other = repository / "other.yaml"
    other.write_text(DEFINITION.replace(old, new))
    resolved = plan_of(other).graph.stages[stage]
    assert "split" not in resolved.verb.settings
    return {name for columns in resolved.needed.values() for name in columns}


@pytest.mark.parametrize(
    ("split", "problem"),
    [
        ("{train: 99%}", "'train' is what the others leave"),
        ("{validation: 60%, test: 40%}", "they leave nothing for 'train'"),
        ("{validation: 0.5}", "write 50%"),
        ("{'a b': 5%}", "expected a name"),
    ],
)
def test_wrong_splits_are_told(repository, refinery, split, problem):
    """At their place, before anything is read."""
    definition = repository / "pipeline.yaml"
    definition.write_text(DEFINITION.replace("{validation: 20%, test: 30%}", split))
    code, _, err = refinery("check", definition)
    assert code == 2 and problem in err and "outputs.good.split" in err


def test_the_order_of_splits_counts(repository):
    """The first one is who keeps its documents; the same order written otherwise is the same output."""
    definition = repository / "pipeline.yaml"
    keys = []
    for split in (
        "{validation: 20%, test: 30%}",
        "{'validation': '20.0%', test: 30%}",
        "{test: 30%, validation: 20%}",
    ):
        definition.write_text(DEFINITION.replace("{validation: 20%, test: 30%}", split))
        keys.append(plan_of(definition).output_key("good"))
    assert keys[0] == keys[1] != keys[2]


VISITS = """
refinery: 1
name: visits
sources:
  notes: {path: "notes/*.parquet"}
  letters: {path: "letters/*.jsonl"}
stages:
  unique: {from: [notes, letters], dedup: {near: {similarity: 0.8}}}
outputs:
  unique: {from: unique, path: out, split: SPLIT}
"""


@pytest.fixture
def visits(tmp_path) -> Path:
    """Two sources, of Parquet and of JSON Lines, with a patient, a date and a visit that both of them tell."""
    day = datetime.date(2024, 1, 1)
    notes, letters = [], []
    for n in range(120):
        when = day + datetime.timedelta(days=n)
        notes.append({"id": f"n{n}", "text": document(n), "patient": f"{n % 30}", "date": f"{when}"})
        of, text = ("letter", document(n) + " copied") if n % 3 == 0 else ("other", document(1000 + n))
        date = (day + datetime.timedelta(days=119 - n)).isoformat()
        letters.append({"id": f"l{n}", "text": text, "patient": f"{(n + 7) % 30}", "date": date, "of": of})
    letters.append({"id": "none", "text": document(5000), "patient": None, "date": None})
    write_parquet(tmp_path / "notes" / "0.parquet", notes)
    write_jsonl(tmp_path / "letters" / "0.jsonl", letters)
    return tmp_path


def run_visits(folder: Path, refinery, split: str) -> dict[str, list[dict[str, object]]]:
    """The rows of each split."""
    definition = folder / "pipeline.yaml"
    definition.write_text(VISITS.replace("SPLIT", split))
    code, _, err = refinery("run", definition, "-q")
    assert code == 0, err
    found: dict[str, list[dict[str, object]]] = {}
    for file in sorted((folder / "out" / "data").glob("*.parquet")):
        found.setdefault(file.name.split("-")[0], []).extend(pq.read_table(file).to_pylist())
    return found


def crossing(found: dict[str, list[dict[str, object]]]) -> list[tuple[str, str]]:
    """Pairs of a note and a letter that are near copies of each other, both written."""
    ids = {row["id"] for rows in found.values() for row in rows}
    return [(f"n{n}", f"l{n}") for n in range(0, 120, 3) if {f"n{n}", f"l{n}"} <= ids]


def test_shares_by_a_column_part_no_value(visits, refinery):
    """A patient is in one split, whatever the format of the file; who has none is in train."""
    found = run_visits(visits, refinery, "{validation: 20%, test: 30%}, split_by: patient")
    patients = {split: {str(row["patient"]) for row in rows} for split, rows in found.items()}
    assert set(patients) == {"validation", "test", "train"}
    assert sum(map(len, patients.values())) == len(set().union(*patients.values())) == 31
    assert "None" in patients["train"]
    assert crossing(found) == []
    again = run_visits(visits, refinery, "{validation: 40%, test: 30%}, split_by: patient")
    assert patients["validation"] < {str(row["patient"]) for row in again["validation"]}


def test_conditions_part_by_what_columns_say(visits, refinery):
    """The first that holds; dates are texts of one form, NULL is in train, and copies go to the earlier split."""
    conditions = "{test: \"date >= '2024-04-01'\", validation: \"date >= '2024-03-01' AND patient <> '3'\"}"
    found = run_visits(visits, refinery, conditions)
    for split, rows in found.items():
        for row in rows:
            date, patient = str(row["date"]), str(row["patient"])
            held_out = "validation" if date >= "2024-03-01" and patient != "3" and row["date"] else "train"
            assert split == ("test" if row["date"] and date >= "2024-04-01" else held_out)
    assert {split for split, rows in found.items() if rows} == {"test", "validation", "train"}
    assert crossing(found) == []
    kept = {row["id"]: split for split, rows in found.items() for row in rows}
    for n in range(
        0, 120, 3
    ):  # a note of day n, a letter of day 119 - n: the later one is in the earlier split
        assert ("n" if n > 119 - n else "l") + str(n) in kept


def test_a_changed_condition_is_another_output_and_another_dedup(visits):
    """And it alone: what was measured stays."""
    definition, found = visits / "pipeline.yaml", []
    for split in ("{v: \"date > '2024'\"}", "{v: \"date > '2025'\"}", "{v: 5%}, split_by: date"):
        definition.write_text(VISITS.replace("SPLIT", split))
        plan = plan_of(definition)
        found.append((plan.output_key("unique"), plan.outcome_key("unique")))
    assert len({key for key, _ in found}) == len({key for _, key in found}) == 3


@pytest.mark.parametrize(
    ("split", "where", "problem"),
    [
        ("{v: 5%}, split_by: patien", "split_by", "has a column 'patien'; did you mean \"patient\"?"),
        ("{v: \"dat > '2024'\"}", "split.v", "has a column 'dat'; did you mean \"date\"?"),
        ('{v: "date > 2024"}', "split.v", "date is text"),
        ('{v: "date"}', "split.v", "it gives String, not true or false"),
        ('{v: "date >"}', "split.v", "not a SQL expression"),
        ("{v: \"date > '2024'\", t: 5%}", "split", "all splits a share, or all of them a condition"),
        ("{v: \"date > '2024'\"}, split_by: patient", "", "`split_by` says by what the shares"),
        ("{new-cases: 5%}", "split", "letters, digits and _ alone"),
        (
            "{v: 5%}\n  b: {from: unique, path: b, split: {v: 5%}, split_by: patient}",
            "",
            "is split by another thing",
        ),
    ],
)
def test_wrong_columns_and_conditions_are_told(visits, refinery, split, where, problem):
    """At check, at their place, with the nearest column."""
    text = VISITS.replace("split: SPLIT}", f"split: {split}" + ("}" if "\n" not in split else ""))
    (visits / "pipeline.yaml").write_text(text.replace("split: {v: 5%}\n", "split: {v: 5%}}\n"))
    code, _, err = refinery("check", visits / "pipeline.yaml")
    assert code == 2 and problem in err and where in err
