"""The thresholds in a rule's predicate: comparisons of one column with one number that a document must pass.

They stand under AND, or beside conditions that exempt a document (`lang NOT IN ('en') OR (words >= 50 AND ...)`): of
several that are joined by OR the last with a threshold has it, the others exempt. All else of a predicate is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from math import floor
from typing import NamedTuple

_TOKEN = re.compile(
    r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|<>|!=|==|[<>]=?|\s+|.""",
    re.DOTALL,
)
_FLIPPED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_NEAR = 4e-7  # of a value: 32-bit floats beside their decimals
_MOST_DIGITS = 17


@dataclass(frozen=True)
class Threshold:
    """One number that a column is compared with; operator: >=, >, <= or <, with the column at its left.

    start, stop: where the number stands in the predicate; whole: where the comparison stands; exempt: conditions
    of which each lets a document pass whatever the column says.
    """

    column: str
    operator: str
    number: str
    start: int
    stop: int
    whole: tuple[int, int]
    exempt: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        """-1 where lower numbers let more documents pass, 1 where higher ones do."""
        return -1 if self.operator in {">=", ">"} else 1

    @property
    def predicate(self) -> str:
        """True of documents that this alone lets pass."""
        return _any_of([*self.exempt, f'"{self.column}" {self.operator} {self.number}'])

    @property
    def exemption(self) -> str:
        """True of documents that pass whatever the column says."""
        return _any_of(self.exempt or ["FALSE"])


class _Token(NamedTuple):
    """Its text, and from where to where it stands."""

    text: str
    start: int
    stop: int

    @property
    def word(self) -> str:
        return self.text.upper()


def thresholds_of(predicate: str) -> tuple[Threshold, ...]:
    """The thresholds of a predicate that is sound SQL, in the order in which they stand.

    >>> [(t.column, t.operator, t.number) for t in thresholds_of("words >= 50 AND lines BETWEEN 3 AND 900")]
    [('words', '>=', '50'), ('lines', '>=', '3'), ('lines', '<=', '900')]
    >>> thresholds_of("words / lines >= 3 OR NOT words > 3")
    ()
    >>> thresholds_of("lines <= 2 OR (words >= 50)")[0].exempt
    ('lines <= 2',)
    """
    tokens = [
        _Token(found[0], found.start(), found.end())
        for found in _TOKEN.finditer(predicate)
        if not found[0].isspace() and not found[0].startswith("--")
    ]
    return tuple(_thresholds(predicate, tokens, ()))


def with_numbers(predicate: str, numbers: Mapping[Threshold, str]) -> str:
    """The predicate with other numbers in place of those of some of its thresholds.

    >>> predicate = "words BETWEEN 50 AND 900"
    >>> with_numbers(predicate, {thresholds_of(predicate)[0]: "20"})
    'words BETWEEN 20 AND 900'
    """
    return _replaced(predicate, {(one.start, one.stop): number for one, number in numbers.items()})


def without_thresholds(predicate: str) -> str:
    """What the predicate asks for beside its thresholds.

    >>> without_thresholds("words >= 50 AND lang = 'en'")
    "TRUE AND lang = 'en'"
    """
    return _replaced(predicate, {one.whole: "TRUE" for one in thresholds_of(predicate)})


def beyond(last: float, by: float, following: float) -> float:
    """A value beyond another one, but short of the one that follows, and not across zero.

    >>> beyond(7.0, 2.0, 100.0), beyond(7.0, 2.0, 8.0), beyond(-1.0, 4.0, 100.0)
    (9.0, 7.5, 0.0)
    """
    found = min(last + by, last + (following - last) / 2)
    return min(found, 0.0) if last <= 0 else found


def number_for(threshold: Threshold, last: float, next_one: float | None, *, whole: bool) -> str:
    """The number with the fewest digits that lets a value pass and the next looser one, if there is any, not.

    last, next_one: values of the column times the threshold's sign, so that higher ones are looser; whole: of a
    column of whole numbers.

    >>> (least,) = thresholds_of("ratio >= 0.12")
    >>> number_for(least, -0.0712345, -0.0698, whole=False), number_for(least, -7, None, whole=True)
    ('0.071', '7')
    """
    strict = threshold.operator in {">", "<"}
    if whole:
        return str(threshold.sign * (floor(last) + strict))
    lowest = Decimal(last + max(abs(last) * _NEAR, 1e-9 * strict))
    bound = lowest + max(abs(lowest) / 50, Decimal("1e-6"))
    if next_one is not None:
        bound = Decimal(next_one - abs(next_one) * _NEAR)
    for digits in range(2, _MOST_DIGITS):
        found = Context(prec=digits, rounding=ROUND_CEILING).create_decimal(lowest)
        if lowest <= found < bound:
            return format((threshold.sign * found).normalize() + 0, "f")
    return format(Context(prec=_MOST_DIGITS).create_decimal(threshold.sign * lowest), "f")


