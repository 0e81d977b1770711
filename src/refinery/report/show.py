"""`refinery show`: documents for people, each with what decided on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.text import Text

from refinery.report.document import Document
from refinery.watch.printable import printable

INDENT = "    "
_OUTCOMES = {
    "kept": "kept",
    "protected": "protected: kept out of outputs and models",
    "earlier": "of an earlier run",
}
# Texts and names in quotes, and numbers that no person wrote.
_QUOTED_OR_LONG = re.compile(r"""'[^']*'|"[^"]*"|(?<![\w.])\d*\.\d{7,}(?![\w.])""")


def lines_of(document: Document, characters: int, width: int) -> Iterator[str]:
    """The place of a document, what became of it, the values that decided, and its text, cut after `characters`."""
    place = f"{document.path}, row {document.row}{_named(document.id)}" if document.path else "a text"
    yield from wrapped(f"{document.source}: {place}", width, "")
    yield from wrapped(outcome_text(document), width, "  ")
    for rule, limit in document.limits.items():
        yield from wrapped(f"{rule}: {limit_text(limit)}", width, INDENT)
    if document.values:
        yield from wrapped(values_text(document.values), width, INDENT)
    if document.duplicate_of:
        yield from wrapped(duplicate_text(document), width, INDENT)
    if document.text is not None:
        yield from text_lines(document.text, characters, width)


def _named(name: str | None) -> str:
    return f", id {name}" if name is not None else ""


def outcome_text(document: Document) -> str:
    """What became of a document, in a sentence."""
    if document.outcome == "rejected":
        return f"rejected: {document.rule}" + (f": {document.detail}" if document.detail else "")
    if document.outcome in _OUTCOMES:
        again = f", written {document.repeats:,} times" if (document.repeats or 1) > 1 else ""
        return f"{_OUTCOMES[document.outcome]}{again}"
    others = ", ".join(name for name in document.failed if name != document.rule)
    return f"dropped by {document.stage}: {document.rule}" + (f" (and {others})" if others else "")


def values_text(values: Mapping[str, Any]) -> str:
    """Values by name.

    >>> values_text({"words": 12, "lang_score": 0.123456789, "lang": "en", "url": None})
    'words = 12, lang_score = 0.123457, lang = en, url is NULL'
    """
    return ", ".join(
        f"{name} is NULL"
        if value is None
        else f"{name} = {value:.6g}"
        if isinstance(value, float)
        else f"{name} = {value}"
        for name, value in values.items()
    )


def limit_text(limit: str) -> str:
    """What a rule asks for, its numbers in no more digits than those of values.

    >>> limit_text("relevance >= 0.4420548379421234 AND version <> '0.12345678'")
    "relevance >= 0.442055 AND version <> '0.12345678'"
    """
    return _QUOTED_OR_LONG.sub(
        lambda found: found[0] if found[0][0] in "'\"" else f"{float(found[0]):.6g}", limit
    )


def duplicate_text(document: Document) -> str:
    """Which document was kept instead."""
    alike = f", similarity {document.similarity:.3f}" if document.similarity is not None else ""
    return f"kept instead: {place_text(document.duplicate_of or {})}{alike}"


def place_text(place: Mapping[str, Any]) -> str:
    """Source, path, row and id of a document."""
    return f"{place['source']}: {place['path']}, row {place['row']}{_named(place['id'])}"


def text_lines(text: str, characters: int, width: int) -> Iterator[str]:
    """The beginning of a text, a bar before each line; 0 characters: all of it."""
    shown = text[: characters or None]
    for line in shown.splitlines():
        yield from wrapped(line, width, "  | ")
    if len(shown) < len(text):
        yield f"  | … ({len(text):,} characters)"


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """The lines of a text in a terminal, control codes as escapes, later ones indented deeper."""
    clean = printable(text.replace("\t", " "))
    deeper = indent if "|" in indent else f"{indent}  "
    lines = cut_lines(clean, max(width - len(deeper), 16))
    return [f"{deeper if number else indent}{line}".rstrip() for number, line in enumerate(lines)]


def cut_lines(text: str, width: int) -> list[str]:
    """A text in lines of so many cells of a terminal, of which a Chinese character takes two; one at least.

    >>> cut_lines("# 最高人民法院，and more", 12)
    ['# 最高人民法', '院，and more']
    """
    lines = [""]
    for piece in _pieces(Text(text).plain.expandtabs()):
        if lines[-1].strip() and cell_len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        line = lines.pop() + piece
        body = line.rstrip()
        *full, rest = chop_cells(body, width) or [""]
        lines += [*full, rest + line[len(body) :]]
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> Iterator[str]:
    """What stays together: words with the space after them; letters without spaces with what follows."""
    # Compiled code, which a run with nothing to do does without.
    from refinery.text.tables import UNSPACED, flags_of

    piece = ""
    for char in text:
        begins = flags_of(char) & UNSPACED or (piece[-1:].isspace() and not char.isspace())
        if piece and begins:
            yield piece
            piece = ""
        piece += char
    yield piece
