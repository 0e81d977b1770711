"""The size kernel: exact code points, and an estimate of tokens with the properties that budgets rely on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import token_estimate
from refinery.text.batch import TextBatch


def measure(texts):
    batch = TextBatch.from_texts(texts)
    chars, tokens = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
    token_estimate.count(batch.data, batch.offsets, *token_estimate.tables(), chars, tokens)
    return chars.tolist(), tokens.tolist()


def reference(text):
    """The estimate, code point by code point."""
    weight, kind = token_estimate.tables()
    total, previous, run = 0, None, 0
    for char in text:
        code = ord(char)
        if code > 0xFFFF:
            total += token_estimate.ASTRAL_SYMBOL if code < 0x20000 else token_estimate.HAN_SUPPLEMENT
            previous = token_estimate.OTHER
            continue
        group = int(kind[code])
        total += int(weight[code])
        if group in (token_estimate.LATIN, token_estimate.LATIN_EXTENDED):
            run = run + 1 if previous == token_estimate.LATIN else 1
            total += token_estimate.LATIN_WORD * (run == 1) + token_estimate.LONG_WORD_LETTER * (
                run > token_estimate.LONG_WORD
            )
            group = token_estimate.LATIN
        elif group == token_estimate.NEWLINE:
            total += token_estimate.NEWLINES * (previous != token_estimate.NEWLINE)
        elif group == token_estimate.SPACE:
            run = run + 1 if previous == token_estimate.SPACE else 1
            total += token_estimate.WIDE_SPACE * (run == 2)
        previous = group
    return (total + 500) // 1000


PIECES = st.sampled_from(
    [*"aé \n\t1.漢かハ한рд\u0301\xa0\u3000𠀀😀\U0010ffff", "internationally", "\n\n", "  "]
)


@given(st.lists(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=20).map("".join)), max_size=4))
def test_code_points_and_estimate_equal_a_plain_python_count(texts):
    """Any Unicode, several documents in a batch."""
    chars, tokens = measure(texts)
    assert chars == [len(text) for text in texts]
    assert tokens == [reference(text) for text in texts]


# Tokens of these passages in Qwen 3.6's and DeepSeek-V4's tokenizers, counted once with their files.
PASSAGES = [
    (
        "The heart is a muscular organ that pumps blood through the vessels of the circulatory system. "
        "The pumped blood carries oxygen and nutrients to the tissue, while carrying waste to the lungs.",
        (36, 35),
    ),
    (
        "心脏是推动血液循环的器官，位于胸腔中部偏左下方。它把血液送到全身，为组织带来氧气和养分，"
        "并带走代谢产生的废物；医生常用听诊器检查它的跳动。",
        (41, 42),
    ),
    (
        "Das Herz ist ein muskuläres Hohlorgan, das mit rhythmischen Kontraktionen Blut durch den Körper pumpt "
        "und so die Versorgung aller Organe sichert.",
        (35, 38),
    ),
    (
        "心臓は、血液循環の原動力となる器官で、全身に血液を送り出すポンプの役割を果たしている。",
        (26, 30),
    ),
    (
        "Сердце — полый фиброзно-мышечный орган, обеспечивающий ток крови по кровеносным сосудам.",
        (29, 31),
    ),
]


@pytest.mark.parametrize(("text", "counted"), PASSAGES)
def test_the_estimate_is_near_what_real_tokenizers_count(text, counted):
    """Within a quarter of the mean of two tokenizers even on one sentence or two."""
    assert measure([text])[1][0] == pytest.approx(sum(counted) / 2, rel=0.25)


def test_empty_text_has_no_tokens_and_longer_text_never_has_fewer():
    """A budget that is spent document by document only grows."""
    text = "One  two,\n\n三四 five६ 😀 extraordinarily"
    counts = measure([text[:end] for end in range(len(text) + 1)])[1]
    assert counts[0] == 0
    assert counts == sorted(counts)
