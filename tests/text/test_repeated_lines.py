"""Lines as hashes, each once a document."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.repeated_lines import distinct_lines, places_of
from refinery.text.visible_lines import find_lines
from tests.text.test_visible_lines import TEXTS, lines_of


def hash_of(line: str) -> int:
    (found,) = distinct_lines(TextBatch.from_texts([line])).tolist()
    return found


@given(TEXTS)
def test_each_line_is_found_once_a_document(texts):
    """White space at its ends aside; one without a letter never."""
    expected = [hash_of(line) for text in texts for line in set(lines_of(text)) if set(line) & set("abé")]
    assert sorted(distinct_lines(TextBatch.from_texts(texts)).tolist()) == sorted(expected)


@given(TEXTS)
def test_its_hashes_are_those_of_the_lines(texts):
    """So that what is counted is found again."""
    batch = TextBatch.from_texts(texts)
    assert set(distinct_lines(batch).tolist()) == set(find_lines(batch).hash.tolist()) - {0}


def test_a_part_of_a_batch_is_read_in_its_bounds():
    """As of an Arrow array that is a slice of another."""
    part = TextBatch.from_arrow(TextBatch.from_texts(["a\nb", "b\nc", "c\nd"]).to_arrow().slice(1, 1))
    assert len(distinct_lines(part)) == 2


@given(st.lists(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_places_are_those_of_a_list(wanted, listed):
    """-1 for what is not there."""
    there = sorted(listed)
    found = places_of(np.array(wanted, np.uint64), np.array(there, np.uint64))
    assert found.tolist() == [there.index(one) if one in listed else -1 for one in wanted]
