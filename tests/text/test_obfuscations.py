"""Key texts in which obfuscations are folded."""

import unicodedata

import pytest

from refinery.text import fold, obfuscations
from refinery.text.batch import TextBatch


def key(text: str) -> str:
    return fold.fold_texts(TextBatch.from_texts([text]), obfuscations.tables()).to_arrow()[0].as_py()


@pytest.mark.parametrize(
    "text",
    [
        "博彩",
        "博 彩",
        "博*彩",
        "博🎰彩",
        "博❤️彩",
        "博\u200b彩",
        "博\u0336彩\u0336",
        "博‖彩",
        "賭博彩"[1:],
        "《博》、彩",
    ],
)
def test_signs_between_characters_leave_nothing(text):
    """Spaces, symbols, emoji, marks, joiners."""
    assert key(text) == "博彩"


def test_traditional_and_full_width_and_look_alikes_are_as_plain():
    """Letters and digits in circles and squares, of keys, Cyrillic and Greek; accents go."""
    assert key("賭場") == "赌场"
    assert key("加Ｖ信：①３⑧❻⓿1️⃣") == "加v信13860 1".replace(" ", "")
    assert key("🅅🄸🄿 🆅🅸🅿 ⓥⓘⓟ") == "vip vip vip"
    assert key("Vіаgrа саsіnо Sjögren") == "viagra casino sjogren"


def test_what_replaces_folds_to_itself():
    """No look-alike leads to another one, and each is another character than it leads to."""
    pairs = obfuscations.replacements()
    assert not set(pairs) & set(pairs.values())
    for code, plain in pairs.items():
        assert key(chr(code)) == key(chr(plain)) == chr(plain), unicodedata.name(chr(code))


def test_the_plain_tables_are_as_they_were():
    """Dedup's key texts keep accents, emoji and Cyrillic letters."""
    text = TextBatch.from_texts(["саsіnо é 🎰"])
    assert fold.key_texts(text, simplified=True).to_arrow()[0].as_py() == unicodedata.normalize(
        "NFD", "саsіnо é🎰"
    )
