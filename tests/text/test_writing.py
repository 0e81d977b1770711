import re

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.writing import SCRIPTS, writing
from tests.udhr import SENTENCES

ALPHABET = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("aAbB.:/1'-_ é漢カ한жÖ\n"))
SCRIPT = {script: regex.compile(rf"\p{{Script={script}}}") for script in SCRIPTS[1:]}
LETTER, UPPER = regex.compile(r"\p{L}"), regex.compile(r"\p{Lu}")


def words(text: str) -> tuple[int, int]:
    """Words of ASCII letters, and those that hang on the one before: a plain reading, token by token."""
    runs = glued = 0
    for token in re.split(r"[^!-&(-,.-~]+", text):  # ASCII but spaces, ' and -
        parts = re.findall(r"[A-Za-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", token))
        runs += len(parts)
        glued += max(len(parts) - 1, 0)
    return runs, glued


def check(text: str, row: int, found) -> None:
    letters = [char for char in text if LETTER.match(char)]
    assert found.letters[row] == len(letters)
    assert found.upper[row] == sum(bool(UPPER.match(char)) for char in text)
    for number, script in enumerate(SCRIPTS[1:], 1):
        assert found.scripts[row, number] == sum(bool(SCRIPT[script].match(char)) for char in letters), script
    assert found.scripts[row].sum() == len(letters)
    assert (found.runs[row], found.glued[row]) == words(text)


@given(st.lists(st.text(ALPHABET, max_size=200), max_size=4))
def test_letters_and_words_are_those_of_a_plain_reading(texts: list[str]) -> None:
    """Scripts, capitals and glued words of any text, wherever its blocks of 64 bytes are cut."""
    found = writing(TextBatch.from_texts(texts))
    for row, text in enumerate(texts):
        check(text, row, found)


def test_every_language_is_in_its_script() -> None:
    """Sentences of fifty languages alone and in a batch, and slices of it."""
    texts = list(SENTENCES.values())
    together = writing(TextBatch.from_texts(texts))
    for row, text in enumerate(texts):
        check(text, row, together)
    part = TextBatch.from_arrow(TextBatch.from_texts(texts).to_arrow().slice(7, 5))
    for whole, some in zip(together, writing(part), strict=True):
        assert np.array_equal(whole[7:12], some)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("働込畑駅", {"japanese": 4, "chinese": 0}),
        ("们這权之，", {"japanese": 0, "chinese": 4}),  # 這 is in Japan's character set
        ("会国学", {"japanese": 0, "chinese": 0, "simplified": 3, "traditional": 0}),
        ("會國學", {"simplified": 0, "traditional": 3}),
        ("后乾人的", {"simplified": 0, "traditional": 0}),
        ("佢嘅嘢咗", {"cantonese": 3, "wu": 0}),
        ("侬搿", {"cantonese": 0, "wu": 2}),
    ],
)
def test_characters_tell_chinese_from_japanese_and_its_forms(text: str, expected: dict[str, int]) -> None:
    """Characters of one side alone count; those that both write do not."""
    found = writing(TextBatch.from_texts([text]))
    assert {name: int(getattr(found, name)[0]) for name in expected} == expected
