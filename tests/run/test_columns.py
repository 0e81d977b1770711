"""Measured columns of a shard."""

import json
import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.definition.load import load
from refinery.errors import DamagedFile, DefinitionError
from refinery.plan.graph import Derived, Measured, Measurement, View
from refinery.plan.plan import PlannedShard
from refinery.plan.resolve import resolve
from refinery.run.columns import MEASURED, find_columns, late_files, load_columns
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
from refinery.storage.write import write_table
from tests.cases import write_jsonl
from tests.conftest import decisions, document, read_files, write_parquet
from tests.run.costly_measurer import Costly
from tests.run.listed_measurer import Listed


@pytest.fixture
def columns(tmp_path):
    """A measured column, and one of a late measurement, by the names that a stage gives them."""
    (tmp_path / "words.txt").write_text("the")
    made = {"seen": Listed(str(tmp_path / "words.txt")), "judged": Costly()}
    return {
        name: Measured(Measurement(View("crawl"), measurer), measurer.name, pa.int64())
        for name, measurer in made.items()
    }


@pytest.fixture
def planned(tmp_path, columns):
    """A shard of three documents, of which the late measurement has seen two."""
    write_parquet(tmp_path / "0.parquet", [{"text": "x"}] * 3)
    spec = SourceSpec("crawl", (str(tmp_path / "0.parquet"),))
    found = PlannedShard(list_shards(spec).shards[0], spec, tmp_path / "work", 0)
    found.folder.mkdir()
    listed = pa.record_batch({"listed": [7, 8, 9]})
    late = pa.record_batch({"costly": [1, None, 3], MEASURED.name: [True, False, True]})
    for name, batch in (("seen", listed), ("judged", late)):
        write_table(found.measurement_file(columns[name].measurement), [batch], batch.schema)
    return found


def test_columns_come_by_the_names_of_the_stage(planned, columns):
    """Whatever they are called in their files, and only those that are wanted."""
    frame = load_columns(planned, find_columns(columns, ["judged", "seen"]), np.array([True, False, True]))
    assert frame.to_dict(as_series=False) == {"judged": [1, None, 3], "seen": [7, 8, 9]}
    assert load_columns(planned, find_columns(columns, ["seen"])).columns == ["seen"]


@pytest.mark.parametrize("needed", [[False, True, True], None])
def test_a_late_measurement_that_lacks_a_document_is_damage(planned, columns, needed):
    """NULL would pass for a value that was measured."""
    mask = None if needed is None else np.array(needed)
    with pytest.raises(DamagedFile, match="documents that came to the stage are not measured"):
        load_columns(planned, find_columns(columns, ["judged"]), mask)


def test_derived_columns_are_computed_of_what_they_are_made_of(planned, columns):
    """Under the names that those had where it was derived, whatever has those names by now."""
    more = Derived("seen + 1", {"seen": columns["seen"]}, pa.int64())
    seen = Derived("10 * seen", {"seen": more}, pa.int64())
    ours = Derived("source = 'crawl'", {}, pa.bool_())
    found = find_columns({**columns, "seen": seen, "more": more, "ours": ours}, ["seen", "more", "ours"])
    frame = load_columns(planned, found)
    assert frame.to_dict(as_series=False) == {"seen": [80, 90, 100], "more": [8, 9, 10], "ours": [True] * 3}


def test_a_column_of_the_source_alone_has_a_value_for_each_document(planned):
    """Though no file of measurements is read for it."""
    listing = pa.record_batch({"row": [0, 1, 2]})
    write_table(planned.documents_file, [listing], listing.schema)
    ours = Derived("source = 'crawl'", {}, pa.bool_())
    assert load_columns(planned, find_columns({"ours": ours}, ["ours"]))["ours"].to_list() == [True] * 3


def test_what_is_derived_of_a_late_measurement_needs_it(planned, columns):
    """NULL would pass for a value that was computed."""
    judged = Derived("costly > 1", {"costly": columns["judged"]}, pa.bool_())
    found = find_columns({"judged": judged}, ["judged"])
    assert load_columns(planned, found, np.array([True, False, True]))["judged"].to_list() == [
        False,
        None,
        True,
    ]
    assert late_files(found) == {columns["judged"].measurement.file}
    with pytest.raises(DamagedFile):
        load_columns(planned, found, np.array([True, True, True]))


