"""Tokenizer files: loaded once by content; what is absent, damaged or changed is told."""

import json

import pytest

from refinery.errors import DefinitionError, InputError
from refinery.models.tokenizer import encode, load_tokenizer, parse_tokenizer, read_tokenizer, tokenizer_hash
from tests.megatron import byte_level


def test_a_file_is_loaded_once_by_its_content(tmp_path):
    """A copy gives the same object, a parse one of its own."""
    file, copy = byte_level(tmp_path / "one.json"), tmp_path / "two.json"
    copy.write_bytes(file.read_bytes())
    digest = tokenizer_hash(file)
    assert tokenizer_hash(copy) == digest
    assert load_tokenizer(file, digest) is load_tokenizer(copy, digest)
    assert parse_tokenizer(file, digest) is not load_tokenizer(file, digest)


def test_merges_that_a_file_leaves_out_by_chance_are_all_made(tmp_path):
    """BPE dropout is for training: the same text has the same ids each time."""
    file = byte_level(tmp_path / "plain.json")
    content = json.loads(file.read_text())
    content["model"]["dropout"] = 0.9
    dropping = tmp_path / "dropping.json"
    dropping.write_text(json.dumps(content))
    texts = ["the heart beats"] * 20
    plain, found = (encode(parse_tokenizer(one, tokenizer_hash(one)), texts, one) for one in (file, dropping))
    assert [one.ids for one in plain] == [one.ids for one in found]


def test_a_file_that_is_none_is_told(tmp_path, monkeypatch):
    """Absent, damaged, another by now; and the package that is not there."""
    with pytest.raises(InputError, match="the tokenizer cannot be read: No such file"):
        read_tokenizer(tmp_path / "none.json")
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"model": {')
    with pytest.raises(InputError, match="not a tokenizers JSON file"):
        parse_tokenizer(damaged, tokenizer_hash(damaged))
    with pytest.raises(InputError, match="changed since the definition was checked"):
        parse_tokenizer(damaged, "0" * 64)
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(DefinitionError, match=r"pip install 'refinery\[tokenizers\]'"):
        load_tokenizer(damaged, "0" * 64)
