"""What a plan is made of, as a table."""

from dataclasses import replace

import polars as pl

import refinery


def tiny(base, **keep):
    return refinery.Pipeline(
        name="tiny",
        sources={"crawl": {"path": "crawl/*.parquet"}},
        stages={"screened": {"from": "crawl", "measure": ["language"], "keep": [keep]}},
        outputs={"screened": {"from": "screened", "path": "out"}},
        base=base,
    )


def test_results_say_what_is_missing_and_why(data_repository):
    """All of them before a run, none after it, and after a change those that depend on it, with the field."""
    pipeline = tiny(data_repository, english="lang = 'en'")
    before = refinery.results(refinery.plan(pipeline))
    assert before["missing"].to_list() == before["parts"].to_list()
    assert {"documents", "measurement", "decision", "output"} == set(before["kind"])
    refinery.run(pipeline, workers=1, progress=False)
    after = refinery.results(refinery.plan(pipeline))
    assert after["result"].equals(before["result"])
    assert after["missing"].sum() == 0
    assert after["why"].list.len().sum() == 0
    other = replace(pipeline, stages=tiny(data_repository, english="lang = 'de'").stages)
    changed = refinery.results(refinery.plan(other)).filter(pl.col("missing") > 0)
    assert changed["result"].to_list() == ["stages.screened", "outputs.screened"]
    assert changed["missing"].to_list() == [3, 1]
    assert all("keep.english" in why[0] for why in changed["why"].to_list())
