"""What a plan is made of, as a table."""

from dataclasses import replace
from random import Random

import polars as pl
import pytest

import refinery
from refinery.watch.events import UnitBegun


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


def test_a_run_that_was_stopped_leaves_the_reasons(data_repository):
    """They are told against the last run that was finished, so long as something is to be made."""
    refinery.run(tiny(data_repository, english="lang = 'en'"), workers=1, progress=False)
    other = tiny(data_repository, english="lang = 'de'")
    before = refinery.results(refinery.plan(other))

    def stop(event: object) -> None:
        if isinstance(event, UnitBegun):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refinery.run(other, workers=1, progress=stop)
    assert before["why"].list.len().sum() == 2
    assert refinery.results(refinery.plan(other)).equals(before)


def test_what_a_model_is_needed_for_is_there_after_a_run(tmp_path):
    """What it measures is known by its content, which is looked up."""
    for name, words in (("good", "dose blood fever nurse"), ("other", "market price profit bank")):
        rows = [" ".join(Random(n).sample(words.split(), 4)) + f" {name}{n} {n * n}" for n in range(60)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(f'{{"text": "{row}"}}' for row in rows))
    pipeline = refinery.Pipeline(
        name="trained",
        sources={name: {"path": f"{name}.jsonl"} for name in ("good", "other")},
        models={"topic": {"train": {"positive": "good", "negative": "other", "buckets": 1000}}},
        stages={
            "on": {
                "from": ["good", "other"],
                "measure": [{"relevance": {"model": "topic"}}],
                "keep": [{"topic": "relevance >= 0"}],
            }
        },
        outputs={"on": {"from": "on", "path": "out"}},
        base=tmp_path,
    )
    refinery.run(pipeline, workers=1, progress=False)
    assert refinery.results(refinery.plan(pipeline))["missing"].sum() == 0
