"""The main content of a page as text, by resiliparse's rules, with what its plain text would lose."""

from __future__ import annotations

import re

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from refinery.sources.markup import lists, marks, tables

_SKIPPED = (
    "object",
    "video",
    "audio",
    "embed",
    "img",
    "area",
    "svg",
    "figcaption",
    "figure:not(:has(table,pre))",
)

_NOTICE = (
    "banner",
    "bar",
    "consent",
    "dialog",
    "modal",
    "notice",
    "notification",
    "overlay",
    "popup",
    "prompt",
)
_CONSENT = (
    *(
        f"[{name}*='{about}' i][{name}*='{what}' i]:not(:has(article,main,h1))"
        for name in ("class", "id")
        for about in ("cookie", "gdpr")
        for what in _NOTICE
    ),
    *(
        "#onetrust-consent-sdk",
        "#CybotCookiebotDialog",
        "#didomi-host",
        "#usercentrics-root",
        ".qc-cmp2-container",
    ),
    *(".cky-consent-container", ".cc-window", "#iubenda-cs-banner", "[id^='sp_message_container']"),
)  # what consent managers put into a page
_AROUND = ("nav", "header", "footer", "aside", "form")

# resiliparse takes a lone character of three bytes for an icon and drops it, be it a cell that says 无
_LONE = re.compile(r"(>\s*[\u0800-\ud7ff\uf900-\uffef])(?=\s*<)")
_SHORT = 250  # characters: what is taken for the main content is less than a page has
_KEPT = "\ufdd2"  # a noncharacter: in no text


def main_content(page: str) -> str:
    """Paragraphs, lists, tables, preformatted text; empty when there is none."""
    tree = HTMLTree.parse(page if page.isascii() else _LONE.sub(rf"\1{_KEPT}", page))
    body, document = tree.body, tree.document
    if body is None or document is None:
        return ""
    found = body.query_selector_all(f"{marks.SELECTOR},{lists.SELECTOR},table")[:]
    in_lists, in_tables = set(lists.SELECTOR.split(",")), {"table"}
    marks.write_marks(document, [one for one in found if one.tag not in in_lists | in_tables])
    tables.write_tables(document, [one for one in found if one.tag in in_tables])
    lists.keep_lists(document, [one for one in found if one.tag in in_lists])
    text = _extracted(tree, aside=False)
    if len(text) < _SHORT and len(posts := _extracted(tree, aside=True)) > 10 * len(text):
        text = posts  # a forum's, which are comments too
    if not text and sum(len(paragraph.text or "") for paragraph in body.query_selector_all("p")[:]) > _SHORT:
        text = extract_plain_text(tree, preserve_formatting=True, skip_elements=(*_SKIPPED, *_AROUND))
    return lists.restore_markers(text.replace(_KEPT, ""))


def _extracted(tree: HTMLTree, aside: bool) -> str:
    return extract_plain_text(
        tree,
        main_content=True,
        preserve_formatting=True,
        comments=aside,
        post_meta=aside,
        skip_elements=(*_SKIPPED, *_CONSENT),
    )