def _replaced(text: str, pieces: Mapping[tuple[int, int], str]) -> str:
    for (start, stop), piece in sorted(pieces.items(), reverse=True):
        text = text[:start] + piece + text[stop:]
    return text


def _any_of(conditions: Sequence[str]) -> str:
    # a comment at the end of one must not swallow the bracket
    return " OR ".join(f"({one}\n)" if "--" in one else f"({one})" for one in conditions)


def _thresholds(text: str, tokens: list[_Token], exempt: tuple[str, ...]) -> Iterator[Threshold]:
    while _is_bracketed(tokens):
        tokens = tokens[1:-1]
    ways = _split(tokens, "OR")
    if len(ways) > 1:
        asking = [way for way in ways if any(True for _ in _thresholds(text, way, ()))]
        if asking:
            others = [text[way[0].start : way[-1].stop] for way in ways if way is not asking[-1]]
            yield from _thresholds(text, asking[-1], (*exempt, *others))
        return
    parts = _split(tokens, "AND")
    if len(parts) > 1:
        for part in parts:
            yield from _thresholds(text, part, exempt)
    else:
        yield from _compared(tokens, exempt)


def _compared(tokens: list[_Token], exempt: tuple[str, ...]) -> Iterator[Threshold]:
    """The thresholds of one comparison, if it is one of a column with numbers."""
    tokens = _with_signs(tokens)
    kinds = "".join(_kind(token) for token in tokens)
    whole = (tokens[0].start, tokens[-1].stop) if tokens else (0, 0)

    def threshold(operator: str, column: _Token, number: _Token) -> Threshold:
        return Threshold(column.text.strip('"'), operator, *number, whole, exempt)

    if kinds == "coN":
        yield threshold(tokens[1].text, tokens[0], tokens[2])
    elif kinds == "Noc":
        yield threshold(_FLIPPED[tokens[1].text], tokens[2], tokens[0])
    elif kinds == "cbNaN":
        yield threshold(">=", tokens[0], tokens[2])
        yield threshold("<=", tokens[0], tokens[4])


def _kind(token: _Token) -> str:
    if token.word in {"BETWEEN", "AND"}:
        return token.word[0].lower()
    if token.text in _FLIPPED:
        return "o"
    unsigned = token.text.lstrip("-")
    if unsigned[:1].isdigit() or unsigned.startswith("."):
        return "N" if unsigned != "." else "?"
    is_name = token.text[0] in '"_' or token.text[0].isalpha()
    return "c" if is_name and token.word not in {"NOT", "CASE", "TRUE", "FALSE", "NULL"} else "?"


def _with_signs(tokens: list[_Token]) -> list[_Token]:
    """A minus after an operator, BETWEEN or AND belongs to the number behind it."""
    found: list[_Token] = []
    for token in tokens:
        if len(found) > 1 and found[-1].text == "-" and _kind(found[-2]) in "oba" and _kind(token) == "N":
            found[-1] = _Token(f"-{token.text}", found[-1].start, token.stop)
        else:
            found.append(token)
    if len(found) > 1 and found[0].text == "-" and _kind(found[1]) == "N":
        found[:2] = [_Token(f"-{found[1].text}", found[0].start, found[1].stop)]
    return found


def _is_bracketed(tokens: list[_Token]) -> bool:
    """Whether one pair of brackets is around all."""
    depths = _depths(tokens)
    return len(tokens) > 2 and tokens[0].text == "(" and tokens[-1].text == ")" and all(depths[:-1])


def _depths(tokens: list[_Token]) -> list[int]:
    """How many brackets and CASEs are open after each token."""
    depth, found = 0, []
    for token in tokens:
        depth += (token.word in {"(", "CASE"}) - (token.word in {")", "END"})
        found.append(depth)
    return found


def _split(tokens: list[_Token], word: str) -> list[list[_Token]]:
    """The parts between a word outside of brackets; AND of BETWEEN is none."""
    parts: list[list[_Token]] = [[]]
    between = False
    for token, depth in zip(tokens, _depths(tokens), strict=True):
        if depth == 0 and token.word == word and not (word == "AND" and between):
            parts.append([])
            continue
        if depth == 0 and token.word in {"BETWEEN", "AND"}:
            between = token.word == "BETWEEN"
        parts[-1].append(token)
    return parts
