"""Lists that are content: each keeps its items and the numbers that a browser shows before them.

resiliparse leaves out an `ul` that lies few elements below `body` or holds some links, and numbers every `ol` from 1.
Such a list becomes an `ol`, which it keeps, and each item's own marker is written before its first word, to take the
place of the number in the extracted text (`restore_markers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import repeat

from resiliparse.parse.html import DocumentNode, ElementNode, Node, NodeType

from refinery.sources.markup.dom import collapsed, link_share, nodes, rename

SELECTOR = "ul,ol,menu,dir"
_FEW, _MOST = 0.2, 0.6  # of the text in links: resiliparse's limit; a list in running text
_LAYOUT = "h1,h2,h3,article,section,form,iframe,script"  # below an item: a part of the page
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # noncharacters: in no text
_NUMBERED = re.compile(f"(?:[0-9]+\\. )?{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([a-z-]+)", re.IGNORECASE)
_FORMS = {
    **{"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A"},
    **{"lower-roman": "i", "upper-roman": "I", "decimal": "1", "none": "none"},
}
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def keep_lists(page: DocumentNode, found: list[ElementNode]) -> None:
    """Makes the lists that are content (SELECTOR, in document order) such as stay, with their markers."""
    for element in found:
        if element.tag == "ol":
            if not _is_plain(element):
                _mark(element, numbers(element))
        elif is_content(element):
            _mark(rename(page, element, "ol"), repeat("• "))


def is_content(element: ElementNode) -> bool:
    """Whether it is no menu and no list of teasers: few links, or standing in running text."""
    share = link_share(element)
    if share > _FEW and element.class_name:
        return False
    if share > _FEW and not _follows_text(element, share):
        return False
    return element.query_selector(_LAYOUT) is None


def _follows_text(element: ElementNode, share: float) -> bool:
    before = element.previous_element_sibling
    if before is None or before.tag not in {"p", "br"}:
        return False
    return share <= _MOST or collapsed(before.text)[-1:] in {":", "："}


def restore_markers(text: str) -> str:
    """The extracted text with each item's own marker instead of the extractor's number."""
    return _NUMBERED.sub(r"\1", text) if _OPEN in text else text


def numbers(element: ElementNode) -> list[str]:
    """What a browser shows before each item of an `ol` (HTML, 4.4.5): start, reversed, type, value, list style."""
    items = [child for child in element.children[:] if child.tag == "li"]
    step = -1 if element.has_attribute("reversed") else 1
    number = _integer(element.get_attribute("start"), len(items) if step < 0 else 1)
    form = _form(element)
    shown = []
    for item in items:
        number = _integer(item.get_attribute("value"), number)
        shown.append("" if form == "none" else f"{_written(number, form)}. ")
        number += step
    return shown


def _is_plain(element: ElementNode) -> bool:
    return (
        not any(map(element.has_attribute, ("start", "reversed", "type")))
        and _form(element) == "1"
        and not any(child.has_attribute("value") for child in element.children[:])
    )


def _form(element: ElementNode) -> str:
    style = _STYLE.search(element.get_attribute("style") or "")
    return _FORMS.get(style[1].lower(), "1") if style else element.get_attribute("type") or "1"


def _integer(value: str | None, default: int) -> int:
    found = re.match(r"\s*([+-]?[0-9]{1,9})", value or "")
    return int(found[1]) if found else default


def _written(number: int, form: str) -> str:
    if form in {"a", "A"} and number > 0:
        letters = ""
        while number:
            number, digit = divmod(number - 1, 26)
            letters = chr(ord(form) + digit) + letters
        return letters
    if form in {"i", "I"} and 0 < number < 4000:
        roman = ""
        for value, letters in _ROMAN:
            count, number = divmod(number, value)
            roman += letters * count
        return roman.upper() if form == "I" else roman
    return str(number)


def _mark(element: ElementNode, markers: Iterable[str]) -> None:
    items = (child for child in element.children[:] if child.tag == "li")
    for item, marker in zip(items, markers, strict=False):
        first = _first_text(item)
        if first is not None:
            first.value = f"{_OPEN}{marker}{_CLOSE}{(first.value or '').lstrip()}"


def _first_text(item: ElementNode) -> Node | None:
    """The text that an item begins with; None when a list of its own stands before any."""
    for node, _ in nodes(item):
        if node.type == NodeType.TEXT:
            if (node.value or "").strip():
                return node
        elif node.tag in {"ul", "ol"}:
            return None
    return None
