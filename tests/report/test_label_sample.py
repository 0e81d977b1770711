"""Documents that are drawn for people to label."""

import json
import random

import numpy as np
import pytest

import refinery
from refinery.api.runs import plan
from refinery.errors import DefinitionError
from refinery.report.label_sample import Request, allocate, draw_sample
from refinery.run.finished import finished

DEFINITION = """
refinery: 1
name: scored
sources:
  crawl: {path: "crawl/*.jsonl"}
  plain: {path: plain.jsonl}
stages:
  long: {from: crawl, transform: [normalize], keep: [long_enough: "chars >= 10"]}
  good: {from: long, keep: [good: "score >= 0.7", any: "other > -99 OR label = 1 OR ties = 1 OR word = 'a'"]}
  both: {from: [good, plain]}
outputs: {both: {from: both, path: out}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """600 documents of two files with a score, some without one, some that do not come to the second stage."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "crawl").mkdir()
    chosen = random.Random(1)
    for file in range(2):
        rows = [
            {
                "id": f"{file}-{n}",
                "text": f"short {n}" if n % 10 == 0 else f"text \r\n{n} of file {file}",
                "score": None if n % 7 == 0 else chosen.random(),
                "other": float(n) if file else None,
                "label": 1,
                "word": "a",
                "ties": 0 if n % 3 else n,
            }
            for n in range(300)
        ]
        (folder / "crawl" / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "plain.jsonl").write_text('{"text": "a document without any score"}\n')
    (folder / "pipeline.yaml").write_text(DEFINITION)
    refinery.run(folder / "pipeline.yaml", workers=1, progress=False)
    return folder


@pytest.fixture(scope="module")
def looked(base):
    return finished(plan(base / "pipeline.yaml"), "both")


@pytest.fixture(scope="module")
def scores(base):
    """By id the scores of what came to the second stage, as the files have them."""
    lines = [line for file in sorted((base / "crawl").iterdir()) for line in file.read_text().splitlines()]
    rows = {row["id"]: row for row in map(json.loads, lines)}
    return {name: r["score"] for name, r in rows.items() if r["score"] is not None and len(r["text"]) >= 10}


def drawn(looked, **request):
    return draw_sample(looked, "both", Request(("score",), **{"documents": 100, **request}))


def test_strata_hold_the_documents_of_the_stage(looked, scores):
    """Their sizes add up to what came there with a score; each holds the values between its neighbours."""
    sample = drawn(looked)
    assert (sample.stage, sample.near, sample.documents) == ("good", 0.7, len(scores))
    sizes = {row["stratum"]: row["stratum_documents"] for row in sample.rows}
    assert sorted(sizes) == list(range(1, 11))
    assert sum(sizes.values()) == len(scores)
    values = sorted(scores.values())
    start = 0
    for number, size in sorted(sizes.items()):
        inside = values[start : start + size]
        assert {r["score"] for r in sample.rows if r["stratum"] == number} <= set(inside)
        start += size
    assert sum(row["weight"] for row in sample.rows) == pytest.approx(len(scores))


def test_half_lies_beside_the_cut(looked, scores):
    """No stratum has values on both sides of it."""
    sample = drawn(looked, near=0.4)
    below = max(row["stratum"] for row in sample.rows if row["score"] < 0.4)
    beside = [row for row in sample.rows if row["stratum"] in (below, below + 1)]
    assert abs(len(beside) - 50) <= 4  # each stratum gives a whole number
    assert all((row["score"] >= 0.4) == (row["stratum"] > below) for row in sample.rows)
    assert sum(
        {r["stratum"]: r["stratum_documents"] for r in sample.rows if r["stratum"] <= below}.values()
    ) == sum(score < 0.4 for score in scores.values())


def test_a_cut_beyond_all_values(looked):
    """All strata give the same number."""
    counts = np.bincount([row["stratum"] for row in drawn(looked, near=7.0).rows])[1:]
    assert counts.tolist() == [10] * 10


def test_the_same_seed_draws_the_same(looked):
    """Another one draws others; a larger sample has the smaller one's documents of each stratum."""
    first = drawn(looked)
    assert first == drawn(looked)
    assert {row["id"] for row in first.rows} <= {row["id"] for row in drawn(looked, documents=200).rows}
    assert {row["id"] for row in first.rows} != {row["id"] for row in drawn(looked, seed=1).rows}
    strata = [row["stratum"] for row in first.rows]
    assert strata != sorted(strata)


def test_rows_say_what_the_files_do(looked, scores):
    """Place, scores, those that a source lacks as NULL, and the text as the stage got it, cut."""
    sample = draw_sample(looked, "both", Request(("score", "other"), documents=60, chars=7))
    for row in sample.rows:
        file, number = row["id"].split("-")
        assert (row["source"], row["path"], row["row"]) == ("crawl", f"{file}.jsonl", int(number))
        assert (row["score"], row["label"], row["text"][:5]) == (scores[row["id"]], "", "text\n")
        assert len(row["text"]) <= 7
        assert row["other"] == (float(number) if file == "1" else None)


def test_every_document_is_drawn_from_a_small_pool(looked, scores):
    """With weight 1 each."""
    sample = drawn(looked, documents=10_000)
    assert {row["id"] for row in sample.rows} == set(scores)
    assert {row["weight"] for row in sample.rows} == {1.0}


def test_ties_lie_in_one_stratum(looked):
    """Most values are 0: there are fewer strata."""
    sample = draw_sample(looked, "both", Request(("ties",), documents=50))
    zero = {row["stratum"] for row in sample.rows if row["ties"] == 0}
    assert zero == {1}
    assert 2 < len({row["stratum"] for row in sample.rows}) < 10


def test_the_stage_can_be_named(looked):
    """What came to an earlier one is drawn as it came there."""
    sample = draw_sample(looked, "both", Request(("chars",), documents=20, stage="long"))
    assert (sample.stage, sample.documents, sample.near) == ("long", 600, 10.0)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(("scor",)), "no column 'scor'; did you mean \"score\""),
        (Request(("word",)), "'word' holds string, not numbers"),
        (
            Request(("score",), stage="lnog"),
            '--stage lnog: no such stage on the way to both; did you mean "long"',
        ),
        (Request(("label",)), "'label' is another column of the file"),
    ],
)
def test_what_cannot_be_drawn(looked, request_, message):
    """Columns and stages that are not there, columns that the file has a meaning for."""
    with pytest.raises(DefinitionError, match=message):
        draw_sample(looked, "both", request_)


def test_a_source_without_a_column(tiny_run):
    """Its documents have no value of it, and are not drawn over it."""
    tiny = finished(plan(tiny_run), "unique")
    every = draw_sample(tiny, "unique", Request(("bytes", "words"), stage="unique"))
    without = [row for row in every.rows if row["words"] is None]
    assert {row["source"] for row in without} == {"notes"}
    assert draw_sample(
        tiny, "unique", Request(("words",), stage="unique")
    ).documents == every.documents - len(without)


def test_allocation_gives_all_that_is_asked_for():
    """None more than it has, as many as there are, every stratum something."""
    sizes = np.array([5, 500, 3, 500, 1])
    for number in (20, 60, 1009, 5000):
        takes = allocate(sizes, number, [1, 2])
        assert takes.sum() == min(number, sizes.sum())
        assert (takes <= sizes).all()
        assert (takes > 0).all()
