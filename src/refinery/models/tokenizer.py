"""Tokenizers of the package `tokenizers`: JSON files found by path, known by content, loaded once a process."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from refinery.errors import DefinitionError, InputError
from refinery.models.loaded import changed, once

ENCODE_BYTES = 4 * 2**20  # text handed to a tokenizer at once: its encodings take about 30 bytes a token


def tokenizer_hash(path: Path) -> str:
    """SHA-256 of the file in hex; raises InputError when it cannot be read."""
    return hashlib.sha256(read_tokenizer(path)).hexdigest()


def load_tokenizer(path: Path, digest: str) -> Any:
    """The tokenizer, which neither cuts nor pads nor leaves out merges; once a process for each content.

    Raises DefinitionError without the package, InputError for a file that is damaged, or another than this digest's.
    """
    return once(lambda: parse_tokenizer(path, digest), "tokenizer", digest)


def parse_tokenizer(path: Path, digest: str) -> Any:
    """As `load_tokenizer`, an object of one's own; raises DefinitionError, InputError."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DefinitionError(
            "a tokenizer needs the tokenizers package: pip install 'refinery[tokenizers]'"
        ) from None
    content = read_tokenizer(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise changed(path)
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:  # the package raises bare Exception
        raise InputError(str(path), f"not a tokenizers JSON file: {error}") from None
    tokenizer.no_truncation()  # a file may ask to cut or pad to a model's window
    tokenizer.no_padding()
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None  # merges left out by chance, for training
    return tokenizer


def encode(tokenizer: Any, texts: list[str], path: Path) -> list[Any]:
    """Encodings of texts without special tokens around them; raises InputError that names the tokenizer's file."""
    try:
        return tokenizer.encode_batch_fast(texts, add_special_tokens=False)  # type: ignore[no-any-return]
    except Exception as error:  # the package raises bare Exception
        raise InputError(str(path), f"the tokenizer cannot encode every text: {error}") from None


def read_tokenizer(path: Path) -> bytes:
    """The content of the file; raises InputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"the tokenizer cannot be read: {error.strerror}") from None
