"""The shortest runs of a length, by every run of a text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.filters.token_count import Size
from refinery.text.batch import TextBatch
from refinery.text.token_estimate import PARTS, UNCOUNTED, point_costs, table
from refinery.text.windows import lengths, of_characters, of_tokens, shorten

LEAST = 8
TEXTS = st.text("aé年 😀1\n", max_size=40)


def token_costs(text: str) -> list[int]:
    """What each character adds to the estimate."""
    data, costs = np.frombuffer(text.encode(), np.uint8), np.zeros(len(text), np.int64)
    point_costs(data, 0, len(data), table("qwen"), costs)
    return costs.tolist()


def token_windows(text: str, least: int = LEAST) -> list[int]:
    """The end of each window of so many tokens, by its start."""
    costs, ends = token_costs(text), range(len(text) + 1)
    found = [
        next((end for end in ends if sum(costs[start + UNCOUNTED : end]) >= least * PARTS), None)
        for start in range(len(text))
    ]
    return [end for end in found if end is not None]


@given(TEXTS)
def test_costs_sum_up_to_the_estimate(text):
    """Of the measurer `size`, in parts of a token."""
    (tokens,) = Size()(TextBatch.from_texts([text])).column("tokens").to_pylist()
    assert (sum(token_costs(text)) + PARTS // 2) // PARTS == tokens


@given(TEXTS, st.integers(0, 40), st.integers(0, 40))
def test_lengths_of_passages(text, one, other):
    """Characters, or what they cost where they stand."""
    start, end = sorted(min(place, len(text)) for place in (one, other))
    starts, ends = (np.array([len(text[:n].encode())], np.int64) for n in (start, end))
    batch, document = TextBatch.from_texts([text]), np.zeros(1, np.int64)
    assert lengths(batch, document, starts, ends, of_characters(LEAST)) == [end - start]
    found = lengths(batch, document, starts, ends, of_tokens(LEAST, "qwen"))
    assert found == [sum(token_costs(text)[start:end])]


@given(TEXTS)
def test_passages_end_where_their_last_window_does(text):
    """One without a window is empty."""
    batch, document = TextBatch.from_texts(["before", text]), np.ones(1, np.int64)
    windows = {"characters": list(range(LEAST, len(text) + 1)), "tokens": token_windows(text)}
    for length, found in zip((of_characters(LEAST), of_tokens(LEAST, "qwen")), windows.values(), strict=True):
        ends = np.array([len(text.encode())], np.int64)
        shorten(batch, document, np.zeros(1, np.int64), ends, length)
        assert ends == [len(text[: found[-1] if found else 0].encode())]
