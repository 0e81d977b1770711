"""The rows of a table as a verb sees them."""

import numpy as np
import pyarrow as pa
import pytest

from refinery.api import documents
from refinery.api.documents import TableDocuments, map_units, measured_batches, text_batches
from refinery.dedup.content import Content
from refinery.errors import InputError
from refinery.filters.token_count import Size
from refinery.storage.tables import read_table

TABLE = pa.table({"text": ["a b", None, "c d e"], "year": [3, None, 1], "tags": [[1], [], [2]]})


def of_table(folder, ranking=()):
    return TableDocuments(TABLE, TABLE.column("text").cast(pa.large_string()), frozenset(ranking), folder)


def test_texts_are_cut_by_bytes(monkeypatch):
    """Into runs of at most so many, none of them lost, whatever the chunks."""
    monkeypatch.setattr(documents, "BATCH_BYTES", 4)
    texts = pa.chunked_array([["ab", "c", "", "longer", None], [], ["d"]], pa.large_string())
    found = [batch.to_pylist() for batch in text_batches(texts)]
    assert found == [["ab", "c", ""], ["longer"], [None], ["d"]]


def test_what_has_no_text_has_no_measurement():
    """NULL stays NULL; an empty text is measured."""
    texts = pa.chunked_array([["a", None, ""]], pa.large_string())
    ((size, *_),) = measured_batches([Size()], texts)
    assert size.to_pylist() == [1, None, 0]


def test_rows_are_documents(tmp_path):
    """All arrive; texts by position, NULL as an empty one; each has an identity of its own."""
    found = of_table(tmp_path)
    assert (found.rows, found.arrived, found.arrives().all(), found.trust) == (3, 3, True, 0)
    (batch,) = found.texts(np.array([1, 2]))
    assert batch.to_arrow().to_pylist() == ["", "c d e"]
    assert len(set(found.identities().tolist())) == 3
    found.measure([Content()])
    assert read_table(found.measured("content"), ["content"]).column(0).null_count == 1


def test_columns_that_rank_have_their_common_type(tmp_path):
    """As in a run; what cannot be compared is refused."""
    ranked = of_table(tmp_path, {"year"})
    assert ranked.ranked_type("year") == pa.int64()
    assert ranked.columns(["year"]).to_pydict() == {"year": [3, None, 1]}
    with pytest.raises(InputError, match="column 'tags' is list"):
        of_table(tmp_path).columns(["tags"])
    with pytest.raises(InputError, match="a ranking needs"):
        ranked.ranked_type("tags")


def test_units_run_in_order():
    """One after the other, in this process."""
    assert map_units("double", lambda n: 2 * n, [1, 2], memory=3) == [2, 4]
