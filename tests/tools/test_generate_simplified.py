"""The generator of the table of simplified characters, and what it wrote."""

from generate_simplified import DATA, pairs

from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts


def fold(text: str, *, simplified: bool = True) -> str:
    return key_texts(TextBatch.from_texts([text]), simplified=simplified).to_arrow()[0].as_py()


def test_every_character_of_the_dictionary_folds_to_its_simplified_form():
    """As OpenCC has it, the first form of several; and folding what was folded changes nothing."""
    found = pairs(DATA.read_text("utf-8").splitlines())
    assert len(found) > 4000
    traditional = "".join(map(chr, found))
    assert fold(traditional) == "".join(map(chr, found.values()))
    assert fold(fold(traditional)) == fold(traditional)


def test_all_else_is_as_it_is_without():
    """Letters, marks, kana, simplified characters; compatibility forms are folded as what they stand for."""
    text = "Café 第3条 ﬁ カナ 한국 战国"
    assert fold(text) == fold(text, simplified=False)
    assert fold("\uf914", simplified=False) == "樂"
    assert fold("\uf914 臺灣 12") == "乐台湾12"
