"""Dedup by columns, alone and before texts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup import corpus as corpus_module
from refinery.dedup.content import Content
from refinery.dedup.corpus import DedupShard
from refinery.dedup.outcomes import AGAINST, BY, EXACT
from refinery.dedup.run import dedup
from refinery.dedup.settings import Settings
from refinery.filters.verb import Removal
from refinery.text.batch import TextBatch
from tests.conftest import document
from tests.dedup.corpus import backwards, in_order, near, records_of, set_partitions, write_entries

Row = tuple[int | None, int, int]  # key of `by`, text, preference


def write(path: Path, rows: list[Row], *, earlier: bool = False) -> DedupShard:
    """A shard of documents with these keys, texts and preferences."""
    texts = pa.array([f"text {text}" for _, text, _ in rows], pa.large_string())
    columns = {
        "text": texts,
        "content": Content()(TextBatch.from_arrow(texts)).column("content"),
        "prefer_0": [prefer for _, _, prefer in rows],
        "by": pa.array([None if key is None else bytes([key]) * 16 for key, _, _ in rows], pa.binary(16)),
    }
    return write_entries(path, columns, earlier=earlier, source="earlier" if earlier else "source")


def plain(rows: list[Row], earlier: int, *, exact: bool) -> dict[int, tuple[int, int]]:
    """Document to rule and kept one: by keys, then, of what is left, by texts; a kept one that went gives way."""
    order = sorted(range(len(rows)), key=lambda n: (n >= earlier, rows[n][2] if n >= earlier else 0, n))
    found: dict[int, tuple[int, int]] = {}
    first: dict[object, int] = {}
    for n in order:
        key = rows[n][0]
        other = first.setdefault(key, n) if key is not None else n
        if other != n and n >= earlier:
            found[n] = BY, other
    first = {}
    for n in order if exact else ():
        if n not in found and first.setdefault(rows[n][1], n) != n and n >= earlier:
            found[n] = EXACT, first[rows[n][1]]
    for n, (rule, other) in found.items():
        kept = found[other][1] if other in found else other
        found[n] = (AGAINST if kept < earlier else rule), kept
    return found


ROWS = st.lists(st.tuples(st.none() | st.integers(0, 5), st.integers(0, 5), st.integers(0, 2)), max_size=25)


@settings(max_examples=40)
@given(ROWS, ROWS, st.booleans(), st.sampled_from([in_order, backwards]), st.integers(1, 9))
def test_equals_the_plain_definition(tmp_path_factory, old, new, exact, map_units, size):
    """Whatever the partitions: an earlier corpus stays whole, and who is named as kept is kept."""
    folder = tmp_path_factory.mktemp("by")
    shards = [
        write(folder / "old", old, earlier=True),
        write(folder / "0", new[:9]),
        write(folder / "1", new[9:]),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "LEAST_DOCUMENTS", size)
        set_partitions(patch, 200)
        result = dedup(
            shards,
            Settings(by=("x",), exact=exact),
            map_units=map_units,
            work=folder / "work",
        )
    records = records_of(result)
    found = {n: (rule, kept) for n, rule, kept, _ in records.tolist()}
    assert found == plain(old + new, len(old), exact=exact)
    assert not {kept for _, kept in found.values()} & found.keys()
    assert len(records) == len(found)
    unknown = np.isnan(records["similarity"])
    assert unknown[records["rule"] == BY].all() and not unknown[records["rule"] == EXACT].any()


def test_near_duplicates_are_sought_among_what_is_left(tmp_path):
    """The one that a column removed does not remove others; what copies it names the near one's kept document."""
    edited = document(1).replace("aspirin", "ibuprofen").replace("river", "lake")
    texts = [document(1), edited, document(2), document(3)]
    batch = TextBatch.from_texts(texts)
    from refinery.dedup.minhash import MinHash

    columns = {
        "text": pa.array(texts, pa.large_string()),
        "signature": MinHash()(batch).column("signature"),
        "by": pa.array([None, b"x" * 16, b"x" * 16, b"y" * 16], pa.binary(16)),
    }
    shard = write_entries(tmp_path / "0", columns)
    chosen = Settings(by=("x",), near=near(bands=28, rows=4))
    result = dedup([shard], chosen, map_units=in_order, work=tmp_path / "work")
    assert [(n, kept) for n, _, kept, _ in records_of(result).tolist()] == [(1, 0), (2, 0)]


def test_a_value_that_many_share_is_counted(tmp_path):
    """Such as "unknown": no identifier, and dropping all but one of its documents cannot be meant."""
    rows: list[Row] = [(7 if n < 1500 else None, n, 0) for n in range(3000)]
    shard = write(tmp_path / "0", rows)
    outcome = dedup([shard], Settings(by=("x",)), map_units=in_order, work=tmp_path / "work")
    assert outcome.largest == (Removal("source", 0, 1499, 3000, "share `by` with one"),)


def test_what_is_compared_by_default():
    """`by` alone compares columns alone; texts are compared as well if they are asked for."""
    assert Settings().compares_texts and not Settings(by=("x",)).compares_texts
    assert (
        Settings(by=("x",), exact=True).compares_texts and not Settings(exact=False, near={}).compares_texts
    )
    assert Settings.model_validate({"by": "pmid"}).by == ("pmid",)
    with pytest.raises(ValueError, match="neither by, exact nor near is asked for"):
        Settings(exact=False)
