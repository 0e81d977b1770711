"""Windows and their anchors, against every window of a text."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.shuffle.partition import partition_of
from refinery.text.batch import TextBatch
from refinery.text.passage_contexts import GRAM, find_paragraphs, find_windows
from refinery.text.windows import of_characters, of_tokens
from tests.text.test_windows import token_windows

LEAST = 8
TEXTS = st.lists(st.text("aé年😀", max_size=40), min_size=1, max_size=4)


LONG = 2 * GRAM + 10
PARTS = st.lists(st.sampled_from(["é" * 40, "年a" * 25, "😀", "a" * 9]), max_size=12).map("".join)


def character_windows(least: int, text: str) -> list[int]:
    """The end of each window, by its start."""
    return list(range(least, len(text) + 1))


@pytest.mark.parametrize(
    ("length", "ends_of", "strategy"),
    [
        (of_characters(LEAST), partial(character_windows, LEAST), TEXTS),
        (of_characters(LONG), partial(character_windows, LONG), st.lists(PARTS, min_size=1, max_size=3)),
        (of_tokens(LEAST, "qwen"), token_windows, TEXTS),
    ],
)
@given(data=st.data())
def test_every_window_has_one_anchor_at_the_same_place_in_equal_ones(length, ends_of, strategy, data):
    """The contexts of a text are all of its windows, each once, and equal windows have equal hash and anchor."""
    texts = data.draw(strategy)
    batch = TextBatch.from_arrow(TextBatch.from_texts(["before", *texts]).to_arrow().slice(1))
    seen: dict[str, tuple[int, int]] = {}
    windows = []
    for one in find_windows(batch, length):
        content = texts[one["document"]].encode()
        context = content[one["start"] : one["end"]].decode()
        first = len(content[: one["start"]].decode())
        anchor = len(content[one["start"] : one["start"] + one["anchor"]].decode())
        for start, end in enumerate(ends_of(context)[: anchor + 1]):
            windows.append((int(one["document"]), first + start))
            known = seen.setdefault(context[start:end], (int(one["hash"]), anchor - start))
            assert known == (one["hash"], anchor - start)
    assert windows == [(n, at) for n, text in enumerate(texts) for at in range(len(ends_of(text)))]


@given(st.lists(st.text("a年 \n\t", max_size=30), max_size=3))
def test_paragraphs_are_what_blank_lines_separate(texts):
    """Or lines, where no blank one lies between two others; without white space at their ends, of some length."""
    found = [(int(one["document"]), int(one["start"]), int(one["end"])) for one in
             find_paragraphs(TextBatch.from_texts(texts), 2)]  # fmt: skip
    expected = []
    for document, text in enumerate(texts):
        lines = text.split("\n")
        separated = any(not line.strip() for line in text.strip().split("\n"))
        parts: list[list[str]] = [[]]
        for line in lines:
            if not separated or not line.strip():
                parts.append([])
            if line.strip():
                parts[-1].append(line)
        wanted = [part for part in ("\n".join(part).strip() for part in parts) if len(part) >= 2]
        expected += [(document, part) for part in wanted]
    shown = [(n, texts[n].encode()[start:end].decode()) for n, start, end in found]
    assert shown == expected


def test_hashes_of_anchors_are_spread():
    """Partitions are ranges of them, and an anchor is what has the least hash of many."""
    texts = [" ".join(str(mixed) for mixed in range(n, n * n, n + 7)) for n in range(200, 260)]
    hashes = find_windows(TextBatch.from_texts(texts), of_characters(200))["hash"]
    counts = np.bincount(partition_of(np.unique(hashes), 8), minlength=8)
    assert counts.min() > 0.5 * counts.mean()
