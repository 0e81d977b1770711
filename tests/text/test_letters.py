from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.letters import has_letter


@given(texts=st.lists(st.text(st.sampled_from("12 !\u200b\U0001f600aé字ا\u0301")), max_size=6))
def test_one_letter_is_enough(texts: list[str]) -> None:
    """Of any script; marks, digits, emoji and signs are none."""
    expected = [any(char.isalpha() for char in text) for text in texts]
    assert has_letter(TextBatch.from_texts(texts)).tolist() == expected
