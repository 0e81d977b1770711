"""The decisions on every document."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.errors import ConservationError
from refinery.plan.plan import PlannedShard
from refinery.run import decisions as module
from refinery.run.columns import NamedColumn, Stored
from refinery.run.decide import DECISION, DROPPED, KEPT, RuleTally, Tally, Upstream
from refinery.run.decisions import (
    DecisionsTask,
    ShardOutcomes,
    StageOutcome,
    cut_into_files,
    write_decisions,
)
from refinery.run.measure import LISTING, REJECTS
from refinery.run.repeats import REPEATS
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
from refinery.storage.write import write_table
from tests.conftest import PIPELINE, decisions, document, read_files, write_parquet

RULES = ("first", "second", "third")
failures = st.sets(st.integers(0, 2))


def test_every_document_is_kept_or_dropped_with_its_reason(data_repository, refinery):
    """The decisions name stage and rule for each document, and the output holds just the kept ones."""
    code, out, err = refinery("run", data_repository / "pipeline.yaml", "--workers", 1)
    assert (code, err.count("Traceback")) == (0, 0), err
    found = decisions(data_repository / "out")
    assert len(found) == 61
    outcome = {name: (row["outcome"], row["stage"], row["rule"]) for name, row in found.items()}
    assert outcome["en3"] == ("kept", None, None)
    assert outcome["zh1"] == ("dropped", "screened", "english")
    assert outcome["short2"] == ("dropped", "screened", "long_enough")
    copies = [outcome[f"copy{n}"] for n in range(6)] + [outcome[f"en{n}"] for n in range(6)]
    assert sorted(c[2] or "" for c in copies) == [""] * 6 + ["dedup.exact"] * 6
    written = pq.read_table(data_repository / "out" / "data-00000.parquet")
    assert sorted(written.column("id").to_pylist()) == sorted(n for n, o in outcome.items() if o[0] == "kept")
    assert written.schema.field("year").type == "int64"
    assert "screened" in out


def test_what_a_duplicate_is_a_duplicate_of_is_recorded(data_repository, refinery):
    """A dropped duplicate names the document that was kept in its place, by id and by place."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    found = decisions(data_repository / "out")
    for row in found.values():
        if row["rule"] == "dedup.exact":
            kept = found[row["duplicate_of_id"]]
            assert kept["outcome"] == "kept"
            assert (kept["path"], kept["row"]) == (row["duplicate_of_path"], row["duplicate_of_row"])
            assert row["id"].removeprefix("copy").removeprefix("en") == kept["id"].removeprefix(
                "copy"
            ).removeprefix("en")


def test_branches_and_unions(data_repository, refinery):
    """A stage may feed several, a union takes each document once, and two outputs have decisions of their own."""
    sizes = sorted(len(document(n).encode()) for n in range(40))
    text = PIPELINE.replace(
        "  unique:\n    from: screened\n",
        f"  short:\n    from: screened\n    keep: [{{fewer: 'bytes < {sizes[25]}'}}]\n"
        f"  long:\n    from: screened\n    keep: [{{more: 'bytes >= {sizes[15]}'}}]\n"
        "  unique:\n    from: [long, short]\n",
    ).replace("outputs:\n", "outputs:\n  short: {from: short, path: out-short}\n")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    stages = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())["stages"]
    both = stages["short"]["kept"]["documents"] + stages["long"]["kept"]["documents"]
    assert both > stages["unique"]["arrived"]["documents"] == stages["screened"]["kept"]["documents"]
    short = decisions(data_repository / "out-short")
    assert {row["rule"] for row in short.values() if row["stage"] == "short"} == {"fewer"}


