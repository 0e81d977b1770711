"""Extraction of main content against gold: refinery, resiliparse alone, trafilatura.

    python benchmarks/html_extraction.py article-extraction-benchmark readability

Folders are clones of scrapinghub/article-extraction-benchmark and of mozilla/readability; without any, three pages
that stand in this file. Precision, recall and F1 are of each page's words as bags (a word counts as often as it is
there), the mean of all pages. Speed is of one core, decoding left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import Sheet, number, pin_to_one_core, report
from resiliparse.extract.html2text import extract_plain_text

from refinery.sources.html import extract_text

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Page:
    name: str
    html: str
    gold: str


BUILT_IN = (
    Page(
        "leaflet",
        "<body><nav><ul><li><a href=/>Home</a></ul></nav><article><h1>Leaflet</h1><p>It can cause side effects:</p>"
        "<ul><li>Headache<li>Rash</ul><p>The dose is 10<sup>6</sup> units.</p></article></body>",
        "Leaflet It can cause side effects: Headache Rash The dose is 10^6 units.",
    ),
    Page(
        "table",
        "<body><div id=cookie-banner>We use cookies.</div><main><p>Doses by weight.</p><table><tr><th>kg<th>mg"
        "<tr><td>10<td>5<tr><td>20<td>10</table></main><footer>Imprint</footer></body>",
        "Doses by weight. kg mg 10 5 20 10",
    ),
    Page(
        "statute",
        "<body><main><h1>§ 5</h1><ol start=3 type=a><li>Who sells<li>Who buys</ol></main><aside>More</aside></body>",
        "§ 5 c. Who sells d. Who buys",
    ),
)


def refinery(html: str) -> str:
    return extract_text(html, "resiliparse")


def resiliparse(html: str) -> str:
    return extract_plain_text(html, main_content=True, alt_texts=False)


def trafilatura(html: str) -> str:
    return extract_text(html, "trafilatura")


EXTRACTORS: tuple[Callable[[str], str], ...] = (refinery, resiliparse, trafilatura)


def articles(folder: Path) -> list[Page]:
    """scrapinghub/article-extraction-benchmark: pages in gzip, the text in one JSON file."""
    gold = json.loads((folder / "ground-truth.json").read_text())
    pages = ((name, gzip.decompress((folder / f"html/{name}.html.gz").read_bytes())) for name in gold)
    return [Page(name, body.decode("utf-8", "replace"), gold[name]["articleBody"]) for name, body in pages]


def readability(folder: Path) -> list[Page]:
    """mozilla/readability: pages, and the HTML of their content, of which all text is gold."""
    pages = []
    for source in sorted(folder.glob("test/test-pages/*/source.html")):
        content = (source.parent / "expected.html").read_text(errors="replace")
        gold = extract_plain_text(content, skip_elements=["img", "svg"], list_bullets=False)
        pages.append(Page(source.parent.name, source.read_text(errors="replace"), gold))
    return pages


def read(folder: Path) -> list[Page]:
    """The pages of a clone; SystemExit when it is none of the two."""
    if (folder / "ground-truth.json").exists():
        return articles(folder)
    if pages := readability(folder):
        return pages
    raise SystemExit(f"{folder}: neither ground-truth.json nor test/test-pages is there")


def scores(text: str, gold: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words."""
    found, true = Counter(WORD.findall(text)), Counter(WORD.findall(gold))
    common = (found & true).total()
    precision = common / found.total() if found else float(not true)
    recall = common / true.total() if true else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def sheet(title: str, pages: list[Page]) -> Sheet:
    """A row an extractor; the notes name the pages that refinery does worst."""
    rows: list[tuple[object, ...]] = []
    worst: list[tuple[float, str]] = []
    size = sum(len(page.html.encode()) for page in pages) / 1e6
    for extractor in EXTRACTORS:
        extractor(pages[0].html)  # imports
        start = time.process_time()
        texts = [extractor(page.html) for page in pages]
        seconds = time.process_time() - start
        found = [scores(text, page.gold) for text, page in zip(texts, pages, strict=True)]
        means = (f"{statistics.mean(values):.4f}" for values in zip(*found, strict=True))
        rows.append((extractor.__name__, *means, number(len(pages) / seconds), number(size / seconds)))
        if extractor is refinery:
            worst = sorted((f1, page.name) for (_, _, f1), page in zip(found, pages, strict=True))[:5]
    columns = ("extractor", "precision", "recall", "F1", "pages/s", "MB/s")
    notes = ("refinery's lowest F1: " + ", ".join(f"{name[:24]} {f1:.2f}" for f1, name in worst),)
    return Sheet(f"{title}: {len(pages)} pages", columns, rows, notes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--json")
    args = parser.parse_args()
    pin_to_one_core()
    sets = {folder.name: read(folder) for folder in args.folders} or {"built in": list(BUILT_IN)}
    report("Extraction of main content", [sheet(name, pages) for name, pages in sets.items()], args.json)


if __name__ == "__main__":
    main()
