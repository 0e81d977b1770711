"""FineWeb-2's rules for every language that it has thresholds for: sets made of one table, `fineweb2.parquet`.

Source: huggingface/fineweb-2, configs/*.yml and fineweb-2-pipeline.py (Apache License 2.0), 1,929 languages by code
and script (`swh_Latn`). They are Gopher quality, Gopher repetition without the rules on paragraphs, and FineWeb
quality without short lines. N-grams are read as there, by datatrove's greedy scan. Two readings differ, so that prose
with brackets and figures and hard-wrapped text stay: words are those between white space, where FineWeb-2 counts
punctuation marks too, and lines are not blank and do not end at a hard wrap. In scripts without spaces tokens are
single letters: limits by words are turned into letters, those on n-grams are left out. So is the limit on the
language score, which belongs to GlotLID.

A limit that can drop nothing there (a share of 1 or more at most, of 0 or less at least) makes no rule. Limits beyond
BOUNDS are taken as the bound, and the source of the rule says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from refinery.definition.paths import FINEWEB2

DATA = Path(__file__).with_name("fineweb2.parquet")
_TOP, _DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
_LIMITS = (
    "dup_line_frac",
    "new_line_ratio",
    "line_punct_thr",
    "max_non_alpha_words_ratio",
    "min_avg_word_length",
    "max_avg_word_length",
    *(f"top_{n}gram" for n in _TOP),
    *(f"dup_{n}gram" for n in _DUPLICATE),
    "language_score",
)
SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("language", pa.string()),
        ("code", pa.string()),
        *((name, pa.float64()) for name in _LIMITS),
        ("stopwords", pa.list_(pa.string())),
    ]
)
# What a limit may be at most: letters a word of Bible translations alone, 7 newlines a word, no word without letters.
BOUNDS = {
    "max_avg_word_length": 40.0,
    "new_line_ratio": 0.5,
    "line_punct_thr": 0.5,
    "max_non_alpha_words_ratio": 0.9,
}
# Letters of a word in scripts without spaces, syllables of Tibetan.
_LETTERS = {"Hani": 1.6, "Jpan": 1.6, "Thai": 3.0, "Laoo": 3.0, "Khmr": 3.0, "Mymr": 3.0, "Tibt": 1.5}
_GOPHER = "datatrove GopherQualityFilter, default"
_PIPELINE = "fineweb-2-pipeline.py"


@dataclass(frozen=True)
class Thresholds:
    """A row of the table: `code` is the language's if this is its set, else None; limits by FineWeb-2's names."""

    name: str
    language: str
    code: str | None
    limits: Mapping[str, float]
    stopwords: tuple[str, ...]

    @property
    def column(self) -> str:
        """What `stop_words_` is followed by in the column of its stop words."""
        return self.code or self.name


@cache
def _table() -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(DATA) as file:  # read_table imports what reads folders, and pandas with it
        return file.read()


@cache
def codes() -> Mapping[str, str]:
    """Name of the configuration of each language that has a code, sorted."""
    names = zip(_table()["code"].to_pylist(), configurations(), strict=True)
    return dict(sorted((code, name) for code, name in names if code))


@cache
def configurations() -> tuple[str, ...]:
    """Names of FineWeb-2's configurations: language and script."""
    return tuple(_table()["name"].to_pylist())


@cache
def thresholds(name: str) -> Thresholds | None:
    """FineWeb-2's figures of a code, a configuration, or one below `fineweb2/`; None if it has none."""
    name = codes().get(name, name.removeprefix(FINEWEB2))
    if name not in configurations():
        return None
    row = _table().slice(configurations().index(name), 1).to_pylist()[0]
    limits = {limit: row[limit] for limit in _LIMITS}
    return Thresholds(name, row["language"], row["code"], limits, tuple(row["stopwords"]))


def predicates(of: Thresholds) -> Iterator[tuple[str, str, str]]:
    """Name, predicate and source of each rule, in the order in which they judge."""
    letters = _LETTERS.get(of.name.rpartition("_")[2], 1.0)
    spaced = letters == 1.0
    yield "short", f"space_words >= {_figure(50)}" if spaced else f"words >= {_figure(50 * letters)}", _GOPHER
    yield (
        "long",
        f"space_words <= {_figure(1e5)}" if spaced else f"words <= {_figure(1e5 * letters)}",
        _GOPHER,
    )
    if spaced:
        yield from _limited(of, "min_avg_word_length", "short_words", "mean_space_word_length >= {}")
        yield from _limited(of, "max_avg_word_length", "long_words", "mean_space_word_length <= {}")
    marks = "space_word_ratio" if spaced else "ratio"
    yield "hash_ratio", f"hash_{marks} <= 0.1", _GOPHER
    yield "ellipsis_ratio", f"ellipsis_{marks} <= 0.1", _GOPHER
    yield "bullet_line_ratio", "bullet_line_ratio <= 0.9", _GOPHER
    yield "ellipsis_line_ratio", "ellipsis_line_ratio <= 0.3", _GOPHER
    alpha = "alpha_space_word_ratio >= {}" if spaced else "letter_word_ratio >= {}"
    yield from _limited(of, "max_non_alpha_words_ratio", "alpha_word_ratio", alpha)
    yield "stop_words", f"stop_words_{of.column} >= 2", _PIPELINE
    yield from _limited(of, "dup_line_frac", "dup_line_frac", "dup_line_frac <= {}")
    if spaced:
        for n in _TOP:
            yield from _limited(of, f"top_{n}gram", f"top_{n}gram", f"top_{n}gram_char_frac <= {{}}")
        for n in _DUPLICATE:
            yield from _limited(of, f"dup_{n}gram", f"dup_{n}gram", f"dup_{n}gram_char_frac_greedy <= {{}}")
    yield from _limited(of, "line_punct_thr", "line_punct_ratio", "unwrapped_line_punct_ratio >= {}")
    yield "line_char_dup_ratio", "line_char_dup_ratio <= 0.1", _PIPELINE
    yield from _limited(of, "new_line_ratio", "newline_ratio", "unwrapped_line_ratio <= {}", letters)


def _limited(
    of: Thresholds, limit: str, rule: str, predicate: str, divided: float = 1.0
) -> Iterator[tuple[str, str, str]]:
    """The rule of a limit, none if it can drop nothing."""
    value = of.limits[limit]
    bounded = min(value, BOUNDS.get(limit, value))
    share = limit.startswith(("top_", "dup_"))
    if value <= 0 or (share and value >= 1):
        return
    source = f"huggingface/fineweb-2 configs/{of.name}.yml"
    source += f" ({limit}: {_figure(value)})" if bounded != value else ""
    yield rule, predicate.format(_figure(bounded / divided)), source


def _figure(value: float) -> str:
    """Without an exponent or needless digits."""
    return f"{value:.0f}" if value == int(value) else f"{round(value, 4)}"
