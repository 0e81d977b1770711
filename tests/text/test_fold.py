import unicodedata

import regex
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts

UNSPACED = regex.compile(
    r"[\p{L}\p{Nl}](?<=[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰ])|\p{Emoji_Presentation}"
)
WORD = regex.compile(r"[\p{L}\p{N}\p{Co}\p{Cn}]")
MARK = regex.compile(r"\p{M}")
IGNORED = regex.compile(r"(?!\u200b)\p{Default_Ignorable_Code_Point}")

# Where folding has something to do: marks of many combining classes, Hangul in three forms, ligatures, width forms,
# signs that decompose into a space and a mark, vowel signs, joiners, emoji with modifiers, kana voicing marks.
ALPHABET = (
    "aAzZéÉe\u0301\u0323\u0308\u0344\u0315ßẞİıǅﬁﬃΐᾳᾴα\u0345ΣςϴЙй\u0306Ꭰꭰ漢字\uf900\u2f00か\u304b\u3099がｶﾞﾊﾟーｰ゛"
    "กำ้\u0e49\u0e4d\u0e38ລາວខ្មែរမြန်မာक्षि"
    "한글\u1112\u1161\u11ab가각ㅎ１２٣½²①㈱㎏ﷺﷲ 1,.-!?“”’´¨·…　\u00a0\u200b\u200c\u200d"
    "\u00ad\ufeff\u2060\ufe0f\u034f\u061c\t\n\r\x00\x85"
    "👍🏽👩\u200d🔬❤🇩🇪©™+=<>$€`^_~|\U0001d400\U0001f100\ue000\U000e0041\u0600"
)


def reference(text: str) -> str:
    """The rules of refinery.text.fold with whole-string operations of Python's own Unicode library."""
    text = unicodedata.normalize("NFKD", IGNORED.sub("", text))
    text = "".join(c if c == "\u0345" else c.casefold() for c in text)
    text = IGNORED.sub("", unicodedata.normalize("NFKD", text))
    tokens: list[list[str]] = []
    attach = False
    joined = False
    for char in text:
        if MARK.match(char) and not UNSPACED.match(char):
            if attach:
                tokens[-1][1] += char
            continue
        if UNSPACED.match(char):
            tokens.append(["char", char])
            attach, joined = True, False
        elif WORD.match(char):
            if joined:
                tokens[-1][1] += char
            else:
                tokens.append(["word", char])
            attach = joined = True
        else:
            attach = joined = False
    out = ""
    for index, (kind, token) in enumerate(tokens):
        out += " " if index and kind == "word" == tokens[index - 1][0] else ""
        out += token
    return out


def keys(*texts: str) -> list[str]:
    return key_texts(TextBatch.from_texts(texts)).to_arrow().to_pylist()


@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=24), max_size=4))
def test_key_text_equals_the_reference_on_awkward_characters(texts):
    """On the characters where folding has work to do, the kernel equals whole-string normalisation."""
    assert keys(*texts) == [reference(text) for text in texts]


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x323AF), max_size=40))
def test_key_text_equals_the_reference_on_any_text(text):
    """On any characters the kernel equals whole-string normalisation."""
    assert keys(text) == [reference(text)]


def test_every_code_point_folds_as_in_the_reference():
    """Each code point alone, and between letters."""
    chars = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{char}\u0323" for char in chars]
    assert keys(*texts) == [reference(text) for text in texts]


def test_texts_that_look_alike_have_one_key():
    """Composed and decomposed accents, no-break and zero-width spaces, curly quotes, soft hyphens, capitals."""
    plain = 'Café "Zürich" is open - naïve readers, déjà vu'
    variants = [
        plain,
        unicodedata.normalize("NFD", plain),
        plain.replace(" ", "\u00a0"),
        plain.replace(" ", " \u200b"),
        plain.replace('"', "“").replace(" - ", " — "),
        plain.replace("Zürich", "Zü\u00adrich\ufe0f"),
        plain.upper(),
        plain.replace("fi", "ﬁ"),
    ]
    assert set(keys(*variants)) == {"cafe\u0301 zu\u0308rich is open nai\u0308ve readers de\u0301ja\u0300 vu"}


def test_digits_and_accents_make_a_difference():
    """Price lists and words that differ in an accent are not the same text."""
    assert len(set(keys("42 USD", "43 USD", "peché", "péché", "peche"))) == 5


def test_space_beside_unspaced_characters_does_not_count():
    """Chinese, Japanese and Thai with and without spaces around Latin words have one key."""
    assert len(set(keys("患者服用aspirin治疗", "患者 服用 aspirin 治疗。"))) == 1
    assert keys("กิน ข้าว") == keys("กินข้าว")


def test_text_without_words_has_an_empty_key():
    """Punctuation, white space, marks on nothing and nothing at all."""
    assert keys("", " \n", "… — ***", "\u0301\u0301", "\u200d") == [""] * 5


def test_a_document_of_many_marks_is_folded_in_linear_time():
    """Thousands of marks on one letter, in the worst order, come out in canonical order."""
    text = "e" + "\u0301\u0323" * 4_000
    assert keys(text) == [reference(text)]
