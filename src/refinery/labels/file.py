"""The file that a person labels, CSV or JSON Lines: a row for each sampled document, and what the labels say.

Columns: LISTED, then the scores, the first being what the sample was drawn over, then `text` and an empty `label`.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError, nearest
from refinery.storage.commit import commit_bytes
from refinery.storage.place import unreadable

LISTED = ("id", "source", "path", "row", "stratum", "stratum_documents", "weight")
TEXT, LABEL = "text", "label"
NAMES = (*LISTED, TEXT, LABEL)
LEAST = 20  # labels from which on something is told
MOST_CHARS = 32_767  # of a cell of a spreadsheet
_YES, _NO = ("yes", "y", "true", "1", "1.0"), ("no", "n", "false", "0", "0.0")
_HINT = "give a file that `refinery label` wrote"


@dataclass(frozen=True)
class Labels:
    """What people said of a sample.

    scores: by column float64, -inf where a document has none; positive: whether each is what is wanted; stratum: of
    each, int64 from 0; documents: float64, that each stratum has; missing: rows without a label; empty: by number,
    documents of strata without any label, which nothing is known about.
    """

    scores: Mapping[str, NDArray[np.float64]]
    positive: NDArray[np.bool_]
    stratum: NDArray[np.int64]
    documents: NDArray[np.float64]
    missing: int
    empty: Mapping[int, float]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Labels of each stratum."""
        return np.bincount(self.stratum, minlength=len(self.documents))

    @property
    def weights(self) -> NDArray[np.float64]:
        """Documents that a label of each stratum stands for."""
        return self.documents / self.sizes

    def notes(self) -> Iterator[str]:
        """What is not known, in words."""
        if self.missing:
            yield f"{self.missing:,} of {self.missing + len(self.positive):,} documents have no label"
        for number, documents in self.empty.items():
            yield f"stratum {number} has no label: its {documents:,.0f} documents are left out"


@dataclass(frozen=True)
class _Row:
    place: str
    values: Mapping[str, Any]


def kind_of(file: str | Path) -> Literal["csv", "jsonl"]:
    """The form of a label file by its name; raises DefinitionError for another one."""
    kinds: tuple[Literal["csv", "jsonl"], ...] = ("csv", "jsonl")
    for kind in kinds:
        if str(file).endswith(f".{kind}"):
            return kind
    raise DefinitionError(f"{file}: expected a name that ends in .csv or .jsonl")


def refuse_existing(file: Path) -> None:
    """Raises InputError for a file that is there: it may hold labels."""
    if file.exists():
        raise InputError(str(file), "it is there already, and may hold labels", "give another name")


def write_rows(file: Path, rows: Iterable[Mapping[str, Any]], scores: Sequence[str]) -> None:
    """Writes the rows of a sample; raises InputError for a file that is there."""
    refuse_existing(file)
    kind = kind_of(file)
    columns = [*LISTED, *scores, TEXT, LABEL]
    if kind == "jsonl":
        lines = (orjson.dumps({name: row[name] for name in columns}) + b"\n" for row in rows)
        commit_bytes(file, b"".join(lines))
        return
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    commit_bytes(file, table.getvalue().encode("utf-8-sig"))  # with its mark, which spreadsheets ask for


def read_labels(file: str | Path) -> Labels:
    """The labels of a file; raises InputError with the line of what is wrong, and for fewer than LEAST labels."""
    rows = _rows(Path(file))
    scores = [name for name in rows[0].values if name and name not in NAMES]
    if not scores:
        raise InputError(str(file), "it has no column of scores", _HINT)
    _refuse_twice(rows)
    labelled = [(row, label) for row in rows if (label := _label(row)) is not None]
    if len(labelled) < LEAST:
        raise InputError(
            str(file), f"{len(labelled)} rows have a label", f"{LEAST} are needed to tell anything"
        )
    sizes = _stratum_sizes(rows)
    there = sorted({_whole(row, "stratum") for row, _ in labelled})
    return Labels(
        scores={name: np.array([_number(row, name) for row, _ in labelled]) for name in scores},
        positive=np.array([label for _, label in labelled]),
        stratum=np.searchsorted(there, [_whole(row, "stratum") for row, _ in labelled]),
        documents=np.array([sizes[number] for number in there], np.float64),
        missing=len(rows) - len(labelled),
        empty={number: float(size) for number, size in sorted(sizes.items()) if number not in there},
    )


