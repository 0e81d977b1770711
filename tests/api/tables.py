"""One table in every form that the API takes."""

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

KINDS = ("table", "chunks", "batch", "polars", "pandas", "numpy")


def in_form(kind: str, columns: dict[str, list[Any]]) -> Any:
    """The columns as a table of a kind; `chunks`: an Arrow table in chunks of one row."""
    table = pa.table(columns)
    match kind:
        case "table":
            return table
        case "chunks":
            rows = [table.slice(n, 1) for n in range(len(table))]
            return pa.concat_tables([table.slice(0, 0), *rows])
        case "batch":
            return pa.RecordBatch.from_pydict(columns)
        case "polars":
            return pl.DataFrame(columns)
        case "pandas":
            return pd.DataFrame(columns, index=[f"row {n}" for n in range(len(table))])
        case _:
            return {name: np.array(values) for name, values in columns.items()}


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a table of any kind; NaN, which is what pandas makes of NULL, as None."""
    if isinstance(frame, pd.DataFrame):
        rows = frame.to_dict("records")
    elif isinstance(frame, pl.DataFrame):
        rows = frame.to_dicts()
    elif isinstance(frame, dict):
        rows = [dict(zip(frame, row, strict=True)) for row in zip(*frame.values(), strict=True)]
    else:
        rows = frame.to_pylist()
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
