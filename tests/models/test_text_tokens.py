"""Token ids of texts: those of the tokenizer itself, special tokens never among them but to end a document."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from refinery.errors import InputError, RunError
from refinery.models.text_tokens import TextTokens, text_tokens
from tests.megatron import END, WORDS, byte_level, unigram, word_level


def split(tokens: TextTokens, texts: list[str]) -> list[list[int]]:
    """The ids of each text."""
    ids, lengths = tokens.encode(pa.array(texts, pa.large_string()))
    assert (ids.dtype, lengths.dtype) == (tokens.dtype, np.int32)
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    """A byte-level tokenizer's file."""
    return byte_level(tmp_path_factory.mktemp("gpt") / "tokenizer.json")


def test_ids_are_the_tokenizers_own_and_the_end_comes_behind(gpt):
    """Of whole texts, whatever the file says of cutting them; an empty text is its end."""
    own = Tokenizer.from_file(str(gpt))
    own.no_truncation()
    texts = [*WORDS, "", "汉字 🫀 \0 é", "x" * 5000]
    assert split(text_tokens(gpt), texts) == [[*own.encode(text).ids, 0] for text in texts]


@given(
    st.lists(st.lists(st.sampled_from([END, "<|", "endoftext|>", " ", "the", "ß"])).map("".join), min_size=1)
)
def test_a_text_that_spells_the_end_is_text(gpt, texts):
    """However often it stands there and whatever is around it: the end is only at the end, and no text is lost."""
    own = Tokenizer.from_file(str(gpt))
    for text, ids in zip(texts, split(text_tokens(gpt), texts), strict=True):
        assert ids.index(0) == len(ids) - 1
        assert own.decode(ids[:-1], skip_special_tokens=False) == text


@pytest.mark.parametrize("make, end", [(unigram, "</s>"), (word_level, "[EOS]")])
def test_a_vocabulary_that_has_the_end_as_a_piece_is_cut_around_it(tmp_path, make, end):
    """Unigram and word models find it in texts of themselves; other texts have the ids that they had."""
    file = make(tmp_path / "tokenizer.json")
    tokens, own = text_tokens(file), Tokenizer.from_file(str(file))
    assert (tokens.end, tokens.cut) == (end, (end,))
    spelled = [end, f"the{end}", f"{end} {end}", f"the {end} heart"]
    assert all(ids.count(tokens.end_id) == 1 for ids in split(tokens, spelled))
    usual = ["the heart", "the the", "", "<s> a </ s>"]
    assert split(tokens, usual) == [[*own.encode(text).ids, tokens.end_id] for text in usual]


def test_the_end_is_the_usual_one_that_there_is_or_the_one_that_is_said(tmp_path):
    """Two usual ones must be told apart, none must be said, another name is an error that lists the names."""
    one = byte_level(tmp_path / "one.json", special=("<pad>", "</s>"))
    assert (text_tokens(one).end, text_tokens(one).end_id) == ("</s>", 1)
    assert text_tokens(one, "<pad>").end_id == 0
    with pytest.raises(InputError, match=r"no token '\[SEP\]'; there is </s>, <pad>"):
        text_tokens(one, "[SEP]")
    two = byte_level(tmp_path / "two.json", special=("</s>", END))
    with pytest.raises(
        InputError, match=r"which token ends a document\? It has <\|endoftext\|> and </s>.*eod: TOKEN"
    ):
        text_tokens(two)
    with pytest.raises(InputError, match="none of the usual ones; there is <pad>"):
        text_tokens(byte_level(tmp_path / "none.json", special=("<pad>",)))


def test_a_token_that_texts_become_cannot_end_documents(tmp_path, gpt):
    """An ordinary word, or a token that is added but not special, would end documents in their midst."""
    with pytest.raises(InputError, match="a text that says 'a' would become that token"):
        text_tokens(gpt, "a")
    own = Tokenizer.from_file(str(gpt))
    own.add_tokens(["<stop>"])
    own.save(str(tmp_path / "added.json"))
    with pytest.raises(InputError, match="that the file marks as special"):
        text_tokens(tmp_path / "added.json", "<stop>")


def test_what_the_vocabulary_lacks_is_known_or_refused(tmp_path, gpt):
    """Of bytes everything is in it; else there is a token for the rest, or characters would be dropped."""
    assert [text_tokens(one).unknown for one in (gpt, unigram(tmp_path / "u.json"))] == [None, 0]
    bare = Tokenizer(models.BPE({"</s>": 0, "a": 1}, []))
    bare.add_special_tokens(["</s>"])
    bare.save(str(tmp_path / "bare.json"))
    with pytest.raises(InputError, match="drops the characters that its vocabulary lacks"):
        text_tokens(tmp_path / "bare.json")


def test_a_special_token_never_passes_for_text(tmp_path):
    """If a text should become one after all, that is an error which names it."""
    tokens = replace(text_tokens(unigram(tmp_path / "u.json")), cut=())
    with pytest.raises(RunError, match="the special token '</s>' was made of a document's text"):
        tokens.encode(pa.array(["the", "the </s>"]))


def test_ids_have_sixteen_bits_as_long_as_megatron_takes_them(tmp_path, gpt):
    """Below 65,500 ids, the highest of which counts, not their number."""
    assert text_tokens(gpt).dtype == np.dtype("<u2")
    content = json.loads(gpt.read_text())
    for highest, dtype in ((65_498, "<u2"), (65_499, "<i4")):
        content["model"]["vocab"]["far"] = highest
        (tmp_path / "far.json").write_text(json.dumps(content))
        found = text_tokens(tmp_path / "far.json")
        assert (found.size, found.dtype) == (highest + 1, np.dtype(dtype))


def test_two_ends_are_two_settings_and_a_path_is_none(tmp_path, gpt):
    """What ids depend on: the content of the file and the end."""
    copy = tmp_path / "copy.json"
    copy.write_bytes(gpt.read_bytes())
    assert text_tokens(gpt).settings == text_tokens(copy, END).settings
    both = byte_level(tmp_path / "both.json", special=(END, "<pad>"))
    assert text_tokens(both).settings != text_tokens(both, "<pad>").settings
