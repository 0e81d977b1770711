"""The size kernel: exact code points, and an estimate of tokens with the properties that budgets rely on."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.definition.values import Family
from refinery.text import token_estimate
from refinery.text.batch import TextBatch

FAMILIES = get_args(Family)


def measure(texts, family="qwen"):
    batch = TextBatch.from_texts(texts)
    chars, tokens = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
    token_estimate.count(batch.data, batch.offsets, token_estimate.table(family), chars, tokens)
    return chars.tolist(), tokens.tolist()


def reference(text, family="qwen"):
    """The estimate, code point by code point, in plain integers."""
    table, total, before = token_estimate.table(family).tolist(), 0, [10, 10, 10]

    def mix(hashed, code):
        product = ((hashed ^ code) * 0x9E3779B97F4A7C15) % 2**64
        return product ^ (product >> 32)

    for char in text:
        code = 48 if char in "0123456789" else ord(char)
        hashes = [mix(1 << 32, code >> 7), mix(0, code)]
        for other in before:
            hashes.append(mix(hashes[-1], other))
        for hashed in reversed(hashes):
            entry = table[hashed >> 48]
            if entry % 256 and entry >> 8 == (hashed >> 40) % 256:
                total += entry % 256 - 1
                break
        else:
            total += 64
        before = [code, *before[:2]]
    return (total + 32) // 64


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
    """Within a quarter of each of two tokenizers even on one sentence or two."""
    for family, count in zip(("qwen", "deepseek"), counted, strict=True):
        assert measure([text], family)[1][0] == pytest.approx(count, rel=0.25)


def test_families_differ_where_their_tokenizers_do():
    """Classical Chinese costs Mistral's more than Qwen's; each family has a table, and no entry twice."""
    text = "太陽之為病，脈浮，頭項強痛而惡寒。"
    assert measure([text], "mistral")[1][0] > measure([text], "qwen")[1][0]
    tables = [token_estimate.table(family) for family in FAMILIES]
    assert {(table.dtype.name, table.shape) for table in tables} == {("uint16", (token_estimate.SLOTS,))}
    assert len({table.tobytes() for table in tables}) == len(FAMILIES)


def test_empty_text_has_no_tokens_and_longer_text_never_has_fewer():
    """A budget that is spent document by document only grows."""
    text = "One  two,\n\n三四 five६ 😀 extraordinarily"
    counts = measure([text[:end] for end in range(len(text) + 1)])[1]
    assert counts[0] == 0
    assert counts == sorted(counts)
