"""The `size` measurer: bytes, code points, and tokens estimated or counted by a tokenizer."""

import json
import pickle
import sys

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from refinery.errors import DefinitionError, InputError
from refinery.filters import token_count
from refinery.text.batch import TextBatch

TEXTS = ["the heart beats", "", "the the unknown heart", "漢字", "a" * 1000]


@pytest.fixture
def tokenizer(tmp_path):
    """A word-level tokenizer whose file also asks for padding and truncation, as files from model hubs do."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "the": 1, "heart": 2, "beats": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.enable_truncation(2)
    words.enable_padding(length=8)
    words.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_bytes_and_code_points_are_exact_and_tokens_estimated():
    """Three int64 columns, one row a document, no NULL."""
    batch = token_count.Size()(TextBatch.from_texts(TEXTS))
    assert batch.schema == token_count.SCHEMA
    assert batch["bytes"].to_pylist() == [len(text.encode()) for text in TEXTS]
    assert batch["chars"].to_pylist() == [len(text) for text in TEXTS]
    assert [bool(count) for count in batch["tokens"].to_pylist()] == [True, False, True, True, True]


def test_a_tokenizer_file_gives_its_own_count_of_whole_documents(tokenizer):
    """Neither truncated nor padded, without special tokens, whatever the file asks for."""
    exact = token_count.build(token_count.Settings(tokenizer=tokenizer))
    assert exact(TextBatch.from_texts(TEXTS))["tokens"].to_pylist() == [3, 0, 4, 1, 1]


def test_long_batches_are_encoded_in_stretches_with_the_same_counts(tokenizer, monkeypatch):
    """The bound on text in flight changes no number, and a document above it is still counted."""
    exact = token_count.build(token_count.Settings(tokenizer=tokenizer))
    batch = TextBatch.from_texts(TEXTS * 3)
    whole = exact(batch)
    monkeypatch.setattr(token_count, "ENCODE_BYTES", 20)
    assert exact(batch) == whole


def test_settings_name_the_tokenizer_by_content_and_not_by_path(tokenizer, tmp_path):
    """The same file elsewhere has the same fingerprint; another file has another."""
    copy = tmp_path / "copy.json"
    copy.write_bytes(tokenizer.read_bytes())
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"truncation": None}))
    first, second, third = (
        token_count.build(token_count.Settings(tokenizer=path)) for path in (tokenizer, copy, changed)
    )
    assert first.settings == second.settings != third.settings
    assert token_count.Size().settings == {"family": "qwen"}
    assert pickle.loads(pickle.dumps(first)) == first


def test_a_missing_or_wrong_file_is_an_input_error_that_names_it(tmp_path):
    """No such file, and a file that is no tokenizer."""
    (tmp_path / "page.json").write_text("<html>")
    for name, problem in [
        ("none.json", "cannot be read: No such file"),
        ("page.json", "not a tokenizers JSON file"),
    ]:
        with pytest.raises(InputError, match=problem) as caught:
            token_count.build(token_count.Settings(tokenizer=tmp_path / name))
        assert caught.value.place == str(tmp_path / name)


def test_without_the_package_the_error_says_what_to_install(tokenizer, monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.setattr("refinery.models.loaded._loaded", {})
    with pytest.raises(DefinitionError, match=r"pip install 'refinery\[tokenizers\]'"):
        token_count.build(token_count.Settings(tokenizer=tokenizer))


def test_a_tokenizer_that_changed_since_it_was_checked_is_an_error(tokenizer, tmp_path, monkeypatch):
    """In a process that has not read it: the measurer would count by another one under the name of the first."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer.read_bytes())
    measurer = token_count.build(token_count.Settings(tokenizer=path))
    monkeypatch.setattr("refinery.models.loaded._loaded", {})
    path.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"truncation": None, "padding": None}))
    with pytest.raises(InputError, match="changed since the definition was checked"):
        measurer(TextBatch.from_texts(["word"]))
