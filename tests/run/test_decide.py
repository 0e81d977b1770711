"""Decisions of a shard at a depth."""

import numpy as np
import pyarrow as pa
import pytest

from refinery.run.columns import find_columns, load_columns
from refinery.run.decide import (
    DROPPED,
    KEPT,
    RuleTally,
    Tally,
    Upstream,
    arrived_documents,
    decide,
    decide_tasks,
    kept_documents,
    read_tallies,
)
from refinery.run.measure import MeasureTask, measure
from refinery.storage.tables import read_table
from refinery.storage.write import write_table
from tests.conftest import PIPELINE
from tests.run.planning import plan_of


@pytest.fixture
def plan(data_repository):
    """Of which the first shard is measured."""
    text = PIPELINE.replace("words >= 50", "words >= 220 AND words < 500")
    (data_repository / "pipeline.yaml").write_text(text)
    plan = plan_of(data_repository / "pipeline.yaml")
    planned = plan.shards[0]
    measure(MeasureTask(planned, plan.measurements(planned), describe=True))
    return plan


@pytest.fixture
def task(plan):
    """The first shard's two stages, which are decided on together."""
    return decide_tasks(plan, ["screened", "unique"])[0]


def test_outcomes_are_those_of_the_rules_one_by_one(plan, task):
    """The first rule that fails, all that fail, and the account of documents, bytes and tokens."""
    stage_tally, unique_tally = decide(task)
    columns = plan.graph.stages["screened"].columns["crawl"]
    names = ("lang", "lang_score", "words", "bytes", "tokens")
    rows = load_columns(task.planned, find_columns(columns, names)).to_dicts()
    failed = [
        [
            n
            for n, good in enumerate((r["lang"] == "en" and r["lang_score"] >= 0.5, 220 <= r["words"] < 500))
            if not good
        ]
        for r in rows
    ]
    screened, unique = (read_table(task.planned.decision_file(stage.key)) for stage in task.stages)
    assert screened.column("outcome").to_pylist() == [f[0] if f else KEPT for f in failed]
    assert screened.column("failed").to_pylist() == failed
    assert unique.column("outcome").to_pylist() == [None if f else KEPT for f in failed]
    assert {len(f) for f in failed} == {0, 1, 2}

    def tally(wanted) -> Tally:
        chosen = [r for r, f in zip(rows, failed, strict=True) if wanted(f)]
        return Tally(len(chosen), sum(r["bytes"] for r in chosen), sum(r["tokens"] for r in chosen))

    assert (stage_tally.arrived, stage_tally.kept) == (tally(lambda _: True), tally(lambda f: not f))
    assert unique_tally.arrived == unique_tally.kept == stage_tally.kept
    dropped = {"english": tally(lambda f: f[:1] == [0]), "long_enough": tally(lambda f: f[:1] == [1])}
    failures = {rule: sum(n in f for f in failed) for n, rule in enumerate(dropped)}
    assert stage_tally.rules == {rule: RuleTally(found, failures[rule]) for rule, found in dropped.items()}


def test_what_was_decided_is_known_again_and_damage_is_not(task):
    """Decisions count when both files are there and the tallies are as they were written."""
    tallies = decide(task)
    files = list(task.files())
    present = frozenset(str(file) for pair in files for file in pair)
    assert read_tallies([task], present) == [tallies]
    for missing in files[0]:
        assert read_tallies([task], present - {str(missing)}) == [(None, tallies[1])]
    (_, tally_file), _ = files
    content = bytearray(tally_file.read_bytes())
    content[len(content) // 2] ^= 1
    tally_file.write_bytes(content)
    assert read_tallies([task], present) == [(None, tallies[1])]


def test_a_stage_can_be_decided_on_without_those_that_were(task):
    """What is missing of a task finds what the others decided before, and decides the same."""
    tallies = decide(task)
    missing = task.only({"unique"})
    assert [stage.name for stage in missing.stages] == ["unique"]
    (_, (file, _)) = task.files()
    before = file.read_bytes()
    file.unlink()
    assert decide(missing) == tallies[1:]
    assert file.read_bytes() == before


def test_what_a_verb_dropped_does_not_go_on(task):
    """A stage keeps what passed its rules and its verb left; one with several parents gets what any of them kept."""
    decide(task)
    planned, (screened, unique) = task.planned, task.stages
    passed = kept_documents(planned, Upstream("unique", unique.key))
    gone = np.flatnonzero(passed)[::2]
    columns = [pa.array(gone), *(pa.nulls(len(gone), kind) for kind in DROPPED.types[1:])]
    write_table(planned.verb_file("verb"), [pa.RecordBatch.from_arrays(columns, schema=DROPPED)], DROPPED)
    kept = kept_documents(planned, Upstream("unique", unique.key, "verb"))
    assert np.flatnonzero(passed & ~kept).tolist() == gone.tolist() != []
    found = arrived_documents(("one", "other"), "crawl", len(kept), {"one": kept, "other": ~passed})
    assert found.tolist() == (kept | ~passed).tolist()
    assert screened.parents == ("crawl",)
    assert arrived_documents(screened.parents, "crawl", len(kept), {}).all()
