"""What rules of a transform removed of documents, counted with their texts."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.filters import lines
from refinery.filters.lines import Settings, build
from refinery.filters.removed import REMOVED, Removed
from refinery.text.batch import TextBatch

RULES = Settings(
    keep=[{"no_menu": "words >= 2"}, {"no_x": "text NOT LIKE '%x%'"}], paragraphs={"few": "lines > 1"}
)
TEXT = st.lists(st.sampled_from(["é", " a b ", "x y", "", "年", "one two 年"]), max_size=7).map("\n".join)


@given(st.lists(st.none() | TEXT, max_size=6), st.sampled_from([8, 2**20]))
def test_counts_are_what_removed_parts_shows(texts, run_bytes):
    """By document and rule, however a batch is divided; the texts are those without counting."""
    transform, column = build(RULES), pa.array(texts, pa.large_string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "RUN_BYTES", run_bytes)
        left, counts = transform.remove(column)
    assert left.equals(transform(column))
    found = Removed().of(counts, len(texts)).column(REMOVED).to_pylist()
    for text, entries in zip(texts, found, strict=True):
        parts = transform.removed_parts(text or "")
        expected = Counter(part.rule for part in parts)
        assert {name_of(transform, one): one["parts"] for one in entries} == expected
        assert sum(one["characters"] for one in entries) == sum(len(part.text) for part in parts)
        assert sum(one["bytes"] for one in entries) == sum(len(part.text.encode()) for part in parts)


def name_of(transform, entry):
    return transform.rules[entry["rule"]].split(".", 1)[1]


def test_rules_are_called_by_what_they_remove():
    """A rule on lines and one on paragraphs of one name are two."""
    both = Settings(keep={"long": "chars > 3"}, paragraphs={"long": "chars > 9"})
    assert build(both).rules == ("lines.repeated", "lines.long", "paragraphs.long")


def test_a_text_alone_has_lost_nothing():
    """One row a document, of the type that is stored."""
    (found,) = Removed()(TextBatch.from_texts(["a", "b"])).columns
    assert found.to_pylist() == [[], []]
    assert found.type == Removed().schema.field(REMOVED).type