def corpus(folder) -> None:
    """Two sources of ten documents of 1 to 10 words; the second's are copies with a mark at the end."""
    for source, mark in (("a", ""), ("b", " !")):
        rows = [
            {"id": f"{source}{n}", "text": " ".join(f"word{i}" for i in range(n)) + mark}
            for n in range(1, 11)
        ]
        write_jsonl(folder / source / "0.jsonl", rows)


DERIVED = {
    "refinery": 1,
    "name": "derived",
    "sources": {"a": {"path": "a"}, "b": {"path": "b"}},
    "stages": {
        "measured": {
            "from": ["a", "b"],
            "measure": ["signals"],
            "derive": {
                "evenness": "words % 2",
                "score": "0.5 * words - evenness",
                "trusted": "source = 'b'",
                "size": "words + 1",
            },
            "keep": [{"small": "score < 4.5"}],
        },
        "below": {"from": "measured", "derive": {"halves": "score * 2"}, "keep": [{"some": "halves > 1"}]},
    },
    "outputs": {
        "out": {"from": "below", "path": "out", "measurements": ["words", "score", "halves", "trusted"]}
    },
}


def test_rules_outputs_and_stages_below_use_derived_columns(tmp_path, refinery):
    """As they use measured ones; the values are those of the SQL."""
    corpus(tmp_path)
    (tmp_path / "derived.yaml").write_text(json.dumps(DERIVED))
    code, _, err = refinery("run", tmp_path / "derived.yaml", "-q")
    assert code == 0, err
    rows = pq.read_table(tmp_path / "out" / "data-00000.parquet").to_pylist()
    assert sorted(row["id"] for row in rows) == [f"{s}{n}" for s in "ab" for n in (2, 4, 5, 6, 7, 8, 9)]
    for row in rows:
        assert row["score"] == 0.5 * row["words"] - row["words"] % 2
        assert (row["halves"], row["trusted"]) == (2 * row["score"], row["lineage"]["source"] == "b")
    dropped = {d["id"]: d["rule"] for d in decisions(tmp_path / "out").values() if d["outcome"] == "dropped"}
    assert dropped == {f"{s}{n}": rule for s in "ab" for n, rule in ((1, "some"), (3, "some"), (10, "small"))}


@pytest.mark.parametrize(
    ("verb", "kept"),
    [
        ({"dedup": {"by": ["words"], "prefer": ["trusted DESC"]}}, {f"b{n}" for n in range(1, 10)}),
        ({"dedup": {"by": ["words"], "prefer": ["trusted ASC"]}}, {f"a{n}" for n in range(1, 10)}),
        ({"dedup": {"by": ["evenness"]}}, {"a1", "a2"}),
        (
            {"dedup": {"near": {"similarity": 0.2, "within": ["size"]}, "exact": False, "prefer": ["trusted DESC"]}},
            {f"a{n}" for n in range(1, 5)} | {f"b{n}" for n in range(1, 10)},  # four words have no shingle
        ),
        ({"select": {"tokens": 40, "by": "score"}}, {"a8", "b8"}),
    ],
)  # fmt: skip
def test_verbs_use_derived_columns(tmp_path, refinery, verb, kept):
    """To rank by them, to compare them, to compare within them."""
    corpus(tmp_path)
    stages = {**DERIVED["stages"], "below": {"from": "measured", **verb}}
    outputs = {"out": {"from": "below", "path": "out"}}
    (tmp_path / "derived.yaml").write_text(json.dumps({**DERIVED, "stages": stages, "outputs": outputs}))
    code, _, err = refinery("run", tmp_path / "derived.yaml", "-q")
    assert code == 0, err
    assert set(pq.read_table(tmp_path / "out" / "data-00000.parquet").column("id").to_pylist()) == kept


def test_values_that_break_a_derived_column_end_the_run_with_its_sql(tmp_path, refinery):
    """A user's mistake, so no traceback."""
    corpus(tmp_path)
    measured = {
        **DERIVED["stages"]["measured"],
        "derive": {"score": "CAST(source AS INTEGER)", "trusted": "words > 1"},
    }
    stages = {**DERIVED["stages"], "measured": measured}
    (tmp_path / "derived.yaml").write_text(json.dumps({**DERIVED, "stages": stages}))
    code, _, err = refinery("run", tmp_path / "derived.yaml", "-q")
    assert code != 0
    assert "derive: CAST(source AS INTEGER): cannot be computed" in err
    assert "Traceback" not in err