def test_many_files_say_what_one_says(data_repository, refinery, monkeypatch):
    """Cut between shards, in order; rejects have the number of their decisions, unreadable files stand first."""
    write_parquet(data_repository / "crawl" / "1b.parquet", [{"id": "null", "text": None, "year": 1}])
    (data_repository / "crawl" / "9.parquet").write_bytes(b"PAR1 and then nothing")
    found = []
    for rows in (1 << 18, 1):
        monkeypatch.setattr(module, "LEAST_ROWS", rows)
        monkeypatch.setattr(module, "SHARD_ROWS", 1)
        (data_repository / "out.records" / "manifest.json").unlink(missing_ok=True)
        assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
        found.append([read_files(data_repository / "out", kind) for kind in ("decisions", "rejects")])
        manifest = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())
        names = [[file["path"] for file in manifest[kind]] for kind in ("decisions", "rejects")]
        there = sorted(p.name for p in (data_repository / "out.records").glob("[dr]e*.parquet"))
        assert there == sorted(names[0] + names[1])
    assert [len(one) for one in names] == [4, 2]
    assert names[1] == ["rejects-00000.parquet", "rejects-00002.parquet"]
    assert found[0] == found[1]
    assert [row["reason"] for row in found[0][1].to_pylist()] == ["unreadable", "null_text"]


@given(st.lists(st.integers(0, 400_000), max_size=30))
def test_every_shard_is_in_one_file(rows):
    """Files hold consecutive shards, and no more rows than their size but for the last shard's."""
    cuts = list(cut_into_files(rows))
    assert [n for start, stop in cuts for n in range(start, stop)] == list(range(len(rows)))
    most = max(sum(rows) // module.FILES, module.LEAST_ROWS)
    assert all(sum(rows[start : stop - 1]) < most for start, stop in cuts)


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> PlannedShard:
    """A shard, to be filled with what tests make up."""
    folder = tmp_path_factory.mktemp("decisions")
    write_parquet(folder / "0.parquet", [{"text": "x"}])
    spec = SourceSpec("crawl", (str(folder / "0.parquet"),))
    found = PlannedShard(list_shards(spec).shards[0], spec, folder / "work", 0)
    found.folder.mkdir()
    return found


def write(place: Path, rows: list[dict[str, object]], schema: pa.Schema) -> None:
    write_table(place, [pa.RecordBatch.from_pylist(rows, schema)], schema)


def fill(planned: PlannedShard, found: list[tuple[set[int], set[int], set[int], bool]]) -> DecisionsTask:
    """Two stages over all documents, and a union of what they keep, with a verb: as a run writes them."""
    stages = ("one", "two", "union")
    listing = [{"row": 2 * n, "id": f"d{n}", "minted": False} for n in range(len(found))]
    write(planned.documents_file, listing, LISTING)
    sizes = pa.schema([("b", pa.int64()), ("t", pa.int64())])
    write(planned.folder / "sizes.parquet", [{"b": n + 1, "t": 10 * n} for n in range(len(found))], sizes)
    write(planned.rejects_file, [], REJECTS)
    rows: dict[str, list[dict[str, object]]] = {stage: [] for stage in stages}
    for one, two, union, _ in found:
        arrives = (True, True, not one or not two)
        for stage, failed, here in zip(stages, (one, two, union), arrives, strict=True):
            outcome = (min(failed) if failed else KEPT) if here else None
            rows[stage].append({"outcome": outcome, "failed": sorted(failed)})
    for stage in stages:
        write(planned.decision_file(stage), rows[stage], DECISION)
    gone = [
        n for n, (one, two, union, by_verb) in enumerate(found) if by_verb and arrived_and_passed(*found[n])
    ]
    dropped = [
        {"document": n, "rule": f"verb.{n % 2}", "duplicate_of_id": f"k{n}", "similarity": 0.5} for n in gone
    ]
    write(planned.verb_file("verb"), dropped, DROPPED)
    again = [{"document": n, "repeats": 2 + n % 2} for n in range(2, len(found), 3) if n not in gone]
    write(planned.repeats_file("verb"), again, REPEATS)
    columns = tuple(
        NamedColumn(name, Stored("sizes.parquet", name[0], late=False)) for name in ("bytes", "tokens")
    )
    outcomes = tuple(
        StageOutcome(
            Upstream(stage, stage, "verb"), parents, RULES, columns, repeats=True, parts=("two", "one")
        )
        if stage == "union"
        else StageOutcome(Upstream(stage, stage), parents, RULES, columns)
        for stage, parents in zip(stages, (("crawl",), ("crawl",), ("one", "two")), strict=True)
    )
    return DecisionsTask(
        (ShardOutcomes(planned, outcomes),), (), planned.folder / "decisions-00000.parquet", None
    )


def arrived_and_passed(one: set[int], two: set[int], union: set[int], _: bool) -> bool:
    return (not one or not two) and not union


def expected(number: int, one: set[int], two: set[int], union: set[int], by_verb: bool) -> tuple[object, ...]:
    """Outcome, stage, rule, failed rules and what it is a duplicate of, told one document at a time."""
    if one and two:
        return "dropped", "two", RULES[min(two)], [RULES[n] for n in sorted(two)], None
    if union:
        return "dropped", "union", RULES[min(union)], [RULES[n] for n in sorted(union)], None
    if by_verb:
        rule = f"verb.{number % 2}"
        return "dropped", "union", rule, [rule], f"k{number}"
    return "kept", None, None, None, None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(st.tuples(failures, failures, failures, st.booleans()), max_size=12))
