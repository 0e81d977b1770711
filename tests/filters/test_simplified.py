"""The `simplified` transform: traditional Chinese becomes simplified."""

import pyarrow as pa
import pytest

from refinery.errors import DefinitionError
from refinery.filters import registry


def simplified(*texts: str | None, **settings: str):
    return registry.transform("simplified", settings)(pa.array(texts, pa.large_string()))


def test_phrases_and_characters_become_simplified():
    """乾 and 髮 by the phrase that they stand in; NULL and other text stay."""
    texts = ["頭髮發展，乾燥、乾隆；著作權法。", None, "English", "简体"]
    assert simplified(*texts).to_pylist() == ["头发发展，干燥、乾隆；著作权法。", None, "English", "简体"]


def test_japanese_is_left_as_it_is():
    """By its kana; a word of it in Chinese text makes no Japanese of that."""
    japanese = "漢字と仮名の文章です。"
    chinese = "醫" * 30 + "の"
    assert simplified(japanese, chinese).to_pylist() == [japanese, "医" * 30 + "の"]


def test_words_of_taiwan_by_another_configuration():
    """Which is its identity, with OpenCC's release."""
    assert simplified("軟體", config="tw2sp").to_pylist() == ["软件"]
    assert simplified("軟體").to_pylist() == ["软体"]
    plain, other = (registry.transform("simplified", {"config": one}).settings for one in ("t2s", "tw2sp"))
    assert plain != other
    assert plain.keys() == {"config", "opencc"}


def test_an_array_in_which_nothing_changes_is_the_same_array():
    """Whatever is in it."""
    text = pa.array(["简体", None, "a"], pa.large_string())
    assert registry.transform("simplified", {})(text) is text


def test_it_says_what_to_install(monkeypatch):
    """The extra of its package."""
    monkeypatch.setattr("refinery.filters.simplified.find_spec", lambda _: None)
    with pytest.raises(DefinitionError, match=r"pip install 'refinery\[chinese\]'"):
        registry.transform("simplified", {})
