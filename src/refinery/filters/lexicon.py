"""Lexicons: lists of terms as files, and as the automaton that finds them.

A line is a term, up to the first tab: what follows is a note. Blank lines and those that begin with # are none. The
file may be compressed, as sources are. Terms are compared as key texts, so capitals, width and punctuation do not
matter, and of terms that are the same so the first counts. A lexicon is built once on each machine, whose workers map
the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from refinery.errors import DefinitionError, InputError, nearest

if TYPE_CHECKING:
    from refinery.text.fold import Tables
    from refinery.text.terms import Automaton

Folding = Literal["plain", "simplified", "obfuscations"]
MOST_TERMS = 1_000_000
FORM = 1  # raised when the same lexicon would be built otherwise
PACKS = Path(str(files("refinery.filters") / "packs"))


@dataclass(frozen=True)
class Lexicon:
    """The automaton of so many terms."""

    terms: int
    automaton: Automaton


def pack_columns(pack: str) -> tuple[str, ...]:
    """What the columns of a pack are called, those of another lexicon if it is empty.

    >>> pack_columns("zh-porn")
    ('zh_porn_term_density', 'zh_porn_term_count', 'zh_porn_distinct_terms')
    """
    before = f"{pack.replace('-', '_')}_" if pack else ""
    return tuple(before + column for column in ("term_density", "term_count", "distinct_terms"))


def pack_measuring(column: str) -> str | None:
    """The pack that has this column, if one has."""
    return next((pack for pack in packs() if column in pack_columns(pack)), None)


@cache
def packs() -> tuple[str, ...]:
    """The names of the lexicons that come with the package, sorted."""
    return tuple(sorted(path.stem for path in PACKS.glob("*.txt")))


def pack_file(name: str) -> Path:
    """The lexicon that comes with the package by that name; raises DefinitionError if there is none."""
    if name not in packs():
        raise DefinitionError(f"no pack of terms is called {name!r}{nearest(name, packs())}")
    return PACKS / f"{name}.txt"


def folding_tables(folding: Folding) -> Tables:
    """The tables by which terms and texts become key texts."""
    from refinery.text import fold, obfuscations

    return (
        obfuscations.tables()
        if folding == "obfuscations"
        else fold.tables(simplified=folding == "simplified")
    )


def load_lexicon(path: str, folding: Folding, expected: str) -> Lexicon:
    """A lexicon, which this machine builds if it has not yet; expected: its list_hash when a definition was checked.

    Raises InputError for one that cannot be used, and for one that is another by now.
    """
    import numpy as np

    from refinery.filters.listed_file import machine_file
    from refinery.models.loaded import once
    from refinery.text.terms import Automaton

    def made() -> bytes:
        built = read_lexicon(path, folding)
        head = np.array([built.terms, *(len(part) for part in built.automaton)], np.int64)
        return b"".join(part.tobytes() for part in (head, *built.automaton))

    def load() -> Lexicon:
        mapped = np.memmap(machine_file("lexicons", path, expected, f"{folding}-{FORM}", made), np.uint8, "r")
        terms, slots, states, bits = mapped[:32].view(np.int64).tolist()
        edges, rest = mapped[32:][: 16 * slots].view(np.uint64).reshape(-1, 2), mapped[32 + 16 * slots :]
        parts = edges, rest[: 4 * states].view(np.int32), rest[4 * states :][:bits]
        return Lexicon(terms, Automaton._make(np.asarray(part) for part in parts))

    return once(load, "lexicon", folding, expected)


def read_lexicon(path: str, folding: Folding) -> Lexicon:
    """Reads and builds a lexicon; raises InputError, for lines that are no terms with the first of them."""
    import polars as pl

    from refinery.filters.listed_file import IS_ENTRY, lines_of, wrong_lines
    from refinery.storage.url import redact
    from refinery.text.batch import TextBatch
    from refinery.text.fold import fold_texts
    from refinery.text.terms import LONGEST, build_automaton, unit_counts

    term = pl.col("text").str.strip_chars().str.extract(r"^([^\t]*)").str.strip_chars()
    listed = pl.concat([lines.filter(IS_ENTRY).with_columns(term=term) for lines in lines_of(path)])
    if not 0 < len(listed) <= MOST_TERMS:
        raise InputError(
            redact(path), f"{len(listed):,} terms; 1 to {MOST_TERMS:,} can be", "a line is a term"
        )
    tables = folding_tables(folding)
    keys = fold_texts(TextBatch.from_arrow(listed["term"].to_arrow()), tables)
    units = pl.Series(unit_counts(keys, tables))
    for wrong, what, hint in (
        (units == 0, "terms without a letter or digit", "take them out"),
        (
            units > LONGEST,
            f"terms of more than {LONGEST} words or characters",
            "a line is a term; shorten them",
        ),
    ):
        if wrong.any():
            raise wrong_lines(path, listed.filter(wrong), what, hint)
    return Lexicon(len(listed), build_automaton(keys, tables))
