"""Reads a supervised fastText model (.bin or .ftz) into numpy arrays, trusting nothing that the file says.

The layout is that of fastText's `FastText::saveModel`, version 11 or 12 (facebookresearch/fastText, src/fasttext.cc,
args.cc, dictionary.cc, densematrix.cc, quantmatrix.cc, productquantizer.cc). Every size is compared with the bytes
that are left before anything is allocated, every index with what it points into, so a truncated or hostile file is an
InputError and never a crash. No pickle, no code.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from refinery.errors import InputError

Loss = Literal["hs", "ns", "softmax", "ova"]

MAGIC = 793712314
VERSIONS = (11, 12)
_LOSSES: dict[int, Loss] = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
_CENTROIDS = 256  # fastText codes a sub-vector in one byte
# Far above any published model, low enough that a hostile header cannot make scoring or loading take forever.
_MAX_DIM = 4096
_MAX_GRAM = 32
_MAX_PRUNED_BUCKET = 1 << 28
_MAX_DECODED_BYTES = 1 << 32
_MAX_LABEL_COUNT = (
    10**15
)  # fastText's own "not yet built" mark in the Huffman tree; the counts must sum to less
_HINT = "copy or download the model again; a supervised fastText .bin or .ftz is needed"


@dataclass(frozen=True)
class FastTextModel:
    """A validated supervised model; all arrays are read-only.

    words: uint8 bytes of the vocabulary's words, word i at word_offsets[i]:word_offsets[i + 1].
    labels: as stored, prefix included; label_counts: int64, training examples of each.
    kept_buckets: for a pruned model the sorted int64 buckets that still have a row, else None.
    word_rows: float32 (words, dim), the words' own vectors; gram_rows: float32 (buckets, dim), of n-grams, in the
    order of `kept_buckets` for a pruned model. output: float32 (labels, dim).
    """

    dim: int
    word_ngrams: int
    minn: int
    maxn: int
    bucket: int
    loss: Loss
    words: NDArray[np.uint8]
    word_offsets: NDArray[np.int64]
    labels: tuple[str, ...]
    label_counts: NDArray[np.int64]
    kept_buckets: NDArray[np.int64] | None
    word_rows: NDArray[np.float32]
    gram_rows: NDArray[np.float32]
    output: NDArray[np.float32]


@dataclass(frozen=True)
class _Dictionary:
    words: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    labels: tuple[str, ...]
    label_counts: NDArray[np.int64]
    prune_keys: NDArray[np.int32] | None
    prune_rows: NDArray[np.int32] | None


def parse_model(content: bytes | mmap, place: str) -> FastTextModel:
    """Parses a model from the bytes of its file; raises InputError, in which `place` names it."""
    reader = _Reader(content, place)
    arguments = _read_arguments(reader)
    dim, word_ngrams, loss, bucket, minn, maxn = arguments
    dictionary = _read_dictionary(reader)
    words = len(dictionary.offsets) - 1
    quantised = reader.flag("input quantised")
    rows = words + (bucket if dictionary.prune_keys is None else len(dictionary.prune_keys))
    if dictionary.prune_keys is not None and not quantised:
        raise reader.error("it is pruned but not quantised, which fastText itself refuses")
    read_input = _read_quantised if quantised else _read_dense
    table = read_input(reader, rows, dim, "input")
    output_quantised = reader.flag("output quantised")
    read_output = _read_quantised if quantised and output_quantised else _read_dense
    output = read_output(reader, len(dictionary.labels), dim, "output")
    if reader.left:
        raise reader.error(f"{reader.left} bytes follow the end of the model")
    kept, gram_rows = _order_grams(reader, dictionary, table[words:], bucket)
    model = FastTextModel(
        dim, word_ngrams, minn, maxn, bucket, loss, dictionary.words, dictionary.offsets, dictionary.labels,
        dictionary.label_counts, kept, table[:words], gram_rows, output,
    )  # fmt: skip
    for array in (
        model.words,
        model.word_offsets,
        model.label_counts,
        kept,
        model.word_rows,
        gram_rows,
        output,
    ):
        if array is not None:
            array.flags.writeable = False
    return model


def parse_labels(content: bytes | mmap, place: str) -> tuple[str, ...]:
    """The labels of a model from the beginning of its file; raises InputError, in which `place` names it."""
    reader = _Reader(content, place)
    _read_arguments(reader)
    return _read_dictionary(reader).labels


class _Reader:
    """A cursor over the file that cannot pass its end."""

    def __init__(self, content: bytes | mmap, place: str) -> None:
        self.content = content
        self.place = place
        self.position = 0

    @property
    def left(self) -> int:
        return len(self.content) - self.position

    def error(self, problem: str, hint: str = _HINT) -> InputError:
        return InputError(self.place, f"not a usable fastText model: {problem}", hint)

    def take(self, size: int, what: str) -> int:
        """Reserves `size` bytes and returns where they start."""
        if size > self.left:
            raise self.error(
                f"truncated or damaged: {what} needs {size} bytes at {self.position}, {self.left} are left"
            )
        start = self.position
        self.position += size
        return start

    def unpack(self, layout: str, what: str) -> tuple[int, ...]:
        start = self.take(struct.calcsize(layout), what)
        return struct.unpack_from(layout, self.content, start)

    def flag(self, what: str) -> bool:
        (value,) = self.unpack("<B", what)
        if value > 1:
            raise self.error(f"{what} must be 0 or 1, it is {value}")
        return bool(value)

    def array(self, kind: str, count: int, what: str) -> NDArray[np.generic]:
        """A copy, so that it is aligned: in the file an array starts anywhere."""
        size = count * np.dtype(kind).itemsize
        start = self.take(size, what)
        return np.frombuffer(self.content, kind, count, start).copy()


def _read_arguments(reader: _Reader) -> tuple[int, int, Loss, int, int, int]:
    """Magic, version and `Args`: dim, word_ngrams, loss, bucket, minn, maxn."""
    if len(reader.content) == 0:
        raise reader.error("the file is empty")
    head = reader.content[:256].lstrip().lower()
    if head.startswith((b"<", b"{", b"version https://git-lfs")):
        raise reader.error("it is a web page, JSON or a Git LFS pointer, not a model")
    magic, version = reader.unpack("<ii", "header")
    if magic != MAGIC:
        raise reader.error("it does not start with fastText's signature")
    if version not in VERSIONS:
        raise reader.error(f"file version {version} is unknown (known: 11 and 12)")
    values = reader.unpack("<12i", "arguments")
    dim, _, _, _, _, word_ngrams, loss, kind, bucket, minn, maxn, _ = values
    reader.take(8, "arguments")
    if kind != 3:
        names = {1: "cbow word vectors", 2: "skip-gram word vectors"}
        raise reader.error(f"it holds {names.get(kind, f'kind {kind}')}, not a supervised classifier")
    if loss not in _LOSSES:
        raise reader.error(f"loss {loss} is unknown")
    if version == 11:
        maxn = 0  # as FastText::loadModel: such models were trained without character n-grams
    bounds = {
        "dim": (dim, 1, _MAX_DIM),
        "wordNgrams": (word_ngrams, 0, _MAX_GRAM),
        "maxn": (maxn, 0, _MAX_GRAM),
    }
    bounds |= {"minn": (minn, 0, 2**31), "bucket": (bucket, 0, 2**31)}
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise reader.error(f"{name} = {value} is outside {low} to {high}")
    if bucket == 0 and (word_ngrams > 1 or maxn > 0):
        raise reader.error("it uses n-grams but has no buckets for them")
    return dim, word_ngrams, _LOSSES[loss], bucket, minn, maxn


def _read_dictionary(reader: _Reader) -> _Dictionary:
    size, words, labels, _, pruned = reader.unpack("<iiiqq", "dictionary header")
    if min(size, words, labels) < 0 or size != words + labels:
        raise reader.error(f"{size} entries are not {words} words and {labels} labels")
    if labels == 0:
        raise reader.error("it has no labels")
    if size * 10 > reader.left:  # an entry is at least a terminator, a count and a type
        raise reader.error(
            f"truncated or damaged: {size} dictionary entries do not fit in {reader.left} bytes"
        )
    content, position = reader.content, reader.position
    entries: list[bytes] = []
    kinds = bytearray()
    counts: list[int] = []
    for _ in range(size):
        end = content.find(b"\0", position)
        if end < 0 or end + 10 > len(content):
            raise reader.error(
                f"truncated or damaged: the dictionary ends after {len(entries)} of {size} entries"
            )
        entries.append(content[position:end])
        counts.append(int.from_bytes(content[end + 1 : end + 9], "little", signed=True))
        kinds.append(content[end + 9])
        position = end + 10
    reader.position = position
    if kinds != bytes(words) + b"\1" * labels:
        raise reader.error("its dictionary does not list all words, then all labels")
    if len(set(entries)) != size:
        raise reader.error("its dictionary lists an entry twice")
    label_counts = counts[words:]
    if min(label_counts) < 0 or sum(label_counts) >= _MAX_LABEL_COUNT:
        raise reader.error("its label counts are not counts")
    try:
        names = tuple(entry.decode() for entry in entries[words:])
    except UnicodeDecodeError:
        raise reader.error("a label is not UTF-8") from None
    offsets = np.zeros(words + 1, np.int64)
    np.cumsum([len(entry) for entry in entries[:words]], out=offsets[1:])
    joined = np.frombuffer(b"".join(entries[:words]) or b"\0", np.uint8)
    keys, rows = _read_pruned(reader, pruned)
    return _Dictionary(joined, offsets, names, np.array(label_counts, np.int64), keys, rows)


def _read_pruned(reader: _Reader, size: int) -> tuple[NDArray[np.int32] | None, NDArray[np.int32] | None]:
    if size < -1:
        raise reader.error(f"its pruned index has {size} entries")
    if size == -1:
        return None, None
    pairs = reader.array("<i4", size * 2, "pruned index").reshape(size, 2)
    return pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)


def _order_grams(
    reader: _Reader, dictionary: _Dictionary, rows: NDArray[np.float32], bucket: int
) -> tuple[NDArray[np.int64] | None, NDArray[np.float32]]:
    """Sorts a pruned model's n-gram rows by bucket, so that a rank in a bitmap finds them."""
    if dictionary.prune_keys is None or dictionary.prune_rows is None:
        return None, rows
    keys, targets = dictionary.prune_keys, dictionary.prune_rows
    if bucket > _MAX_PRUNED_BUCKET:
        raise reader.error(f"bucket = {bucket} is above {_MAX_PRUNED_BUCKET} for a pruned model")
    if len(keys) and (keys.min() < 0 or keys.max() >= bucket or len(np.unique(keys)) != len(keys)):
        raise reader.error("its pruned index names a bucket that does not exist, or one twice")
    if len(keys) and (targets.min() < 0 or targets.max() >= len(rows)):
        raise reader.error("its pruned index points outside the input matrix")
    order = np.argsort(keys, kind="stable")
    return keys[order].astype(np.int64), np.ascontiguousarray(rows[targets[order]])