BY_PATH = """
refinery: 1
name: paths
sources:
  laws: {path: laws}
stages:
  all:
    from: laws
    derive: {year: "SPLIT_PART(path, '_', 2)"}
    keep: [recent: "year >= '2003' AND path LIKE 'court%'"]
    dedup: {by: [path], prefer: ["year DESC"]}
outputs:
  all: {from: all, path: out, split: {test: "path LIKE '%2005%'"}}
"""


@pytest.mark.parametrize("files", [3, 20])  # each by itself, and as a pack
def test_the_path_of_the_file_is_a_column(tmp_path, refinery, files):
    """For rules, derived columns, verbs and splits, without a measurement of it."""
    for number in range(files):
        file = tmp_path / "laws" / f"court_{2003 + number - files // 2}_x.jsonl"
        file.parent.mkdir(exist_ok=True)
        rows = [{"id": f"{number}.{n}", "text": document(2 * number + n)} for n in range(2)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "pipeline.yaml").write_text(BY_PATH)
    code, _, err = refinery("run", tmp_path / "pipeline.yaml", "-q")
    assert code == 0, err
    written = {row["lineage"]["path"] for row in read_files(tmp_path / "out", "data").to_pylist()}
    last = 2003 + files - 1 - files // 2
    assert written == {f"court_{year}_x.jsonl" for year in range(2003, last + 1)}
    tests = [*(tmp_path / "out").rglob("*test*.parquet")]
    assert len(tests) == (last >= 2005)
    assert not [*(tmp_path / ".refinery").rglob("measured-carried*")]


def test_a_column_of_that_name_is_not_taken_for_the_path(tmp_path):
    """It is told, with the name to give it, wherever `path` is read."""
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "0.jsonl").write_text(json.dumps({"id": "a", "text": document(1), "path": "x"}))
    (tmp_path / "pipeline.yaml").write_text(BY_PATH)
    with pytest.raises(DefinitionError) as raised:
        resolve(load(tmp_path / "pipeline.yaml"))
    told = [line for line in str(raised.value).splitlines() if "`columns: {own_path: {from: path}}`" in line]
    assert len(told) == 2  # of the stage once, and of the split


def test_rules_and_derived_columns_read_the_id(tmp_path, refinery):
    """As a text, by its own name too, in each stage that reads it; NULL where it is minted. Explain tells it."""
    rows = [{"pmid": n, "text": document(n)} for n in range(12)] + [{"pmid": None, "text": document(12)}]
    write_parquet(tmp_path / "a.parquet", rows)
    (tmp_path / "b.txt").write_text(document(13))
    (tmp_path / "c.jsonl").write_text(json.dumps({"text": document(14)}))
    definition = tmp_path / "pipeline.yaml"
    text = """
        refinery: 1
        name: ids
        sources:
          a: {path: a.parquet, id: pmid}
          b: {path: b.txt}
          c: {path: c.jsonl}
        stages:
          few: {from: a, keep: [{few: "CAST(pmid AS BIGINT) < 11"}]}
          all:
            from: [few, b, c]
            derive: {first: "SUBSTR(id, 1, 1)"}
            keep: [{chosen: "first = '1' OR id IS NULL OR id = 'b.txt'"}]
        outputs:
          all: {from: all, path: out, measurements: [first]}
    """
    definition.write_text(textwrap.dedent(text))
    assert refinery("run", definition, "-q")[0] == 0
    found = read_files(tmp_path / "out", "data").to_pylist()
    assert {row["id"]: row["first"] for row in found if row["first"]} == {"1": "1", "10": "1", "b.txt": "b"}
    assert sum(row["first"] is None for row in found) == 1
    assert decisions(tmp_path / "out")["11"]["rule"] == "few"
    told = refinery("explain", tmp_path / "out", "10")[1]
    assert "first" in told
    code, _, err = refinery("check", definition)
    assert code == 0, err
