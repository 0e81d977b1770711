"""What people are told of results that are there, and of documents, beside the manifest that the run writes."""

import pytest

from refinery.executors.local import InProcess
from refinery.run.run import execute
from refinery.watch.events import CacheChecked, Finished, RunBegun, Subject
from refinery.watch.progress import Progress
from tests.conftest import PIPELINE, document, write_parquet
from tests.run.planning import plan_of

DEFINITION = PIPELINE.replace(
    "outputs:\n  unique:",
    "  best:\n    from: unique\n    select: {tokens: 2500, by: words}\n"
    "outputs:\n  best: {from: best, path: best}\n  unique:",
)


@pytest.fixture
def repository(data_repository):
    (data_repository / "pipeline.yaml").write_text(DEFINITION)
    return data_repository


def events_of(repository):
    """Runs the pipeline: its manifests and what it told."""
    told = []
    return execute(plan_of(repository / "pipeline.yaml"), InProcess(), told.append), told


def counted(told, *, finished):
    """By kind and name: the state, documents and kept that a listener arrives at."""
    progress = Progress()
    for event in told:
        if finished or not isinstance(event, Finished):
            progress(event)
    return {(line.kind, line.name): (line.state, line.documents, line.kept) for line in progress.lines()}


def checked(told):
    return {(e.of.name, e.result): (e.found, e.missing) for e in told if isinstance(e, CacheChecked)}


def as_the_manifests_say(manifests):
    """The same numbers by the manifests."""
    found = {}
    for name, manifest in manifests.items():
        found |= {("source", n): ("done", s.documents, None) for n, s in manifest.sources.items()}
        for stage, account in manifest.stages.items():
            found["stage", stage] = ("done", account.arrived.documents, account.kept.documents)
        rows = sum(file.rows for file in manifest.files)
        found["output", name] = ("done", manifest.kept.documents, rows)
    return found


def test_counts_are_those_of_the_manifest(repository):
    """At the end, told once, and without that: what units count adds up, but for what verbs drop."""
    manifests, told = events_of(repository)
    expected = as_the_manifests_say(manifests)
    assert counted(told, finished=True) == expected
    assert len([event for event in told if isinstance(event, Finished)]) == len(expected)
    checks = [event for event in told if isinstance(event, CacheChecked)]
    assert {(check.found, check.documents, check.kept) for check in checks} == {(0, None, None)}
    so_far = counted(told, finished=False)
    for key, (_, documents, kept) in expected.items():
        verb = key in {("stage", "unique"), ("stage", "best")}
        assert so_far[key][1:] == (documents, None if verb else kept)


def test_what_was_there_counts_too(repository):
    """After a new shard and a removed output, what was found adds up with what was made."""
    events_of(repository)
    rows = [{"id": f"new{n}", "text": document(700 + n), "year": 1} for n in range(9)]
    write_parquet(repository / "crawl" / "3.parquet", rows)
    (repository / "best.records" / "manifest.json").unlink()
    manifests, told = events_of(repository)
    expected = as_the_manifests_say(manifests)
    assert counted(told, finished=True) == expected
    so_far = counted(told, finished=False)
    for key in (("source", "crawl"), ("stage", "screened"), ("output", "best")):
        assert so_far[key][1:] == expected[key][1:]
    found = checked(told)
    assert found["crawl", "shard"] == found["crawl", "measurement signals"] == (3, 1)
    assert found["screened", "decision"] == (3, 1)
    assert found["unique", "dedup"] == found["best", "select"] == (0, 1)


def test_an_outcome_that_was_there_is_told_with_the_decisions(repository):
    """What a verb kept is known again when an output is written anew; what needs no work is cached."""
    events_of(repository)
    (repository / "best.records" / "manifest.json").unlink()
    manifests, told = events_of(repository)
    assert counted(told, finished=True) == as_the_manifests_say(manifests)
    found = checked(told)
    assert found["unique", "dedup"] == found["best", "select"] == found["unique", "output"] == (1, 0)
    assert found["best", "output"] == (0, 1)
    assert found["crawl", "shard"] == found["crawl", "measurement signals"] == (3, 0)


def test_subjects_are_in_the_definitions_order(repository):
    """Sources, stages as they are written, whatever they come from, and outputs."""
    text = (repository / "pipeline.yaml").read_text()
    head, best = text.split("  best:\n", 1)
    best, outputs = best.split("outputs:", 1)
    head = head.replace("stages:\n", f"stages:\n  best:\n{best}")
    (repository / "pipeline.yaml").write_text(f"{head}outputs:{outputs}")
    _, (begun, *_) = events_of(repository)
    assert begun == RunBegun(
        (
            Subject("source", "crawl"),
            *(Subject("stage", name) for name in ("best", "screened", "unique")),
            *(Subject("output", name) for name in ("best", "unique")),
        )
    )
