"""Splits by a hash of the words, and dedup that does not lead from an earlier one to a later one."""

import datetime
import random
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup.content import Content
from refinery.dedup.split import Split, bounds_of, joined, split_names, split_numbers
from refinery.storage.marks import json_text
from refinery.text.batch import TextBatch
from tests.dedup.corpus import SETTINGS, run, words, write_shard

SPLIT = {"validation": 0.2, "test": 0.3}


def content_of(texts: list[str | None]) -> pa.ChunkedArray:
    batch = TextBatch.from_arrow(pa.array(texts, pa.large_string()))
    return pa.chunked_array([Content()(batch).column("content")])


def splits_of(texts: list[str]) -> list[int]:
    return split_numbers(content_of(texts), bounds_of(SPLIT)).tolist()


def plain_split(digest: bytes | None, split: dict[str, float]) -> str:
    """The name of a document's split, in plain Python."""
    end = 0.0
    for name, share in split.items():
        end += share
        if digest is not None and int.from_bytes(digest[8:], "big") / 2**64 < end:
            return name
    return "train"


def test_a_split_follows_from_the_words_alone():
    """As plain Python finds it, whatever case and spacing the words have; without words it is the last one."""
    texts = [" ".join(words(20, n)) for n in range(500)] + ["", None, "..."]
    content = content_of(texts)
    names = split_names(SPLIT)
    found = [names[n] for n in split_numbers(content, bounds_of(SPLIT))]
    assert found == [plain_split(digest, SPLIT) for digest in content.to_pylist()]
    assert found[-3:] == ["train"] * 3
    assert splits_of([text.upper() for text in texts[:500]]) == splits_of(texts[:500])


def test_splits_have_their_shares():
    """Within four standard deviations of as many documents."""
    digests = np.random.default_rng(1).bytes(16 * 200_000)
    content = pa.chunked_array(
        [pa.array([digests[n : n + 16] for n in range(0, len(digests), 16)], pa.binary(16))]
    )
    split = {"validation": 0.005, "test": 0.01}
    counts = np.bincount(split_numbers(content, bounds_of(split)))
    for count, share in zip(counts, [0.005, 0.01, 0.985], strict=True):
        assert count == pytest.approx(200_000 * share, abs=4 * (200_000 * share * (1 - share)) ** 0.5)


def test_more_documents_for_a_split_leave_it_those_that_it_had():
    """The first split grows into the next ones."""
    content = content_of([" ".join(words(20, n)) for n in range(300)])
    few, many = (split_numbers(content, bounds_of({"validation": share})) == 0 for share in (0.1, 0.25))
    assert 0 < few.sum() < many.sum() and (many | ~few).all()


def test_columns_of_any_binary_type_are_read():
    """As files and frames have them; a source that has no such column is all in the last split."""
    content = content_of([" ".join(words(20, n)) for n in range(50)] + [None])
    for kind in (pa.binary(), pa.large_binary()):
        assert (
            split_numbers(content.cast(kind), bounds_of(SPLIT)) == split_numbers(content, bounds_of(SPLIT))
        ).all()
    assert (
        split_numbers(content.slice(7), bounds_of(SPLIT)) == split_numbers(content, bounds_of(SPLIT))[7:]
    ).all()
    assert split_numbers(pa.chunked_array([pa.nulls(3)]), bounds_of(SPLIT)).tolist() == [2, 2, 2]


def text_of(page: int, version: int) -> str:
    """A version of a page: the more alike two versions are, the fewer words tell them apart."""
    found = words(120, page)
    chosen = random.Random(page * 1000 + version)
    for _ in range(version % 5):
        found[chosen.randrange(len(found))] = f"v{version}{chosen.randrange(10**6)}"
    return " ".join(found)


TEXTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=12)