def score_of(labels: Labels, column: str | None) -> str:
    """The column that is asked for, by default what the sample was drawn over; raises InputError."""
    if column is not None and column not in labels.scores:
        raise InputError(column, f"no such column of scores{nearest(column, labels.scores)}")
    return column or next(iter(labels.scores))


def _rows(file: Path) -> list[_Row]:
    kind = kind_of(file)
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise unreadable(str(file), error) from None
    except UnicodeDecodeError:
        raise InputError(str(file), "it is not UTF-8", "save it as UTF-8, in Excel `CSV UTF-8`") from None
    rows = list(_json_rows(file, content) if kind == "jsonl" else _csv_rows(file, content))
    if not rows:
        raise InputError(str(file), "it has no row", _HINT)
    missing = [name for name in ("stratum", "stratum_documents", LABEL) if name not in rows[0].values]
    if missing:
        raise InputError(str(file), f"it has no column {', '.join(missing)}", _HINT)
    return rows


def _json_rows(file: Path, content: str) -> Iterator[_Row]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{file}:{number}", f"no JSON: {error}", _HINT) from None
        if not isinstance(row, dict):
            raise InputError(f"{file}:{number}", "no JSON object", _HINT)
        yield _Row(f"{file}:{number}", row)


def _csv_rows(file: Path, content: str) -> Iterator[_Row]:
    """Rows with the line that each begins at; spreadsheets of some countries write `;` or tabs between cells."""
    head = content.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        names = next(reader, [])
        begins = reader.line_num + 1
        for cells in reader:
            if any(cells):
                if len(cells) != len(names):
                    problem = f"{len(cells)} cells in place of {len(names)}"
                    raise InputError(f"{file}:{begins}", problem)
                yield _Row(f"{file}:{begins}", dict(zip(names, cells, strict=True)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{file}:{reader.line_num}", f"no CSV: {error}", _HINT) from None


def _refuse_twice(rows: Iterable[_Row]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for row in rows:
        document = tuple(str(row.values.get(name)) for name in ("source", "path", "row"))
        first = seen.setdefault(document, row.place)
        if first != row.place:
            raise InputError(row.place, f"the same document as {first}", "leave it once")


def _stratum_sizes(rows: Iterable[_Row]) -> dict[int, int]:
    sizes: dict[int, int] = {}
    drawn = Counter[int]()
    for row in rows:
        number, size = _whole(row, "stratum"), _whole(row, "stratum_documents")
        drawn[number] += 1
        if sizes.setdefault(number, size) != size:
            problem = f"stratum {number} has {size:,} documents here, {sizes[number]:,} before"
            raise InputError(row.place, problem, "leave files of different samples apart")
        if drawn[number] > size:
            raise InputError(row.place, f"stratum {number} has {size:,} documents, and more rows than that")
    return sizes


def _label(row: _Row) -> bool | None:
    given = row.values.get(LABEL)
    text = str(given if given is not None else "").strip().casefold()
    if not text:
        return None
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise InputError(row.place, f"label {given!r}", "expected yes or no, true or false, 1 or 0, or nothing")


def _number(row: _Row, name: str) -> float:
    value = row.values.get(name)
    if value is None or value == "":
        return -math.inf
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(row.place, f"{name}: {value!r} is no number")
    return number


def _whole(row: _Row, name: str) -> int:
    number = _number(row, name)
    if not number.is_integer() or number < 1:
        raise InputError(row.place, f"{name}: expected a number from 1 on", "leave it as it was written")
    return int(number)
