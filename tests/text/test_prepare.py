import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""), ("!!", ""), ("Aspirin, 100 mg!", "aspirin 100 mg"), ("中国人", "中 国 人"),
        ("用Python写", "用 python 写"),
        ("ｶﾞﾗｽ", "カ\u3099 ラ ス"), ("กิน", "กิ น"), ("a\n\nb", "a b"), ("__label__hq x", "x"),
        ("</s> 漢</s>", "s 漢 s"), ("É\u00a0É", "e\u0301 e\u0301"), ("漢 字", "漢 字"), ("1中", "1 中"),
        ("a\n__label__1 __label__2\tb x__label__", "a b x label"),
    ],
)  # fmt: skip
def test_words_and_characters_stand_apart(text: str, expected: str) -> None:
    """One space between, none at the ends, marks with what they belong to; pinned, since models depend on it."""
    assert prepare(TextBatch.from_texts([text])).to_arrow().to_pylist() == [expected]


@given(texts=st.lists(st.text(), max_size=4))
def test_preparing_only_adds_spaces_to_the_key_text(texts: list[str]) -> None:
    """Single spaces, and the key text without its spaces is unchanged."""
    batch = TextBatch.from_texts(texts)
    prepared, keys = prepare(batch).to_arrow().to_pylist(), fold.key_texts(batch)
    for document, words in enumerate(prepared):
        key = keys.data[keys.offsets[document] : keys.offsets[document + 1]].tobytes().decode()
        assert words.replace(" ", "") == key.replace(" ", "")
        assert words == " ".join(words.split(" ")).strip(" ") and "  " not in words
