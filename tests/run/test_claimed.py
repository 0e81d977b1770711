"""Which results a run makes now, while a run of another pipeline makes some of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from refinery.executors.local import InProcess
from refinery.plan.result import Kind
from refinery.run.claimed import _keys, claimed
from refinery.run.context import Run
from refinery.run.run import execute
from refinery.storage.claims import CLAIMS, claim
from refinery.watch.events import Note, WorkFolder
from tests.conftest import PIPELINE, document, write_parquet
from tests.run.planning import plan_of

TWO_SOURCES = PIPELINE.replace("stages:\n", '  books: {path: "books/*.parquet"}\nstages:\n').replace(
    "from: screened\n", "from: [screened, books]\n"
)


@pytest.fixture
def run(data_repository):
    """Of two sources, nothing is made yet; what it tells is in `told`."""
    write_parquet(data_repository / "books" / "a.parquet", [{"id": "b", "text": document(500), "year": 1}])
    (data_repository / "pipeline.yaml").write_text(TWO_SOURCES)
    plan = plan_of(data_repository / "pipeline.yaml")
    told = []
    found = Run(plan, InProcess(), told.append, lambda: None)
    found.told = told
    return found


@contextmanager
def by_another(run, *names):
    """Results that a run of another pipeline makes."""
    keys = {key for name in names for key in _keys(run.plan, run.plan.results[name])}
    with claim(run.plan.work, "other", keys) as found:
        assert found.mine == keys
        yield


def reading(run):
    return [r for r in run.plan.results.values() if r.kind in {Kind.DOCUMENTS, Kind.MEASUREMENT}]


def test_alone_a_run_makes_all(run):
    """Claims last as long as the block."""
    with claimed(run, reading(run)) as mine:
        assert mine == reading(run)
        assert len(list((run.plan.work / CLAIMS).iterdir())) == len(mine)
    assert list((run.plan.work / CLAIMS).iterdir()) == []


def test_what_another_run_makes_is_left_for_later(run):
    """And with it what is made of it; claims on that are given up, since another may want it."""
    with by_another(run, "sources.crawl"), claimed(run, reading(run)) as mine:
        assert {result.of.name for result in mine} == {"books"}
        (measured,) = (r for r in run.plan.results.values() if r.name == "sources.crawl.language")
        with claim(run.plan.work, "third", _keys(run.plan, measured)) as found:
            assert found.mine
    with by_another(run, "sources.crawl.language"), claimed(run, reading(run)) as mine:
        assert {result.name for result in reading(run)} - {r.name for r in mine} == {"sources.crawl.language"}


def test_a_run_waits_when_others_make_everything(run):
    """It tells who does, once, and goes on as soon as one of them is free."""
    group = [run.plan.results["sources.crawl"]]
    with ThreadPoolExecutor(1) as pool:
        with by_another(run, "sources.crawl"):
            waiting = pool.submit(lambda: [result.name for result in made_of(run, group)])
            while not notes(run):
                time.sleep(0.001)
            assert not waiting.done()
        assert waiting.result(timeout=30) == ["sources.crawl"]
    assert sum(isinstance(event, WorkFolder) for event in run.told) == 1
    (note,) = notes(run)
    assert note.startswith("waiting for sources.crawl: pipeline other (process ")


def notes(run):
    return [event.message for event in run.told if isinstance(event, Note)]


def made_of(run, group):
    with claimed(run, group) as mine:
        return mine


def test_what_is_there_is_not_waited_for(run):
    """Whoever claims it, for other files, say."""
    execute(run.plan, InProcess(), lambda _: None)
    with by_another(run, *(result.name for result in reading(run))):
        assert made_of(run, reading(run)) == reading(run)
        assert list((run.plan.work / CLAIMS).iterdir()) != []


def test_pipelines_meet_where_they_read_the_same_files(run, data_repository):
    """Under the same name; what is measured on arrival, and what is made of all documents, has one name for all."""
    other = data_repository / "other.yaml"
    other.write_text(TWO_SOURCES.replace("name: tiny", "name: other").replace("words >= 50", "words >= 60"))
    same = plan_of(other)
    other.write_text(other.read_text().replace("crawl/*.parquet", "crawl/[01].parquet"))
    less = plan_of(other)
    language, dedup = "sources.crawl.language", "stages.unique.dedup"
    assert _keys(run.plan, run.plan.results[language]) == _keys(same, same.results[language])
    assert _keys(run.plan, run.plan.results[language]) != _keys(less, less.results[language])
    assert _keys(run.plan, run.plan.results[dedup]) != _keys(same, same.results[dedup])
    arrival = replace(run.plan.results[language], kind=Kind.ARRIVAL)
    assert _keys(run.plan, arrival) == _keys(less, arrival)
