"""A run where no terminal is."""

import io

from refinery.watch.events import Count, Finished, Note, Phase, RunBegun, Share, Subject, UnitBegun, UnitEnded
from refinery.watch.plain import EVERY, PlainLines, plain
from refinery.watch.progress import Line

CRAWL, UNIQUE = Subject("source", "crawl"), Subject("stage", "unique")


def test_a_line_says_what_is_known():
    """In words; a source reads, an output writes."""
    assert plain(Line("source", "crawl", "working", 9_000, None, "measure", 3, 8, 0.4, 1500, 5.1, 6, 70)) == (
        "source crawl: 9,000 read, 1:10 left, 1,500 docs/s, measure 3/8, 5.1 MB/s"
    )
    assert plain(Line("output", "unique", "done", 40, 40, "write", 1, 1, 1, 9, 0, 2)) == (
        "output unique: 40 in, 40 written, took 0:02"
    )


def test_what_goes_on_is_told_now_and_then():
    """And each source, stage and output when it is finished, a stage once it is known what it kept; notes at once."""
    out = io.StringIO()
    now = [1000.0]
    emit = PlainLines(out, lambda: now[0])
    emit(RunBegun((CRAWL, UNIQUE)))
    emit(Phase("measure", 40, 40, 1, (Share(CRAWL, 40, 40),)))
    for number in range(40):
        emit(UnitBegun("measure", str(number), 1, 1, (CRAWL,)))
        now[0] += EVERY / 16
        emit(UnitEnded("measure", str(number), 1, 1, (CRAWL,), documents=7, counts=(Count(CRAWL, 7),)))
    emit(Finished(CRAWL, 280))
    emit(Note("a [file] is made again"))
    emit(Finished(UNIQUE, 280))
    emit(Finished(UNIQUE, 280, 270))
    assert out.getvalue().splitlines() == [
        "source crawl: 112 read, 0:45 left, 4 docs/s, measure 16/40, 0 bytes/s",
        "source crawl: 224 read, 0:15 left, 4 docs/s, measure 32/40, 0 bytes/s",
        "source crawl: 280 read, took 1:15",
        "a [file] is made again",
        "stage unique: 280 in, 270 kept, cached",
    ]