def _read_dense(reader: _Reader, rows: int, dim: int, what: str) -> NDArray[np.float32]:
    stored = reader.unpack("<qq", f"{what} matrix header")
    if stored != (rows, dim):
        raise reader.error(f"its {what} matrix is {stored[0]} x {stored[1]}, expected {rows} x {dim}")
    table = reader.array("<f4", rows * dim, f"{what} matrix").reshape(rows, dim)
    return _finite(reader, table, what)


def _read_quantised(reader: _Reader, rows: int, dim: int, what: str) -> NDArray[np.float32]:
    """Decodes a product-quantised matrix (fastText.zip, Joulin et al. 2016) to float32 rows."""
    has_norms = reader.flag(f"{what} norms")
    stored = reader.unpack("<qqi", f"{what} matrix header")
    if stored[:2] != (rows, dim):
        raise reader.error(f"its {what} matrix is {stored[0]} x {stored[1]}, expected {rows} x {dim}")
    if rows * dim * 4 > _MAX_DECODED_BYTES:
        raise reader.error(f"its {what} matrix decodes to {rows * dim * 4} bytes, above {_MAX_DECODED_BYTES}")
    codes = reader.array("u1", max(stored[2], 0), f"{what} codes")
    parts, width, centroids = _read_quantiser(reader, dim, what)
    if stored[2] != rows * parts:
        raise reader.error(f"its {what} matrix has {stored[2]} codes, expected {rows * parts}")
    grid = codes.reshape(rows, parts)
    table = np.empty((rows, dim), np.float32)
    for part in range(parts):
        low, high = part * width, min((part + 1) * width, dim)
        first = part * _CENTROIDS * width
        book = centroids[first : first + _CENTROIDS * (high - low)].reshape(_CENTROIDS, high - low)
        table[:, low:high] = book[grid[:, part]]
    if has_norms:
        norm_codes = reader.array("u1", rows, f"{what} norm codes")
        _, _, norms = _read_quantiser(reader, 1, f"{what} norms")
        with np.errstate(over="ignore"):  # refused just below
            table *= norms[norm_codes][:, None]
    return _finite(reader, table, what)


def _read_quantiser(reader: _Reader, dim: int, what: str) -> tuple[int, int, NDArray[np.float32]]:
    """Number of sub-vectors, their width (the last may be narrower), and all centroids in one flat array."""
    stored_dim, parts, width, last = reader.unpack("<4i", f"{what} quantiser")
    if stored_dim != dim or width < 1 or parts != -(-dim // width) or last != (dim % width or width):
        raise reader.error(
            f"its {what} quantiser cuts {stored_dim} dimensions into {parts} x {width} and {last}"
        )
    return parts, width, reader.array("<f4", dim * _CENTROIDS, f"{what} centroids").astype(np.float32)


def _finite(reader: _Reader, table: NDArray[np.generic], what: str) -> NDArray[np.float32]:
    if not np.isfinite(table).all():
        raise reader.error(f"its {what} matrix holds values that are not finite numbers")
    return table.astype(np.float32, copy=False)
