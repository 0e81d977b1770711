"""A fastText model made ready for the kernels: loaded once a process, collapsed when that makes it smaller.

After averaging, everything up to the last function is linear, so feature rows can be multiplied with the output
matrix once at load: a model of K labels needs K - 1 floats a feature, `A @ (o_k - o_0)`, and a two-label one a single
float, whatever its dimension. This is done when it makes rows narrower by enough to be worth it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from refinery.models.fasttext_file import FastTextModel, parse_model
from refinery.models.model_file import read_once
from refinery.text import fasttext as features
from refinery.text import fasttext_embed as embedding
from refinery.text import fasttext_output as output
from refinery.text.batch import TextBatch

_T = TypeVar("_T", bound=np.generic)
_CHUNK_BYTES = 1 << 20  # text scored at once: bounds the sums, which hold a row for each window
_MEMO_WORDS = 1 << 15  # of unknown words, with their rows; fewer when these are long
_MEMO_NUMBERS = 1 << 19
_WHOLE = 1 << 16  # window when only the document's sum is wanted: keeps float32 sums short, so exact enough


@dataclass(frozen=True)
class Scorer:
    """A loaded model. `fingerprint` is the xxh3-128 of its file in hex; `labels` are as stored, prefix included."""

    fingerprint: str
    labels: tuple[str, ...]
    tables: features.Tables
    head: output.Head

    def top(self, batch: TextBatch, groups: NDArray[np.int64], near: NDArray[np.int64], window: int) -> Top:
        """What the model says of each document.

        groups, near: int64 (labels), equal for labels that count as one language, and for those of languages near to
        each other; window: bytes.
        """
        found = Top(np.empty(len(batch), np.int64), *np.empty((3, len(batch)), np.float32))
        sizes = _read_only(np.bincount(near).astype(np.int64))
        for run, low, high in self._embed(batch, window):
            columns = (column[low:high] for column in found)
            output.top_labels(*run, self.head, (groups, near, sizes), *columns)
        return found

    def probability(self, batch: TextBatch, label: int) -> NDArray[np.float32]:
        """Probability of one label, a document; 0 without features."""
        scores = np.empty(len(batch), np.float32)
        for run, low, high in self._embed(batch, _WHOLE, weighed=False):
            output.label_scores(run.firsts, run.sums, run.counts, self.head, label, scores[low:high])
        return scores

    def _embed(
        self, batch: TextBatch, window: int, weighed: bool = True
    ) -> Iterator[tuple[_Windows, int, int]]:
        """Sums of windows for runs of documents, with the run's first document and the one after its last."""
        width = self.tables.word_rows.shape[1]
        memo, working = _memo(width), features.make_room()
        for low, high in batch.runs(_CHUNK_BYTES):
            sizes = np.diff(batch.offsets[low : high + 1])
            room = int((sizes // window + 1).sum())
            run = _Windows(
                np.empty(high - low + 1, np.int64), np.zeros((room, width), np.float32),
                np.zeros(room, np.int64), np.zeros(room if weighed else 0, np.int64),
            )  # fmt: skip
            embedding.embed(batch.data, batch.offsets, low, high, self.tables, memo, working, window, *run)
            yield run, low, high


class Top(NamedTuple):
    """A document's top label (int64, -1 without features) and float32 numbers of it.

    score: its probability; share: that of windows of its language; group_score: probability of all labels near to it.
    """

    label: NDArray[np.int64]
    score: NDArray[np.float32]
    share: NDArray[np.float32]
    group_score: NDArray[np.float32]


class _Windows(NamedTuple):
    """What `embed` fills for a run of documents."""

    firsts: NDArray[np.int64]
    sums: NDArray[np.float32]
    counts: NDArray[np.int64]
    weights: NDArray[np.int64]


def _memo(width: int) -> embedding.Memo:
    words = min(max(_MEMO_NUMBERS // width, 4 * embedding.TOKENS), _MEMO_WORDS)
    return embedding.Memo(
        slots=np.zeros(4 << (2 * words - 1).bit_length(), np.uint64),
        keys=np.empty((words, 3), np.int64),
        starts=np.empty(words, np.int64),
        rows=np.empty((words, width), np.float32),
        counts=np.empty(words, np.int32),
        used=np.zeros(1, np.int64),
    )


def load_scorer(path: Path, expected: str | None = None) -> Scorer:
    """The model at `path`, parsed and prepared once a process; raises InputError, see model_file.read_once."""
    return read_once(
        "scorer", path, lambda content, key: prepare(parse_model(content, str(path)), key), expected
    )


def prepare(model: FastTextModel, key: str) -> Scorer:
    """Builds the kernels' tables: word rows summed with their n-grams, rows collapsed where that is narrower."""
    head, directions = _head(model)
    own_rows, gram_rows = (
        _read_only(_rows(table, directions)) for table in (model.word_rows, model.gram_rows)
    )
    labels = [label.encode() for label in model.labels]
    entries = np.concatenate(
        [model.words[: model.word_offsets[-1]], np.frombuffer(b"".join(labels), np.uint8)]
    )
    ends = model.word_offsets[-1] + np.cumsum([len(label) for label in labels])
    entries, offsets = (
        _read_only(entries),
        _read_only(np.concatenate([model.word_offsets, ends]).astype(np.int64)),
    )
    hashes = np.empty(len(offsets) - 1, np.uint32)
    features.hash_entries(entries, offsets, hashes)
    slots = np.zeros(4 << max(3, (2 * len(hashes) - 1).bit_length()), np.uint64)
    features.fill_slots(slots, hashes, entries, offsets)
    kept_bits, below = _bitmap(model)
    kept, ranks = _read_only(kept_bits), _read_only(below)
    shape, keys = _read_only(_shape(model)), np.zeros((len(own_rows), 3), np.int64)
    keys[:, 1], keys[:, 2] = model.word_offsets[:-1], np.diff(model.word_offsets)
    word_rows, word_counts = np.zeros_like(own_rows), np.zeros(len(own_rows), np.int32)
    if model.maxn > 0:
        room = features.make_room()
        features.sum_grams(
            entries, keys, 0, len(keys), shape, kept, ranks, gram_rows, room, word_rows, word_counts
        )
        if shape[4] >= 0:  # `</s>` has no n-grams
            word_rows[shape[4]], word_counts[shape[4]] = 0.0, 0
    word_rows += own_rows
    word_counts += 1
    tables = features.Tables(
        _read_only(slots),
        entries,
        offsets,
        kept,
        ranks,
        _read_only(word_rows),
        _read_only(word_counts),
        gram_rows,
        shape,
    )
    return Scorer(key, model.labels, tables, head)


def _shape(model: FastTextModel) -> NDArray[np.int64]:
    """What kernels need to know of the model, and a reciprocal below 2**32 to divide by the number of buckets."""
    bucket = max(model.bucket, 1)
    shift = 31 + bucket.bit_length() - 1
    numbers = [
        model.bucket,
        model.minn,
        model.maxn,
        model.word_ngrams,
        _end_mark(model),
        (1 << shift) // bucket,
        shift,
    ]
    return np.array(numbers, np.int64)


def _read_only(array: NDArray[_T]) -> NDArray[_T]:
    """Read-only and C-contiguous: one array type for each kernel argument."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def _end_mark(model: FastTextModel) -> int:
    """Id of `</s>`, or -1."""
    starts = model.word_offsets[:-1]
    for word in np.flatnonzero(np.diff(model.word_offsets) == 4):
        if model.words[starts[word] : starts[word] + 4].tobytes() == b"</s>":
            return int(word)
    return -1


def _bitmap(model: FastTextModel) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    if model.kept_buckets is None:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    size = model.bucket // 64 + 1
    bits = np.zeros(size * 64, np.bool_)
    bits[model.kept_buckets] = True
    words = np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)
    counts = bits.reshape(size, 64).sum(1)
    return words, (np.cumsum(counts) - counts).astype(np.int32)


def _rows(table: NDArray[np.float32], directions: NDArray[np.float64] | None) -> NDArray[np.float32]:
    """The table's rows, projected if there are directions, padded with zeros to a width the kernels take."""
    columns = table.shape[1] if directions is None else directions.shape[1]
    width = columns if columns == 1 else -(-columns // 16) * 16
    if directions is None and width == columns:
        return table
    rows = np.zeros((len(table), width), np.float32)
    if directions is None:
        rows[:, :columns] = table
    else:
        features.project(_read_only(table), _read_only(directions), rows)
    return rows


def _head(model: FastTextModel) -> tuple[output.Head, NDArray[np.float64] | None]:
    """The output side, and the directions to project on when rows are collapsed."""
    matrix = model.output.astype(np.float64)
    kind = {"softmax": output.SOFTMAX, "hs": output.TREE}.get(model.loss, output.SIGMOIDS)
    outputs = len(model.labels)
    tree = [np.zeros(0, np.int64)] * 4
    if kind == output.SOFTMAX:
        collapsed = (matrix[1:] - matrix[0]).T
    elif kind == output.SIGMOIDS:
        collapsed = matrix.T
    else:
        outputs -= 1
        tree = _tree(model.label_counts)
        collapsed = matrix[:outputs].T
    collapse = collapsed.shape[1] == 1 or 0 < collapsed.shape[1] * 4 <= model.dim
    directions = np.zeros((0, outputs), np.float32) if collapse else model.output[:outputs].T
    shape = np.array([kind, outputs], np.int64)
    parent, side, left, right = (_read_only(array) for array in tree)
    head = output.Head(_read_only(directions), parent, side, left, right, _read_only(shape))
    return head, np.ascontiguousarray(collapsed) if collapse else None


def _tree(counts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """fastText's Huffman tree (HierarchicalSoftmaxLoss::buildTree): parent, side, left, right of each node."""
    leaves = len(counts)
    nodes = 2 * leaves - 1
    weight = [*counts.tolist(), *([10**15] * (leaves - 1))]
    parent, side, left, right = (np.full(nodes, fill, np.int64) for fill in (-1, 0, -1, -1))
    leaf, node = leaves - 1, leaves
    for i in range(leaves, nodes):
        pair = []
        for _ in range(2):
            if leaf >= 0 and weight[leaf] < weight[node]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        left[i], right[i] = pair
        weight[i] = weight[pair[0]] + weight[pair[1]]
        parent[pair] = i
        side[pair[1]] = 1
    return [parent, side, left, right]