@settings(max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.integers(0, 3), st.integers(0, 99))
def test_nothing_moves_to_a_later_split_when_a_shard_is_added(shards, added, at, seed):
    """A document that was kept is in its split still, or goes for one that is in it or in an earlier one.

    Wherever the shard is put and whatever is preferred besides; and what was dropped for it has no other fate.
    """
    before = [[text_of(*one) for one in shard] for shard in shards]
    after = [*before[:at], [text_of(*one) for one in added], *before[at:]]
    old, new = (_represented(texts, seed) for texts in (before, after))
    for text, kept in old.items():
        assert min(splits_of([text])[0], splits_of([kept])[0]) == splits_of([kept])[0]
        assert splits_of([new[text]])[0] <= splits_of([text])[0]
    for kept in set(old.values()):
        assert splits_of([new[kept]])[0] <= splits_of([kept])[0]


def _represented(shards: list[list[str]], seed: int) -> dict[str, str]:
    """Of each text the one that is kept in its place, its own where it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        written = []
        for number, texts in enumerate(shards):
            liked = [float(random.Random(f"{seed} {text}").randrange(5)) for text in texts]
            prefer = [list(map(float, splits_of(texts))), liked]
            written.append(write_shard(Path(folder) / f"{number}.parquet", texts, prefer))
        removed = run(Path(folder), written, SETTINGS)
    places = {(s, r): text for s, texts in enumerate(shards) for r, text in enumerate(texts)}
    return {
        text: places[removed[place].place] if place in removed else text for place, text in places.items()
    }


def plain_part(text: str | None, split: dict[str, float]) -> int:
    """The number of a value's split, in plain Python: by the digest of its size and its text."""
    if text is None:
        return len(split)
    size = len(text.encode())
    digest = xxhash.xxh3_128_digest(f"{size} {text}".encode())
    return [*split, "train"].index(plain_split(digest, split))


@given(st.lists(st.none() | st.integers(-999, 999), min_size=1, max_size=40))
def test_a_value_is_in_one_split_whatever_type_its_column_has(numbers):
    """An integer, a float, a text and JSON; NULL is in the last."""
    texts = [None if n is None else str(n) for n in numbers]
    columns = [
        (pa.array(numbers, pa.int32()), pa.field("p", pa.int32())),
        (
            pa.array([None if n is None else float(n) for n in numbers], pa.float64()),
            pa.field("p", pa.float64()),
        ),
        (pa.array(texts, pa.string()), pa.field("p", pa.string())),
        (pa.array([n and f'"{n}"' for n in texts], pa.large_string()), json_text("p", "mixed")),
    ]
    split = Split("p", bounds_of(SPLIT))
    for values, field in columns:
        found = split.numbers(pa.table([values], pa.schema([field])))
        assert found.tolist() == [plain_part(text, SPLIT) for text in texts]


def test_conditions_are_asked_in_their_order():
    """The first that holds; what is NULL holds for none, and a column that a source lacks is NULL."""
    split = Split(conditions=("court = 'A' AND date >= '2020'", "date >= '2010-06-01'"))
    assert (split.carried, split.count) == (("court", "date"), 3)
    dates = [datetime.date(2021, 1, 1), datetime.date(2021, 1, 1), datetime.date(2010, 5, 31), None]
    table = pa.table({"split:court": ["A", "B", "A", "A"], "split:date": dates})
    assert split.numbers(table).tolist() == [0, 1, 2, 2]
    nothing = pa.table({"split:court": pa.nulls(2), "split:date": pa.nulls(2)})
    assert split.numbers(nothing).tolist() == [2, 2]
    assert Split("p", bounds_of(SPLIT)).numbers(pa.table({"split:p": pa.nulls(2)})).tolist() == [2, 2]


def test_splits_of_one_kind_are_joined():
    """By all bounds; of two columns, or of other conditions, there is none for both."""
    one, other = Split("p", (10, 30)), Split("p", (20,))
    assert joined(one, other) == Split("p", (10, 20, 30)) == joined(other, one)
    assert joined(one, Split("q", (20,))) is None is joined(one, Split(bounds=(20,)))
    assert joined(Split(conditions=("a = 'b'",)), Split(conditions=("a = 'c'",))) is None
