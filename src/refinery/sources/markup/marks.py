"""Elements whose meaning plain text loses: superscripts, subscripts, formulas, dates, quotes and readings.

`10<sup>6</sup>` becomes `10^6` and `H<sub>2</sub>O` `H_2O`, with brackets around more than one term (`x^(n+1)`); a
superscript that is a link is a note's mark, `[1]`. Ordinals (`1st`) and signs without letters (`®`) stay as they are.
MathML and MathJax become TeX between dollars where the page has it, else one line in the same notation.
"""

from __future__ import annotations

import re

from resiliparse.parse.html import DocumentNode, ElementNode, Node, NodeType

from refinery.sources.markup.dom import collapsed, write

SELECTOR = "sup,sub,math,time,q,rt,summary,legend,dialog,script[type^='math/']"
_LONGEST = 24  # characters; what is longer is small print, not a power or an index
_SIGN = re.compile(r"[-+−–±∓∗*′″∞]+")
_TERM = re.compile(r"[-+−–±]?\w+(?:[.,]\w+)*[-+−–±′]?")
_ORDINAL = re.compile(r"st|nd|rd|th|er|ère|re|e|è|ème|eme", re.IGNORECASE)
_MARK = re.compile(r"tm|sm", re.IGNORECASE)
_DISPLAY = re.compile(r"\{\\displaystyle (.*)\}", re.DOTALL)
_SCRIPTS = {"msup": "^", "mover": "^", "msub": "_", "munder": "_"}


def write_marks(page: DocumentNode, found: list[ElementNode]) -> None:
    """Writes all of them (SELECTOR, in document order) into the page, the inner before the outer."""
    for element in reversed(found):
        match element.tag:
            case "sup" | "sub":
                _script(page, element)
            case "math" | "script":
                _formula(page, element)
            case "time":
                if any(_has_text(beside) for beside in (element.prev, element.next)):
                    write(page, element, element.text or "")
            case "q":
                write(page, element, f"“{collapsed(element.text)}”")
            case "rt":
                if not (element.parent_element and element.parent_element.query_selector("rp")):
                    write(page, element, f"({collapsed(element.text)})")
            case _:  # blocks that would melt into the words around them
                element.prepend(page.create_element("br"))
                element.append(page.create_element("br"))


def _has_text(node: Node | None) -> bool:
    return node is not None and node.type == NodeType.TEXT and bool((node.value or "").strip())


def _script(page: DocumentNode, element: ElementNode) -> None:
    text = collapsed(element.text)
    before = (element.prev.text or "") if element.prev else ""
    if not text or len(text) > _LONGEST or text[0] in "[(":
        return
    if element.tag == "sup":
        around = element.parent_element
        if text.isalnum() and (element.query_selector("a") or (around and around.tag == "a")):
            write(page, element, f"[{text}]")
            return
        marked = not _MARK.fullmatch(text) and not (before[-1:].isdigit() and _ORDINAL.fullmatch(text))
    else:
        marked = bool(before.strip())
    if marked and (any(map(str.isalnum, text)) or _SIGN.fullmatch(text)):
        write(page, element, ("^" if element.tag == "sup" else "_") + _grouped(text))


def _grouped(text: str) -> str:
    return text if len(text) == 1 or _TERM.fullmatch(text) or _SIGN.fullmatch(text) else f"({text})"


def _formula(page: DocumentNode, element: ElementNode) -> None:
    tex = element.text if element.tag == "script" else _tex(element)
    text = f"${collapsed(tex)}$" if tex else _linear(element)
    parent = element.parent_element
    if parent is not None and "none" in (parent.get_attribute("style") or ""):
        element = parent  # where an image is shown and the formula hidden beside it
    write(page, element, text)


def _tex(math: ElementNode) -> str:
    annotation = math.query_selector("annotation[encoding*='tex' i]")
    tex = (annotation.text if annotation else math.get_attribute("alttext")) or ""
    found = _DISPLAY.fullmatch(tex.strip())
    return found[1] if found else tex


def _linear(node: Node) -> str:
    """MathML in one line; deep nesting is cut by the parser long before Python's recursion is."""
    if node.type == NodeType.TEXT:
        return collapsed(node.value)
    parts = [
        _linear(child) for child in node.child_nodes[:] if child.type == NodeType.ELEMENT or _has_text(child)
    ]
    match node.tag, parts:
        case ("msup" | "msub" | "mover" | "munder" as tag, [base, script]):
            return f"{base}{_SCRIPTS[tag]}{_grouped(script)}"
        case "msubsup" | "munderover", [base, below, above]:
            return f"{base}_{_grouped(below)}^{_grouped(above)}"
        case "mfrac", [above, below]:
            return f"{_grouped(above)}/{_grouped(below)}"
        case "msqrt", _:
            return f"√{_grouped(_joined(parts))}"
        case "annotation" | "annotation-xml", _:
            return ""
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    """The parts with a space only where two would read as one word."""
    text = ""
    for part in parts:
        text += f" {part}" if text[-1:].isalnum() and part[:1].isalnum() else part
    return text
