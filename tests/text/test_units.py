"""Units of prepared texts."""

from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from refinery.text.units import cut_units


@given(st.lists(st.text(st.sampled_from("ab1é 医院กุ。\n"), max_size=20), max_size=4))
def test_units_are_what_spaces_separate(texts):
    """Each with its text and its place; equal ones have equal hashes; characters of unspaced scripts are told."""
    prepared = prepare(TextBatch.from_texts(texts))
    units = cut_units(prepared)
    expected = [(n, unit) for n, text in enumerate(prepared.to_arrow().to_pylist()) for unit in text.split()]
    found = [prepared.data[a:b].tobytes().decode() for a, b in zip(units.start, units.end, strict=True)]
    assert list(zip(units.document.tolist(), found, strict=True)) == expected
    assert len(set(units.hash.tolist())) == len(set(found))
    assert units.is_character.tolist() == [unit[0] in "医院ก" for unit in found]
