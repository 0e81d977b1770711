"""Repeated passages cut to one copy, against every window of every text looked up in a dictionary."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dedup.passage_shards import TextShard, cut

LEAST = 16
# Pieces of several lengths from few characters of one to four bytes, none of which is part of a word or a number.
PIECES = st.lists(st.text("年月、。😀!", min_size=1, max_size=24), min_size=1, max_size=5)


@st.composite
def corpora(draw) -> list[str]:
    """Documents made of the same pieces."""
    pieces = draw(PIECES)
    chosen = st.lists(st.sampled_from(pieces), max_size=6).map("".join)
    return draw(st.lists(chosen, min_size=1, max_size=7))


def expected(texts: Sequence[str], order: Sequence[int], least: int) -> dict[int, str]:
    """What is left of each: a window goes for its first copy, unless that has earlier ones itself."""
    first: dict[str, tuple[int, int]] = {}
    windows: list[tuple[int, int, int, int]] = []
    touched = [[False] * len(text) for text in texts]
    for document in order:
        for start in range(len(texts[document]) - least + 1):
            where = first.setdefault(texts[document][start : start + least], (document, start))
            if where != (document, start) and (where[0] != document or start >= where[1] + least):
                windows.append((document, start, *where))
                touched[document][start : start + least] = [True] * least
    gone = [[False] * len(text) for text in texts]
    for document, start, other, place in windows:
        if not any(touched[other][place : place + least]):
            gone[document][start : start + least] = [True] * least
    return {
        document: "".join(char for char, goes in zip(text, gone[document], strict=True) if not goes)
        for document, text in enumerate(texts)
    }


@settings(deadline=None, max_examples=150)
@given(corpora(), st.data())
def test_one_copy_stays_as_by_every_window(texts, data):
    """The characters go that the reference takes, whatever the shards are, in the order of preference."""
    years = data.draw(st.lists(st.integers(0, 3), min_size=len(texts), max_size=len(texts)))
    at = data.draw(st.integers(0, len(texts)))
    shards = [
        TextShard(tuple(texts[part]), {"year": years[part]})
        for part in (slice(0, at), slice(at, None))
        if texts[part]
    ]
    order = sorted(range(len(texts)), key=lambda n: -years[n])
    wanted = expected(texts, order, LEAST)
    with tempfile.TemporaryDirectory() as folder:
        found = cut(shards, Path(folder), characters=LEAST, rest=1, prefer=["year DESC"])
    assert found.left == {n: text for n, text in wanted.items() if text or not texts[n]}
    assert all(not wanted[n] for n in found.dropped)
    whole = [text for n, text in enumerate(texts) if not any(span[0] == n for span in found.spans)]
    whole += [part for n in found.left for part in _pieces(texts[n], [s for s in found.spans if s[0] == n])]
    for document, start, end, _ in found.spans:  # each window that went has a copy in one piece
        passage = texts[document][start:end]
        kept = sum(passage[n : n + LEAST] in part for n in range(len(passage) - LEAST + 1) for part in whole)
        assert kept


def _pieces(text: str, spans: list[tuple[int, int, int, int]]) -> list[str]:
    bounds = [0, *(place for span in spans for place in span[1:3]), len(text)]
    return [text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)]
