"""Long chains of AND and OR as balanced trees, for a parser and an engine that walk expressions by recursion.

`a OR b OR c OR d` means `(a OR b) OR (c OR d)`, also where one is NULL: of 20,000 terms the tree is 15 deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from refinery.errors import DefinitionError

SHORT = 200  # tokens of an expression that is left as it is written: it cannot be deep
DEEPEST = 200  # operators within each other
_TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|\d[\w.]*|<>|!=|==|[<>]=?|\|\||\S""")
_ENDS = {"(": ")", "CASE": "END"}
_BETWEEN_SEGMENTS = {",", "WHEN", "THEN", "ELSE"}


@dataclass
class _Level:
    """What stands between two parentheses, or CASE and END: segments, each an OR of ANDs."""

    opening: str = ""
    end: str = ""
    before: str = ""  # segments that are whole
    alternatives: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)  # of the last alternative
    pieces: list[str] = field(default_factory=list)  # of its last term
    between: bool = False  # the next AND belongs to a BETWEEN
    operators: int = 0  # around the innermost part of the last term
    inner: int = 0
    deepest: int = 0

    def add(self, text: str, operators: int = 0, inner: int = 0) -> None:
        self.pieces.append(text)
        self.operators += operators
        self.inner = max(self.inner, inner)

    def end_term(self) -> None:
        self.terms.append("".join(self.pieces))
        self.deepest = max(self.deepest, self.operators + self.inner)
        self.pieces, self.operators, self.inner, self.between = [], 0, 0, False

    def end_alternative(self) -> None:
        self.end_term()
        self.alternatives.append(_joined("AND", self.terms))
        self.terms = []

    def end_segment(self, following: str = "") -> None:
        self.end_alternative()
        self.before += _joined("OR", self.alternatives) + following
        self.alternatives = []


def balance(sql: str) -> str:
    """The same expression with its chains balanced; raises DefinitionError for one that is nested too deep.

    >>> balance("a = 1 OR b = 2")
    'a = 1 OR b = 2'
    """
    found = list(_TOKEN.finditer(sql))
    if len(found) <= SHORT:
        return sql
    levels, end = [_Level()], 0
    for one in found:
        token, word = one[0], one[0].upper()
        text = sql[end : one.end()]
        level, end = levels[-1], one.end()
        if token.startswith("--"):
            level.add(" ")
        elif word in _ENDS:
            levels.append(_Level(text, _ENDS[word]))
        elif word == level.end:
            level.end_segment()
            del levels[-1]
            levels[-1].add(level.opening + level.before + text, 1, level.deepest)
        elif word in _BETWEEN_SEGMENTS:
            level.end_segment(text)
        elif word == "OR":
            level.end_alternative()
        elif word == "AND" and not level.between:
            level.end_term()
        else:
            level.between = word == "BETWEEN" or (level.between and word != "AND")
            level.add(text, not (token[0].isalnum() or token[0] in "_'\"."))
        if len(levels) > DEEPEST or level.operators + level.inner > DEEPEST:
            raise DefinitionError(f"the expression is nested too deep: more than {DEEPEST} operators")
    if len(levels) > 1:
        raise DefinitionError(f"the expression ends before {levels[-1].end!r}")
    levels[0].end_segment()
    return levels[0].before


def _joined(word: str, terms: list[str]) -> str:
    if len(terms) <= 2:
        return f" {word} ".join(terms)
    half = len(terms) // 2
    return f"({_joined(word, terms[:half])}) {word} ({_joined(word, terms[half:])})"
