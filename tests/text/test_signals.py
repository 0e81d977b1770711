"""The kernels against the plain-Python reference: equal, on any text."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from refinery.filters.signals import Signals, columns, stop_word_lists
from refinery.text.batch import TextBatch
from tests.text import reference

PIECES = [
    *"aBzé9½٣漢〇あーｶกาำ่ែក한의ק",
    *" \t\u3000\u00a0\u200b\u0301\u200d\u200c\ufe0f\ufeff\x00\x1f\u202f",
    *"..…!?。！．،؟।،·:;,'’\"”_＿#-•*–{}[]【】()、（）+€😀❤👩🇫",
    "\n",
    "\r\n",
    "\r",
    "\u2028",
    "\x85",
    "\n\n",
    " \n",
    "the",
    "have ",
    "and with. ",
    "one two three four five six. ",
    "one two three ",
    "l'un d’une ",
    "3.14",
    "1,000",
    "snake_case",
    "[1]",
    "[edit]",
    "[citation needed]",
    "Lorem Ipsum",
    "JavaScript",
    "privacy policy",
    "use of cookies",
    "and also uses cookies. ",
    "การและใน",
    "대한민국의 학교에서 ",
    "中文的句子。",
    "हिन्दी में है। ",
    "Привет мир! ",
    "مرحبا بالعالم؟ ",
]
assigned = st.characters(exclude_categories=["Cs", "Cn", "Co"])
texts = st.lists(st.sampled_from(PIECES) | assigned, max_size=40).map("".join)
repetitive = st.lists(st.sampled_from(["a ", "b ", "c", "漢", ". ", "\n", "x y z\n"]), max_size=80).map(
    "".join
)


def measured(*documents: str) -> list[dict[str, float]]:
    """The signals of documents."""
    return Signals()(TextBatch.from_texts(documents)).to_pylist()  # type: ignore[no-any-return]


def expected(text: str) -> dict[str, float]:
    """The reference's signals, in the order of the columns."""
    made = reference.signals(text, stop_word_lists())
    return {name: made[name] for name in columns()}


@settings(deadline=None, max_examples=150)
@given(st.lists(texts, min_size=1, max_size=3))
@example(["a.[1] b", "[[1] b.]]", "foo.[citation needed]bar [1]", 'One two. [[1]"'])
@example(["a b.\r\nc d\r\n\r\ne\r"])
def test_equals_the_reference_on_any_unicode_text(documents: list[str]) -> None:
    """Each signal of random text in mixed scripts is equal to the reference, to the last bit."""
    assert measured(*documents) == [expected(text) for text in documents]


@settings(deadline=None, max_examples=150)
@given(repetitive)
def test_equals_the_reference_on_repetitive_text(text: str) -> None:
    """Repeated tokens, n-grams, lines and paragraphs are counted as the reference does."""
    assert measured(text) == [expected(text)]


def test_scratch_is_left_clean_between_documents() -> None:
    """A document measures the same alone and after others."""
    documents = ["the cat. " * 50, "漢字 的 " * 30 + "\n" * 3, "", "การและ", "the cat. the dog", "#" * 9]
    assert measured(*documents) == [measured(document)[0] for document in documents]


def test_scratch_grows_for_a_document_it_has_no_room_for() -> None:
    """More tokens, different tokens and lines than the first scratch holds."""
    many = " ".join(f"w{i}" for i in range(70_000))
    lines = "\n".join(str(i % 1000) for i in range(20_000))
    first, second, third = measured("a b", many, lines)
    assert (first["words"], second["words"], third["words"]) == (2, 70_000, 20_000)
    assert (second["unique_word_ratio"], third["lines"], third["dup_line_frac"]) == (1.0, 20_000, 0.95)


def test_unassigned_and_private_characters_are_symbols() -> None:
    """A code point of no category is a token like any symbol."""
    assert unicodedata.category("\ue000") == "Co"
    assert measured("a \ue000\ue000 \U000e1000")[0]["symbols"] == 2
