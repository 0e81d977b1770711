"""What may come from stages that mix and repeat documents."""

import pytest

from refinery.errors import DefinitionError
from tests.conftest import write_parquet
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: mixing
sources:
  crawl: {path: "crawl/*.parquet"}
  books: {path: "books/*.parquet"}
models: {topic: {train: {positive: books, negative: crawl}}}
stages:
  mixture:
    from: [crawl, books]
    mix: {tokens: 1k, shares: {crawl: 60%, books: 40%}}
  plain: {from: crawl}
outputs:
  all: {from: mixture, path: out}
"""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "plain: {from: crawl}",
            "plain: {from: mixture}",
            "'mixture' repeats documents, so only outputs may",
        ),
        ("positive: books", "positive: mixture", "'mixture' repeats documents, so only outputs may"),
        (
            "plain: {from: crawl}",
            "plain: {from: crawl, calibrate: {trusted: mixture, lose: 1%}}",
            "'mixture' repeats",
        ),
        (
            "from: mixture, path: out",
            "from: plain, path: out, repeats: counts",
            "no document of 'plain' is repeated",
        ),
        (
            "crawl: 60%",
            "craw: 60%",
            "a part 'craw', which the stage does not come from; did you mean",
        ),
        ("crawl: 60%, books: 40%", "crawl: 100%", "comes from 'books', which is no part"),
        ("crawl: 60%", "crawl: 50%", "the shares add up to 90%"),
        (
            "from: [crawl, books]",
            "from: [crawl, books]\n    measure: [{patterns: {repeats: x}}]",
            "the column 'repeats' has the counts",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, before, after, message):
    """At check, in the user's words, with the place."""
    for source in ("crawl", "books"):
        write_parquet(tmp_path / source / "0.parquet", [{"id": "a", "text": "A text."}])
    file = tmp_path / "pipeline.yaml"
    file.write_text(DEFINITION)
    assert plan_of(file).graph.repeating("mixture").name == "mixture"
    text = DEFINITION.replace(before, after)
    if "patterns" in after:
        text = text.replace("path: out", "path: out, repeats: counts, measurements: [repeats]")
    if "calibrate" in after:
        text = text.replace(
            "{from: crawl, cal", "{from: crawl, keep: [some: words > 1], measure: [signals], cal"
        )
    file.write_text(text)
    with pytest.raises(DefinitionError, match=message):
        plan_of(file)


def test_a_column_of_another_name_is_no_clash(tmp_path):
    """A measured column `repeats` that is not written beside the counts is left alone."""
    for source in ("crawl", "books"):
        write_parquet(tmp_path / source / "0.parquet", [{"id": "a", "text": "A text."}])
    measured = DEFINITION.replace("    mix:", "    measure: [{patterns: {repeats: x}}]\n    mix:")
    (tmp_path / "pipeline.yaml").write_text(measured.replace("path: out", "path: out, repeats: counts"))
    assert plan_of(tmp_path / "pipeline.yaml").graph.stages["mixture"].repeats
