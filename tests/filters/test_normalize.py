"""The `normalize` transform: one form, the same array when nothing changes, and the option for mojibake."""

import importlib.util
import pickle
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DefinitionError
from refinery.filters import normalize
from tests.text.test_normalize import TEXTS, reference


def texts_of(*texts):
    return pa.array(texts, pa.large_string())


def normalized(*texts, **settings):
    return normalize.build(normalize.Settings(**settings))(texts_of(*texts)).to_pylist()


@given(st.lists(st.one_of(TEXTS, st.none()), max_size=5))
def test_it_is_the_reference_followed_by_nfc_and_a_second_time_changes_nothing(texts):
    """Equal to plain Python for any text and NULL; the second pass returns the array it was given."""
    once = normalize.Normalize()(texts_of(*texts))
    expected = [text if text is None else unicodedata.normalize("NFC", reference(text)) for text in texts]
    assert once.to_pylist() == expected
    assert once.type == pa.large_string()
    assert normalize.Normalize()(once) is once


def test_newlines_blank_lines_trailing_spaces_and_controls():
    """Each rule once, in words a reader can check."""
    assert normalized("\ufeff\r\n  a \r\nb\x07\u2028c\n \n\n\xa0\nd\u3000") == ["  a\nb\nc\n\nd"]


def test_the_three_newline_forms_give_one_text():
    """LF, CR LF and a space before each newline are one document afterwards."""
    lines = ["First line.", "Second line.", "", "Third."]
    forms = ["\n".join(lines), "\r\n".join(lines), " \n".join(lines)]
    assert normalized(*forms) == [forms[0]] * 3


def test_what_other_scripts_need_stays():
    """Zero-width joiners, zero-width spaces, emoji sequences and full-width punctuation."""
    texts = ["می\u200cخواهم", "ภาษา\u200bไทย", "👨\u200d👩\u200d👧", "你好，世界。"]
    assert normalized(*texts) == texts


def test_a_slice_of_an_array_gives_the_slice_of_the_result():
    """Offsets that do not start at 0, and an empty array."""
    whole = texts_of("skip\r\n", "a\r\nb", "e\u0301", None)
    assert normalize.Normalize()(whole.slice(1)).to_pylist() == ["a\nb", "é", None]
    assert normalize.Normalize()(texts_of()).to_pylist() == []


def test_ftfy_repairs_mojibake_and_nothing_else():
    """A wrongly decoded accent is repaired; quotes, widths, ligatures and entities stay as written."""
    kept = "“quotes” ﬁne ＡＢＣ，&amp; plain"
    assert normalized("schÃ¶n", kept, None, "ascii", ftfy=True) == ["schön", kept, None, "ascii"]
    assert normalized("schÃ¶n") == ["schÃ¶n"]


def test_ftfy_that_is_not_installed_is_a_definition_error_naming_the_extra(monkeypatch):
    """The message says what to install."""
    monkeypatch.setattr(
        normalize, "find_spec", lambda name: None if name == "ftfy" else importlib.util.find_spec(name)
    )
    with pytest.raises(DefinitionError, match=r"pip install 'refinery\[clean\]'"):
        normalize.build(normalize.Settings(ftfy=True))


def test_settings_say_what_the_text_depends_on_and_it_can_be_pickled():
    """The option and the version of Unicode, as JSON values."""
    plain, repaired = normalize.Normalize(), normalize.Normalize(ftfy=True)
    assert plain.settings == {"ftfy": None, "unicode": unicodedata.unidata_version}
    assert repaired.settings["ftfy"]
    assert pickle.loads(pickle.dumps(plain)) == plain
