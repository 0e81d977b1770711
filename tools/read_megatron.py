"""Reads outputs of token ids by Megatron-LM's own reader: `python tools/read_megatron.py OUTPUT ...`.

Needs megatron-core, torch, numpy and pyarrow, in an environment of their own, and nothing of refinery:
`pip install --no-deps megatron-core && pip install torch numpy pyarrow packaging`. Every sequence must be what the
records beside the output say of it, end with the token that ends documents and have it nowhere else, and the lists
for `--data-path` must name all pairs, by their tokens. What is not so is printed, and the exit code is 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from megatron.core.datasets.indexed_dataset import IndexedDataset
from megatron.core.datasets.utils import get_blend_from_list


def problems(output: Path) -> Iterator[str]:
    """What differs between an output, as Megatron reads it, and its records."""
    records = output.with_name(f"{output.name}.records")
    account = json.loads((records / "manifest.json").read_text())["tokenised"]
    files = sorted(records.glob("sequences-*.parquet"))
    tables = [pq.read_table(file) for file in files]
    pairs = {table["pair"][0].as_py(): table for table in tables}
    weights: dict[str, float] = {}
    for file in records.glob("data-path*.txt"):
        prefixes, tokens = get_blend_from_list(file.read_text().split())
        weights |= dict(zip(prefixes, tokens, strict=True))
    if weights.keys() != pairs.keys():
        yield f"{output}: the lists name {sorted(weights)}, the records {sorted(pairs)}"
    for pair, table in pairs.items():
        for problem in _of_pair(output / pair, table, account):
            yield f"{output / pair}: {problem}"
    if sum(weights.values()) != account["tokens"]:
        yield f"{output}: the lists count {sum(weights.values())} tokens, the manifest {account['tokens']}"


def _of_pair(prefix: Path, table: Any, account: dict[str, Any]) -> Iterator[str]:
    dataset = IndexedDataset(str(prefix))
    if (len(dataset), dataset.index.dtype.__name__) != (len(table), account["dtype"]):
        yield f"{len(dataset)} sequences of {dataset.index.dtype.__name__}, not {len(table)} of {account['dtype']}"
    if dataset.document_indices.tolist() != list(range(len(table) + 1)):
        yield "documents are not a sequence each"
    ids = np.fromfile(f"{prefix}.bin", account["dtype"])
    for number, (start, tokens) in enumerate(
        zip(table["start"].to_pylist(), table["tokens"].to_pylist(), strict=True)
    ):
        found = dataset[number]
        if not np.array_equal(found, ids[start : start + tokens]):
            yield f"sequence {number} is not at {start}"
        if np.flatnonzero(found == account["eod_id"]).tolist() != [tokens - 1]:
            yield f"sequence {number} does not end where its document does"


def main() -> int:
    """Reads the outputs named; 1 if anything differs."""
    found = [problem for output in sys.argv[1:] for problem in problems(Path(output))]
    told = found or [f"{len(sys.argv) - 1} outputs are as their records say"]
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