def test_decisions_are_those_of_each_document_alone(planned, found):
    """The last stage that dropped it, unless another branch kept it; and tallies that agree."""
    done = write_decisions(fill(planned, found))
    told = pq.read_table(planned.folder / "decisions-00000.parquet").to_pylist()
    names = ("outcome", "stage", "rule", "failed", "duplicate_of_id")
    outcomes = [expected(n, *one) for n, one in enumerate(found)]
    assert [tuple(row[name] for name in names) for row in told] == outcomes
    assert [(row["row"], row["id"]) for row in told] == [(2 * n, f"d{n}") for n in range(len(found))]

    def tally(numbers: list[int]) -> Tally:
        return Tally(len(numbers), sum(n + 1 for n in numbers), sum(10 * n for n in numbers))

    kept = [n for n, outcome in enumerate(outcomes) if outcome[0] == "kept"]
    assert done.kept["union"] == tally(kept)
    assert done.kept["one"] == tally([n for n, (one, *_) in enumerate(found) if not one])
    by_verb = {rule: [n for n, o in enumerate(outcomes) if o[2] == rule] for rule in ("verb.0", "verb.1")}
    assert done.verbs["union", "crawl"] == {
        r: RuleTally(tally(ns), len(ns)) for r, ns in by_verb.items() if ns
    }
    assert (done.documents, done.rejected, done.decisions.rows) == (len(found), 0, len(found))
    times = {n: 2 + n % 2 if n % 3 == 2 else 1 for n in kept}
    assert [row["repeats"] for row in told] == [times.get(n) for n in range(len(found))]
    again = [n for n in kept for _ in range(times[n] - 1)]
    assert done.repeated == ({"union": tally(again)} if again else {})
    for part, mine in (
        ("two", {n for n in kept if not found[n][1]}),
        ("one", {n for n in kept if found[n][1]}),
    ):
        counted = done.parts[part]
        assert (counted.kept, counted.repeated) == (tally([*mine]), tally([n for n in again if n in mine]))
        assert counted.largest == max((times[n] for n in mine), default=0)


@pytest.mark.parametrize("dropped", [[0, 0], [1]])
def test_a_verb_that_drops_what_it_may_not_is_found(planned, dropped):
    """A document twice, or one that its stage's rules had dropped."""
    task = fill(planned, [(set(), set(), set(), False), (set(), set(), {1}, False)])
    write(planned.verb_file("verb"), [{"document": n, "rule": "verb"} for n in dropped], DROPPED)
    with pytest.raises(ConservationError, match="were dropped by its verb"):
        write_decisions(task)


@pytest.mark.parametrize("first", [set(), {0}])
def test_a_document_that_is_lost_between_stages_is_found(planned, first):
    """It was kept and did not come to the stage after, or it came and was not kept."""
    task = fill(planned, [(set(), {0}, set(), False), ({1}, {0}, set(), False)])
    (shard,) = task.shards
    came = pa.array([None, None] if not first else [0, 0], pa.int16())
    lost = pa.RecordBatch.from_pydict({"outcome": came, "failed": [[0], [0]]}, DECISION)
    write_table(planned.decision_file("lost"), [lost], lost.schema)
    last = replace(shard.stages[2], decided=Upstream("union", "lost", None))
    stages = replace(shard, stages=(*shard.stages[:2], last))
    with pytest.raises(
        ConservationError, match="1 documents came that no stage above had kept, or did not come"
    ):
        write_decisions(replace(task, shards=(stages,)))
