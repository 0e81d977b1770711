"""Token ids of documents for training: a text is text, whatever special tokens it spells, and one ends each document.

`tokenizers` can read what spells a special token as text (`encode_special_tokens`). Unigram and word models may still
find it in their vocabulary, as one piece: such pieces are cut behind their first character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError, RunError, nearest
from refinery.models.loaded import once
from refinery.models.tokenizer import encode, parse_tokenizer, read_tokenizer, tokenizer_hash

KNOWN_ENDS = ("<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "</s>", "<eos>", "[EOS]")
_RARE = "\U00013000"  # a letter that no vocabulary has as such
SMALL = 65_500  # a vocabulary below it has ids of 16 bits, as Megatron's `DType.optimal_dtype` has it


@dataclass(frozen=True)
class TextTokens:
    """A tokenizer by its content, and the token that ends a document.

    size: ids are below it; cut: the special tokens that are cut apart where a text spells them; unknown: the id that
    stands for what the vocabulary lacks, if there is one.
    """

    path: Path
    digest: str
    end: str
    end_id: int
    size: int
    cut: tuple[str, ...] = ()
    unknown: int | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """What ids are kept in, little-endian: uint16 for a vocabulary below SMALL, else int32."""
        return np.dtype("<u2" if self.size < SMALL else "<i4")

    @property
    def settings(self) -> Mapping[str, object]:
        """All that the ids depend on."""
        return {"file": self.digest, "eod": self.end}

    def encode(self, texts: pa.Array) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """The ids of all texts, each with the end behind it, one after the other; int32 (texts,): how many each has.

        Raises RunError for a text of which the tokenizer makes a special token.
        """
        tokenizer, special = once(self._load, "text tokens", self.digest, self.end, self.cut)
        encodings = encode(tokenizer, texts.to_pylist(), self.path)
        lengths = np.array([len(one) + 1 for one in encodings], np.int32)
        pieces = chain.from_iterable((one.ids, (self.end_id,)) for one in encodings)
        ids = np.fromiter(chain.from_iterable(pieces), self.dtype, int(lengths.sum(dtype=np.int64)))
        if np.count_nonzero(special[ids]) != len(lengths):
            found = {int(one) for one in ids[special[ids]]} - {self.end_id} or {self.end_id}
            token = tokenizer.id_to_token(min(found))
            raise RunError(f"{self.path}: the special token {token!r} was made of a document's text")
        return ids, lengths

    def _load(self) -> tuple[Any, NDArray[np.bool_]]:
        """The tokenizer, and which ids no text may have."""
        tokenizer = parse_tokenizer(self.path, self.digest)
        special = np.zeros(self.size, np.bool_)
        special[list(_no_text(tokenizer, self.unknown, self.end).values())] = True
        return _as_text(tokenizer, self.cut), special


def text_tokens(path: Path, end: str | None = None) -> TextTokens:
    """The tokenizer of a file; end: the token that ends a document, by default the one of KNOWN_ENDS that it has.

    Raises DefinitionError without the package tokenizers; InputError for a file that is absent or damaged, and for a
    tokenizer without such a token, or that makes special tokens of texts or drops what it does not know.
    """
    digest = tokenizer_hash(path)
    tokenizer = parse_tokenizer(path, digest)
    special = _special(tokenizer)
    end = end or _known_end(special, path)
    end_id = tokenizer.token_to_id(end)
    if end_id is None:
        raise InputError(str(path), f"it has no token {end!r}{nearest(end, special)}")
    unknown = _unknown(tokenizer, path)
    no_text = _no_text(tokenizer, unknown, end)
    cut = tuple(_spelled(_as_text(tokenizer, ()), no_text))
    if whole := _spelled(_as_text(tokenizer, cut), no_text):
        hint = "let a token end documents that the file marks as special"
        raise InputError(str(path), f"a text that says {whole[0]!r} would become that token", hint)
    if not tokenizer.encode(_RARE, add_special_tokens=False).ids:
        hint = "give one that works on bytes or has an `unk_token`"
        raise InputError(str(path), "it drops the characters that its vocabulary lacks", hint)
    size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    return TextTokens(path, digest, end, end_id, size, cut, unknown)


def _special(tokenizer: Any) -> dict[str, int]:
    """The special tokens."""
    added = tokenizer.get_added_tokens_decoder()
    return {token.content: number for number, token in added.items() if token.special}


def _no_text(tokenizer: Any, unknown: int | None, end: str) -> dict[str, int]:
    """The tokens that no text may become: the end, and the special ones but that for what the vocabulary lacks."""
    found = {token: number for token, number in _special(tokenizer).items() if number != unknown}
    return {**found, end: tokenizer.token_to_id(end)}


def _as_text(tokenizer: Any, cut: Iterable[str]) -> Any:
    """The tokenizer, for which special tokens in texts are text."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Sequence, Split

    tokenizer.encode_special_tokens = True
    pieces = [f"{re.escape(token[0])}(?={re.escape(token[1:])})" for token in cut if len(token) > 1]
    if pieces:
        split = Split(Regex("|".join(pieces)), "isolated")
        before = tokenizer.pre_tokenizer
        tokenizer.pre_tokenizer = Sequence([before, split]) if before else split
    return tokenizer


def _spelled(tokenizer: Any, tokens: Mapping[str, int]) -> list[str]:
    """Those of the tokens that a text becomes which spells them, in order."""
    found = set()
    for around in ("{}", "a{}a", "a {} a"):
        texts = [around.format(token) for token in tokens]
        encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        found |= {token for token, one in zip(tokens, encodings, strict=True) if tokens[token] in one.ids}
    return sorted(found)


def _known_end(special: Iterable[str], path: Path) -> str:
    found = [token for token in KNOWN_ENDS if token in special]
    if len(found) != 1:
        problem = f"which token ends a document? It has {' and '.join(found) or 'none of the usual ones'}"
        raise InputError(
            str(path), f"{problem}{nearest('', found or special)}", "say it: {file: ..., eod: TOKEN}"
        )
    return found[0]


def _unknown(tokenizer: Any, path: Path) -> int | None:
    """The token that stands for what the vocabulary lacks, if there is one: texts do become it."""
    model = orjson.loads(read_tokenizer(path))["model"]
    if isinstance(number := model.get("unk_id"), int):
        return number
    return tokenizer.token_to_id(model["unk_token"]) if model.get("unk_token") else None
