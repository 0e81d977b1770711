"""The measurer `signals` on the texts that other tools stumble over."""

from __future__ import annotations

import math
import pickle

import pyarrow as pa
import pytest

from refinery.errors import DefinitionError
from refinery.filters import registry
from refinery.filters.signals import Settings, Signals, build, columns, stop_word_lists
from refinery.text.batch import TextBatch
from refinery.text.signal_columns import COUNTS, RATIOS
from tests.text.test_signals import measured

ARTICLE = [
    f"Line {i} tells of thing number {i * 7} and says that it was good to see, and then it ends."
    for i in range(30)
]


def test_schema_names_types_and_order() -> None:
    """The batch has the schema, the kernels' columns are the documented ones, every column has its sentence."""
    found = Signals()(TextBatch.from_texts(["a b", ""]))
    assert found.schema == Signals().schema
    assert found.schema.names == list(columns())
    assert all(columns().values())
    stop = [f"stop_words_{language}" for language in stop_word_lists()]
    assert found.schema.names == [*COUNTS, *stop, *RATIOS]
    assert {name for name in columns() if found.schema.field(name).type == pa.float64()} == set(RATIOS)


def test_measurer_is_plain_and_picklable() -> None:
    """Built by name without settings, equal after a pickle; unknown settings are refused."""
    signals = registry.measurer("signals", {})
    assert signals == build(Settings()) == pickle.loads(pickle.dumps(signals))
    assert (signals.name, signals.version, signals.settings) == ("signals", 2, {})
    with pytest.raises(DefinitionError, match=r"signals\.ngrams: unknown key"):
        registry.measurer("signals", {"ngrams": 5})


def test_nothing_is_null_or_nan() -> None:
    """Empty, blank and wordless texts measure finite numbers, ratios of nothing are 0."""
    documents = ["", " ", "\n\n", "!!!", "…", "#" * 50, "\u200b" * 100, "\u0301", "\ufeff", "\x00", "a"]
    for text, found in zip(documents, measured(*documents), strict=True):
        assert all(value is not None and math.isfinite(value) for value in found.values()), text
    assert set(measured("")[0].values()) == {0}
    assert set(measured(" \n \r\n")[0].values()) == {0}
    nothing = Signals()(TextBatch.from_arrow(pa.array([None, "a"], pa.large_string())))
    assert nothing.num_rows == 2
    assert nothing["words"].to_pylist() == [0, 1]


def test_an_empty_batch_has_no_rows() -> None:
    """No document, no row, the same schema."""
    assert Signals()(TextBatch.from_texts([])).num_rows == 0


def test_a_batch_that_is_a_slice_measures_its_own_documents() -> None:
    """Offsets need not start at 0."""
    array = pa.array(["the first one", "und der zweite", "三"], pa.large_string())
    assert Signals()(TextBatch.from_arrow(array.slice(1))).to_pylist() == measured("und der zweite", "三")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("我们在这里学习中文的语法和词汇", "han_ratio"),
        ("わたしたちはここでにほんごをべんきょうします", "kana_ratio"),
        ("เราเรียนภาษาไทยที่นี่ทุกวัน", "thai_ratio"),
        ("យើងរៀនភាសាខ្មែរនៅទីនេះ", None),
        ("ကျွန်တော်တို့ဒီမှာမြန်မာစာသင်သည်", None),
    ],
)
def test_text_without_spaces_is_not_one_word(text: str, script: str | None) -> None:
    """300 characters of zh, ja, th, km and my are many short words."""
    found = measured(text * 12)[0]
    assert found["words"] > 80
    assert found["max_word_length"] <= 4
    assert found["alpha_word_ratio"] == 1.0
    assert script is None or found[script] == 1.0


def test_newline_forms_and_trailing_spaces_change_nothing() -> None:
    """An article measures the same with LF, CRLF, CR, NEL, LS, and spaces before each newline or at the end."""
    first, *others = measured(
        *(end.join(ARTICLE) for end in ("\n", "\r\n", "\r", "\x85", "\u2028", " \n", "\t\r\n"))
    )
    assert all(other == first for other in others)
    assert measured("\n".join(ARTICLE) + "  ", "\n" * 60 + "\n".join(ARTICLE) + "\r\n" * 60) == [first] * 2
    assert first["line_punct_ratio"] == 1.0


def test_stop_words_of_named_languages_are_columns_too() -> None:
    """Those of FineWeb-2 by code or configuration; one that is always counted changes nothing."""
    assert registry.measurer("signals", {"stop_words": ["de"]}) == Signals()
    swahili = registry.measurer("signals", {"stop_words": ["swh_Latn", "sw"]})
    assert swahili.settings == {"stop_words": ["sw"]}
    text = "Ya na wa katika kwa ni la za nyumba der und"
    found = swahili(TextBatch.from_texts([text])).to_pylist()[0]
    assert (found.pop("stop_words_sw"), found) == (7, measured(text)[0])
    with pytest.raises(DefinitionError, match=r"no list for 'swx'; did you mean \"sw\""):
        registry.measurer("signals", {"stop_words": ["swx"]})


@pytest.mark.parametrize(
    "word", ["हिन्दी में लिखा गया", "தமிழில் எழுதப்பட்டது", "ภาษาไทย", "বাংলায় লেখা হয়েছে", "اَلْعَرَبِيَّةُ"]
)
def test_vowel_signs_belong_to_words(word: str) -> None:
    """200 words of Hindi, Tamil, Thai, Bengali and vocalised Arabic hold no symbol and no wordless token."""
    found = measured(" ".join([word] * 70))[0]
    assert (found["symbols"], found["alpha_word_ratio"]) == (0, 1.0)


def test_long_lines_and_tokens() -> None:
    """A 10 MB line, one without spaces, and a token of 1 MB are counted right."""
    words = "some words in one line " * 434_783
    found = measured(words, "漢" * 1_000_000, "QUJD" * 250_000)
    assert (found[0]["words"], found[0]["lines"], found[0]["dup_10gram_char_frac"]) == (2_173_915, 1, 1.0)
    assert (found[1]["words"], found[1]["max_word_length"]) == (1_000_000, 1)
    assert (found[2]["words"], found[2]["max_word_length"]) == (1, 1_000_000)


def test_pinned_values() -> None:
    """Values of one text; if one changes on purpose, raise the measurer's version."""
    text = "# Häuser… und die Straße!\n\n- Item one...\n- Item one...\n【注】中文句子。第二句！ 3.14"
    found = measured(text)[0]
    assert {name: found[name] for name in (*COUNTS, "stop_words_de", "stop_words_zh")} == {
        "words": 17, "symbols": 11, "space_words": 13, "max_word_length": 6, "lines": 4, "paragraphs": 2,
        "sentences": 5,
        "c4_sentences": 1, "c4_lines": 1, "c4_lorem_ipsum": 0, "c4_curly_bracket": 0, "c4_javascript_lines": 0,
        "c4_policy_lines": 0, "stop_words_de": 2, "stop_words_zh": 1,
    }  # fmt: skip
    assert found["hash_ratio"] == 1 / 28
    assert found["ellipsis_ratio"] == 3 / 28
    assert found["bullet_line_ratio"] == found["ellipsis_line_ratio"] == 2 / 4
    assert found["bracket_ratio"] == 1 / len(text)
    assert found["dup_line_char_frac"] == 13 / len(text)
