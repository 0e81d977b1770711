"""Outputs of token ids: pairs of `.bin` and `.idx` for Megatron, and records of which sequence is which document.

A document is a sequence: its ids, then the token that ends it. A pair holds the documents that a file of texts would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.models.text_tokens import TextTokens
from refinery.models.tokenizer import ENCODE_BYTES
from refinery.run.manifest import TokenAccount
from refinery.sources.ids import id_texts
from refinery.storage.commit import commit_file
from refinery.storage.megatron import DATA, INDEX, write_index
from refinery.storage.place import Place
from refinery.storage.write import TableWriter, WrittenFile
from refinery.text.batch import TextBatch

SEQUENCES = pa.schema(
    [
        ("pair", pa.string()),  # the files' path without `.bin` and `.idx`
        ("sequence", pa.int64()),
        ("start", pa.int64()),
        ("tokens", pa.int32()),
        ("unknown", pa.int32()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("id", pa.string()),
    ]
)


def sequences_name(data: str) -> str:
    """The name among the records of what tells about a pair.

    >>> sequences_name("data-00000.bin"), sequences_name("data/train-00000-of-00003.bin")
    ('sequences-00000.parquet', 'sequences-train-00000-of-00003.parquet')
    """
    return f"sequences-{data.removesuffix(DATA).removeprefix('data').lstrip('-/')}.parquet"


def index_name(data: str) -> str:
    """The name of the other file of a pair."""
    return data.removesuffix(DATA) + INDEX


def write_tokens(
    staged: Place, name: str, rows: Iterable[pa.RecordBatch], tokens: TextTokens
) -> tuple[WrittenFile, WrittenFile, WrittenFile]:
    """Writes a pair and what tells about its sequences; rows: of text, id and lineage.

    Raises RunError for a text that would become a special token, OutputError when the place cannot be written.
    """
    pair, data = name.removesuffix(DATA), TableWriter(staged / sequences_name(name), SEQUENCES)
    lengths: list[NDArray[np.int32]] = []
    sequence = start = 0
    with commit_file(staged / name) as file, data:
        for batch in _encodable(rows):
            ids, found = tokens.encode(batch.column("text"))
            file.write(ids)
            data.write(_sequences(batch, pair, sequence, start, found, ids == tokens.unknown))
            lengths.append(found)
            sequence, start = sequence + len(found), start + len(ids)
    every = np.concatenate([*lengths, np.empty(0, np.int32)])
    index = write_index(staged / index_name(name), every, tokens.dtype)
    return (
        WrittenFile(name, sequence, file.size, file.sha256),
        replace(index, path=index_name(name)),
        data.written,
    )


def _encodable(rows: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    """The rows in stretches of ENCODE_BYTES of text, or of one text that is longer."""
    for batch in rows:
        for start, stop in TextBatch.from_arrow(batch.column("text")).runs(ENCODE_BYTES):
            yield batch.slice(start, stop - start)


def _sequences(
    batch: pa.RecordBatch,
    pair: str,
    sequence: int,
    start: int,
    lengths: NDArray[np.int32],
    unknown: NDArray[np.bool_],
) -> pa.RecordBatch:
    """What is told about the sequences of a batch, of which the first has this number and starts at this token.

    unknown: bool, for each of their tokens.
    """
    ends = start + np.cumsum(lengths, dtype=np.int64)
    counts = np.add.reduceat(unknown, ends - lengths - start, dtype=np.int32)
    numbers = np.arange(sequence, sequence + len(lengths), dtype=np.int64)
    columns = [
        pa.repeat(pa.scalar(pair), len(lengths)),
        *map(pa.array, (numbers, ends - lengths, lengths, counts)),
    ]
    columns += [*batch.column("lineage").flatten(), id_texts(batch.column("id"))]
    return pa.RecordBatch.from_arrays(columns, schema=SEQUENCES)


def token_account(tokens: TextTokens, files: Sequence[WrittenFile]) -> TokenAccount:
    """What the manifest says of an output's token ids; files: of the output."""
    size = sum(file.bytes for file in files if file.path.endswith(DATA))
    return TokenAccount(
        tokenizer=tokens.digest,
        vocabulary=tokens.size,
        dtype=tokens.dtype.name,
        eod=tokens.end,
        eod_id=tokens.end_id,
        tokens=size // tokens.dtype.itemsize,
    )


def data_paths(tokens: TokenAccount, files: Sequence[WrittenFile]) -> Mapping[str, str]:
    """By name, the lists for Megatron's `--data-path`: the tokens of each pair as its weight, and its path.

    One, or one for each split; files: of the output, whose folder paths are relative to.
    """
    found: dict[str, list[str]] = {}
    for file in files:
        if file.path.endswith(DATA):
            _, _, named = file.path.partition("data/")
            split = named.partition("-")[0]
            weight = file.bytes // np.dtype(tokens.dtype).itemsize
            name = f"data-path-{split}.txt" if split else "data-path.txt"
            found.setdefault(name, []).append(f"{weight} {file.path.removesuffix(DATA)}\n")
    return {name: "".join(lines) for name, lines in found.items()}
