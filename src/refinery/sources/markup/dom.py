"""Few things that resiliparse's DOM lacks."""

from __future__ import annotations

from collections.abc import Iterator

from resiliparse.parse.html import DocumentNode, ElementNode, Node, NodeType

_UNSEEN = {"script", "style", "template", "noscript"}
_INLINE = {
    *(
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
    ),
    *("q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
}


def collapsed(text: str | None) -> str:
    """The text with runs of white space as one space, none at the ends."""
    return " ".join((text or "").split())


def write(page: DocumentNode, element: ElementNode, text: str) -> None:
    """Puts the text where the element stands."""
    element.replace_with(page.create_text_node(text))


def rename(page: DocumentNode, element: ElementNode, tag: str) -> ElementNode:
    """Replaces the element by one of another name with its attributes and children."""
    new = page.create_element(tag)
    for name in element.attribute_names:
        new.set_attribute(name, element.get_attribute(name) or "")
    for child in element.child_nodes[:]:
        new.append_child(child)
    element.replace_with(new)
    return new


def link_share(element: ElementNode) -> float:
    """The share of its text that stands in links; 0 without text."""
    size = len(collapsed(element.text))
    links = sum(len(collapsed(link.text)) for link in element.query_selector_all("a")[:])
    return links / size if size else 0.0


def nodes(element: Node) -> Iterator[tuple[Node, bool]]:
    """Text and elements below in document order, an element also when it ends (False); scripts are passed."""
    stack: list[tuple[Node, bool]] = [(child, True) for child in reversed(element.child_nodes[:])]
    while stack:
        node, begins = stack.pop()
        if node.type == NodeType.TEXT:
            yield node, True
        elif node.type == NodeType.ELEMENT and node.tag not in _UNSEEN:
            yield node, begins
            if begins:
                stack.append((node, False))
                stack.extend((child, True) for child in reversed(node.child_nodes[:]))


def line(element: ElementNode) -> str:
    """The element's text as one line: a space where a block or a line break parts it."""
    if not element.child_element_count:
        return collapsed(element.text)
    pieces = (
        (node.value or "") if node.type == NodeType.TEXT else "" if node.tag in _INLINE else " "
        for node, _ in nodes(element)
    )
    return collapsed("".join(pieces))
