"""Names and messages as text that people see: no character of them moves a cursor, begins a line or turns the order.

File names, ids, keys of a definition and messages of other programs may hold anything. What a terminal would obey is
shown as Python writes it in a string: ESC as \\x1b, a newline as \\n, a byte of no encoding as \\udce9.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson

# C0, C1, separators of lines, marks, embeddings, overrides and isolates of direction, surrogates, annotations.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def printable(text: str) -> str:
    r"""The text in one line, with escapes for what a terminal would obey.

    >>> printable("a\x1b[31m\nb\u202e")
    'a\\x1b[31m\\nb\\u202e'
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def markdown_code(text: str) -> str:
    r"""The text as a code span of Markdown, which may stand in a table.

    >>> markdown_code("a|b`c")
    '`` a\\|b`c ``'
    """
    shown = printable(text).replace("|", "\\|")
    if "`" not in shown:
        return f"`{shown}`"
    fence = "`" * (max(map(len, re.findall("`+", shown))) + 1)
    return f"{fence} {shown} {fence}"


def json_text(value: object, *, indent: bool = False) -> str:
    """JSON in which those characters are escapes, so that a terminal may show it; keys may be of any plain type."""
    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        text = orjson.dumps(value, default=str, option=options).decode()
    except TypeError:  # surrogates, of names in no encoding
        return json.dumps(_plain(value), indent=2 if indent else None, default=str)
    # within strings alone: between them JSON has no such character but the newlines of its layout
    return _UNSAFE.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, in lists and mappings too, with keys as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple | set) else value
