"""The `pii` transform: placeholders or nothing in place of personal data."""

import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from refinery.filters import pii
from refinery.text.pii import KINDS
from tests.text.test_pii import TEXTS


def texts_of(*texts):
    return pa.array(texts, pa.large_string())


def cleaned(*texts, **settings):
    return pii.build(pii.Settings(**settings))(texts_of(*texts)).to_pylist()


def test_placeholders_by_kind_and_removal():
    """What the definition says; a NULL stays."""
    text = "mail a@b.com, call 415-555-2671"
    assert cleaned(text, None, "") == ["mail <EMAIL>, call <PHONE>", None, ""]
    assert cleaned(text, action="remove") == ["mail , call "]
    assert cleaned(text, kinds=["phone"]) == ["mail a@b.com, call <PHONE>"]


@given(st.lists(st.one_of(TEXTS, st.none()), max_size=4), st.sampled_from(["replace", "remove"]))
def test_a_second_time_changes_nothing(texts, action):
    """The very same array comes back, also where a removal has brought numbers together."""
    transform = pii.Pii(action=action)
    once = transform(texts_of(*texts))
    assert transform(once) is once
    assert [text is None for text in once.to_pylist()] == [text is None for text in texts]


def test_what_a_removal_brings_together_goes_too():
    """The country's code before an address, its number after."""
    assert cleaned("(+49)a@b.com 30 1234567.", action="remove") == ["."]


def test_a_slice_gives_the_slice_of_the_result():
    """Offsets that do not start at 0."""
    whole = texts_of("skip a@b.com", "keep", None, "a@b.com")
    assert pii.Pii()(whole.slice(1)).to_pylist() == ["keep", None, "<EMAIL>"]
    assert pii.Pii()(texts_of()).to_pylist() == []


def test_each_setting_changes_what_the_fingerprint_is_made_of():
    """Kinds as a set, and the action; workers get a copy."""
    plain = pii.build(pii.Settings())
    assert plain.settings == {"kinds": list(KINDS), "action": "replace"}
    assert pii.Pii(kinds=("ip", "email")).settings == pii.Pii(kinds=("email", "ip")).settings
    assert pii.Pii(action="remove").settings != plain.settings
    assert pickle.loads(pickle.dumps(plain)) == plain
    assert pii.KINDS == KINDS


@pytest.mark.parametrize("settings", [{"kinds": []}, {"kinds": ["mail"]}, {"action": "hide"}, {"other": 1}])
def test_other_settings_are_refused(settings):
    """No kind at all, unknown kinds, actions and keys."""
    with pytest.raises(ValidationError):
        pii.Settings(**settings)
