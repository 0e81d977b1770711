import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import NO_COLUMNS, Documents, Reject, Shard


def documents(count: int, columns: bool) -> Documents:
    others = pa.RecordBatch.from_pydict({"n": list(range(count))}) if columns else NO_COLUMNS
    texts = pa.array([f"t{n}" for n in range(count)], pa.large_string())
    ids = pa.array([None if n % 3 else n for n in range(count)], pa.int64())
    minted = np.arange(count) % 3 == 1
    return Documents(np.arange(count) * 2, texts, ids, minted, others, (Reject(1, "null_text"),))


def rows(found: Documents) -> list[tuple[object, ...]]:
    lists = [found.rows.tolist(), found.text.to_pylist(), found.ids.to_pylist(), found.minted.tolist()]
    if found.columns.num_columns:
        lists.append(found.columns.to_pylist())
    return list(zip(*lists, strict=True))


@given(mask=st.lists(st.booleans(), max_size=20), columns=st.booleans(), data=st.data())
def test_what_is_chosen_stays_together(mask, columns, data):
    """Every field of the rows of a mask, with the rejects, or from one place to another, without them."""
    whole = documents(len(mask), columns)
    chosen = whole.filter(np.array(mask, bool))
    assert rows(chosen) == [row for row, good in zip(rows(whole), mask, strict=True) if good]
    start = data.draw(st.integers(0, len(mask)))
    stop = data.draw(st.integers(start, len(mask)))
    piece = whole.slice(start, stop)
    assert rows(piece) == rows(whole)[start:stop]
    assert (chosen.rejects, chosen.skipped, piece.rejects) == (whole.rejects, whole.skipped, ())


def test_rejects_alone_are_documents_without_rows():
    """Of the types that readers give."""
    found = Documents.rejected((Reject(3, "not_json", "what"),))
    assert (len(found.rows), len(found.text), len(found.ids), len(found.minted)) == (0, 0, 0, 0)
    assert found.text.type == pa.large_string()
    assert found.rejects == (Reject(3, "not_json", "what"),)


def test_a_shard_is_called_by_its_file_and_what_of_it_it_is():
    """Row groups or bytes, unless it is the whole file; a URL without its secrets."""

    def name(path: str, format: str, start: int, stop: int) -> str:
        return Shard("s", path, "a", format, start, stop, 0, None, 1, "").name

    assert name("/d/a.jsonl", "jsonl", 0, -1) == "/d/a.jsonl"
    assert name("/d/a.jsonl", "jsonl", 0, 9) == "/d/a.jsonl (bytes 0 to 9)"
    assert name("/d/a.parquet", "parquet", 2, -1) == "/d/a.parquet (row groups 2 to the end)"
    assert "secret" not in name("https://me:secret@host/a.jsonl?key=secret", "jsonl", 0, -1)
