"""Decisions of a shard at a depth."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from refinery.run.decide import (
    DROPPED,
    KEPT,
    Above,
    Tally,
    arrived_at,
    decide,
    decide_task,
    decided,
    kept_documents,
    load_columns,
)
from refinery.run.measure import MeasureTask, measure
from refinery.storage.tables import read_table
from refinery.storage.write import write_table
from tests.conftest import PIPELINE
from tests.run.planning import plan_of


@pytest.fixture
def task(data_repository):
    """The first shard's stages of depth 0, measured."""
    text = PIPELINE.replace("words >= 50", "words >= 220 AND words < 500")
    (data_repository / "pipeline.yaml").write_text(text)
    plan = plan_of(data_repository / "pipeline.yaml")
    planned = plan.shards[0]
    measure(MeasureTask(planned, plan.measurements(planned), describe=True))
    return decide_task(plan, planned, 0)


def test_outcomes_are_those_of_the_rules_one_by_one(task):
    """The first rule that fails, all that fail, and the account of documents, bytes and tokens."""
    (screened, _), (stage_tally, unique_tally) = task.stages, decide(task)
    columns = screened.columns["crawl"]
    names = ("lang", "lang_score", "words", "bytes", "tokens")
    rows = load_columns(task.planned, columns, names).to_dicts()
    failed = [
        [
            n
            for n, good in enumerate((r["lang"] == "en" and r["lang_score"] >= 0.5, 220 <= r["words"] < 500))
            if not good
        ]
        for r in rows
    ]
    table = read_table(task.planned.decision_file(task.key))
    assert table.column("screened").to_pylist() == [f[0] if f else KEPT for f in failed]
    assert table.column("screened.failed").to_pylist() == failed
    assert table.column("unique").to_pylist() == [None if f else KEPT for f in failed]
    assert {len(f) for f in failed} == {0, 1, 2}

    def tally(wanted) -> Tally:
        chosen = [r for r, f in zip(rows, failed, strict=True) if wanted(f)]
        return Tally(len(chosen), sum(r["bytes"] for r in chosen), sum(r["tokens"] for r in chosen))

    assert (stage_tally.arrived, stage_tally.kept) == (tally(lambda _: True), tally(lambda f: not f))
    assert unique_tally.arrived == unique_tally.kept == stage_tally.kept
    dropped = {"english": tally(lambda f: f[:1] == [0]), "long_enough": tally(lambda f: f[:1] == [1])}
    assert stage_tally.dropped == {rule: found for rule, found in dropped.items() if found.documents}
    assert stage_tally.failed == {
        rule: sum(n in f for f in failed) for n, rule in enumerate(("english", "long_enough"))
    }


def test_what_was_decided_is_known_again_and_damage_is_not(task):
    """Decisions count when both files are there and the tallies are as they were written."""
    tallies = decide(task)
    present = frozenset({str(task.planned.decision_file(task.key)), str(task.tally_file)})
    assert decided([task], present) == [tallies]
    for missing in present:
        assert decided([task], present - {missing}) == [None]
    content = bytearray(task.tally_file.read_bytes())
    content[len(content) // 2] ^= 1
    task.tally_file.write_bytes(content)
    assert decided([task], present) == [None]


def test_what_a_verb_dropped_does_not_go_on(task):
    """A stage keeps what passed its rules and its verb left; one with several parents gets what any of them kept."""
    decide(task)
    planned, (_, unique) = task.planned, task.stages
    passed = kept_documents(Above("unique", planned.decision_file(task.key), None))
    gone = np.flatnonzero(passed)[::2]
    columns = [pa.array(gone), *(pa.nulls(len(gone), kind) for kind in DROPPED.types[1:])]
    write_table(planned.verb_file("verb"), [pa.RecordBatch.from_arrays(columns, schema=DROPPED)], DROPPED)
    kept = kept_documents(Above("unique", planned.decision_file(task.key), planned.verb_file("verb")))
    assert np.flatnonzero(passed & ~kept).tolist() == gone.tolist() != []
    union = replace(unique, parents=("one", "other", "of other sources"))
    found = arrived_at(union, "crawl", len(kept), {"one": kept, "other": ~passed})
    assert found.tolist() == (kept | ~passed).tolist()
    assert arrived_at(task.stages[0], "crawl", len(kept), {}).all()
