"""Measuring and rewriting the texts of a table."""

import os
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import refinery
from refinery.errors import DefinitionError, InputError
from refinery.filters import registry
from refinery.text.batch import TextBatch
from tests.api.tables import KINDS, in_form, rows_of
from tests.conftest import chinese_document, document

TEXTS = [document(1), chinese_document(2), "short"]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_those_of_the_measurers(kind):
    """On every kind of table: bit for bit what the measurer gives, beside the columns that were there."""
    frame = in_form(kind, {"n": [1, 2, 3], "body": TEXTS})
    found = refinery.measure(frame, ["language", {"language": {"as": "second"}}], text="body")
    own = registry.measurer("language", {})(TextBatch.from_texts(TEXTS)).to_pylist()
    assert rows_of(found) == [
        {"n": n, "body": text, **row, **{f"second_{name}": value for name, value in row.items()}}
        for n, text, row in zip((1, 2, 3), TEXTS, own, strict=True)
    ]


def test_texts_are_measured_as_a_table():
    """Texts alone become one; a NULL text has no measurements; no text at all gives the columns."""
    found = refinery.measure([TEXTS[0], None], "size")
    assert found.column("bytes").to_pylist() == [len(TEXTS[0].encode()), None]
    assert refinery.measure([], ["size", "signals"]).num_rows == 0


def test_measured_is_what_a_run_measures(data_repository):
    """The columns of a table are those that a run has of the same texts."""
    outputs = refinery.run(data_repository / "pipeline.yaml", workers=1, progress=False)
    ran = outputs["unique"].measurements().collect().to_arrow()
    texts = pa.concat_tables(pq.read_table(data_repository / "crawl" / f"{n}.parquet") for n in range(3))
    normal = refinery.transform(texts.select(["text"]), ["normalize"])
    own = refinery.measure(normal, ["size", "language", "signals"]).drop_columns("text")
    assert own.column_names == [n for n in ran.column_names if n not in {"source", "path", "row", "id"}]
    for name in own.column_names:
        assert ran.column(name).to_pylist() == own.column(name).to_pylist()


def test_all_that_is_wrong_is_told_at_once():
    """Unknown measurers and settings with their places, and names that two measurers make."""
    with pytest.raises(DefinitionError) as error:
        refinery.measure(["a"], ["langauge", {"relevance": {"modle": "x"}}])
    assert error.value.problems == (
        "measure.0: no measurer is called 'langauge'; did you mean \"language\"?",
        "measure.1.relevance: the key 'model' is missing",
        'measure.1.relevance.modle: unknown key; did you mean "model"?',
    )
    with pytest.raises(DefinitionError, match="both make the column 'lang'"):
        refinery.measurer("language", "language")


def test_a_column_is_never_overwritten():
    """A table that has a column of a measured name is refused, with what to write."""
    with pytest.raises(InputError, match=r"has a column 'lang' already .*as: NAME"):
        refinery.measure(pa.table({"text": ["a"], "lang": ["xx"]}), ["language"])


def test_a_measurer_can_be_sent_away():
    """It is pickled without a model in it and measures the same when it arrives."""
    made = refinery.measurer("language")
    made(pa.table({"text": TEXTS}))
    sent = pickle.dumps(made)
    assert len(sent) < 10_000
    assert pickle.loads(sent)(pa.table({"text": TEXTS})) == refinery.measure(TEXTS, "language")


@pytest.mark.services
@pytest.mark.parametrize("batch_format", ["numpy", "pyarrow", "pandas"])
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray_data_takes_a_measurer(ray_here, batch_format):
    """`map_batches` on a real Ray, whatever the form of its batches, gives what `measure` gives."""
    import ray

    texts = [document(n) for n in range(40)] + [chinese_document(n) for n in range(10)]
    blocks = ray.data.from_items(
        [{"n": n, "text": text} for n, text in enumerate(texts)], override_num_blocks=4
    )
    found = blocks.map_batches(refinery.measurer("language", "size"), batch_format=batch_format, batch_size=7)
    rows = sorted(found.take_all(), key=lambda row: row["n"])
    own = refinery.measure(pa.table({"n": range(len(texts)), "text": texts}), ["language", "size"])
    assert rows == own.to_pylist()


@pytest.fixture(scope="module")
def ray_here():
    """A Ray of two processors, on this machine alone."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    yield
    ray.shutdown()
