"""Token ids of documents for training: a text is text, whatever special tokens it spells, and one ends each document.

`tokenizers` can read what spells a special token as text (`encode_special_tokens`). Unigram and word models may still
find it in their vocabulary, as one piece: such pieces are cut behind their first character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
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
SMALL = 65_500  # a vocabulary below it has ids of 16 bits, as Megatron's `DType.optimal_dtype` has it


@dataclass(frozen=True)
class TextTokens:
    """A tokenizer by its content, the token that ends a document, and those that no text may become.

    size: ids are below it; special: ids, the end's among them; cut: what of special tokens is cut apart in texts.
    """

    path: Path
    digest: str
    end: str
    end_id: int
    size: int
    special: tuple[int, ...]
    cut: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """What ids are kept in, little-endian: uint16 for a vocabulary below SMALL, else int32."""
        return np.dtype("<u2" if self.size < SMALL else "<i4")

    @property
    def settings(self) -> Mapping[str, object]:
        """All that the ids depend on."""
        return {"file": self.digest, "eod": self.end}

    @cached_property
    def _is_special(self) -> NDArray[np.bool_]:
        found = np.zeros(self.size, np.bool_)
        found[list(self.special)] = True
        return found

    def encode(self, texts: pa.Array) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """The ids of all texts, each with the end behind it, one after the other; int32 (texts,): how many each has.

        Raises RunError for a text of which the tokenizer makes a special token.
        """
        tokenizer = once(self._load, "text tokens", self.digest, self.cut)
        encodings = encode(tokenizer, texts.to_pylist(), self.path)
        lengths = np.array([len(one) + 1 for one in encodings], np.int32)
        pieces = chain.from_iterable((one.ids, (self.end_id,)) for one in encodings)
        ids = np.fromiter(chain.from_iterable(pieces), self.dtype, int(lengths.sum(dtype=np.int64)))
        if np.count_nonzero(self._is_special[ids]) != len(lengths):
            found = {int(one) for one in ids[self._is_special[ids]]} - {self.end_id} or {self.end_id}
            token = tokenizer.id_to_token(min(found))
            raise RunError(f"{self.path}: the special token {token!r} was made of a document's text")
        return ids, lengths

    def _load(self) -> Any:
        return _as_text(parse_tokenizer(self.path, self.digest), self.cut)


def text_tokens(path: Path, end: str | None = None) -> TextTokens:
    """The tokenizer of a file; end: the token that ends a document, by default the one of KNOWN_ENDS that it has.

    Raises DefinitionError without the package tokenizers; InputError for a file that is absent or damaged, and for a
    tokenizer without such a token or that makes special tokens of texts.
    """
    digest = tokenizer_hash(path)
    tokenizer = parse_tokenizer(path, digest)
    added = tokenizer.get_added_tokens_decoder()
    special = {token.content: number for number, token in added.items() if token.special}
    end = end or _known_end(special, path)
    end_id = tokenizer.token_to_id(end)
    if end_id is None:
        raise InputError(str(path), f"it has no token {end!r}{nearest(end, special)}")
    guarded = {name: one for name, one in special.items() if name != _unknown(path)} | {end: end_id}
    tokenizer.encode_special_tokens = True
    cut = tuple(sorted(_spelled(tokenizer, guarded)))
    if whole := list(_spelled(_as_text(tokenizer, cut), guarded)):
        problem = f"a text that says {whole[0]!r} would become that special token"
        raise InputError(str(path), problem, "mark it `special` among the file's `added_tokens`")
    size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    return TextTokens(path, digest, end, end_id, size, tuple(sorted(guarded.values())), cut)


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


def _spelled(tokenizer: Any, tokens: Mapping[str, int]) -> Iterator[str]:
    """Those of the tokens that a text becomes which spells them."""
    for token, number in tokens.items():
        texts = [token, f"a{token}a", f"a {token} a"]
        if any(number in one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)):
            yield token


def _known_end(special: Iterable[str], path: Path) -> str:
    found = [token for token in KNOWN_ENDS if token in special]
    if len(found) != 1:
        problem = f"which token ends a document? It has {' and '.join(found) or 'none of the usual ones'}"
        raise InputError(
            str(path), f"{problem}{nearest('', found or special)}", "say it: {file: ..., eod: TOKEN}"
        )
    return found[0]


def _unknown(path: Path) -> str | None:
    """The token that stands for what the vocabulary lacks: texts do become it."""
    model = orjson.loads(read_tokenizer(path))["model"]
    if isinstance(model.get("unk_id"), int):
        return str(model["vocab"][model["unk_id"]][0])
    return model.get("unk_token")  # type: ignore[no-any-return]
