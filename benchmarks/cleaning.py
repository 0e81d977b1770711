"""Pages cleaned line by line, against dropping them: what goes, what stays, and what of good text is lost.

    python benchmarks/cleaning.py article-extraction-benchmark readability --trusted DATA...

Folders are those of html_extraction.py; without any, its three pages. The text of a page is what a plain tag stripper
leaves of all of it. A line is content if its words stand in the page's gold text in that order, else it is
boilerplate (so are comments and teasers, which no word gives away). Rules are judged on the whole text and on the
cleaned one.
`--trusted`: Parquet files of good text, of which nothing should go.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from harness import Sheet, documents, pin_to_one_core, report
from html_extraction import BUILT_IN, WORD, Page, read
from resiliparse.extract.html2text import extract_plain_text

import refinery
from refinery.filters import registry

SETS: dict[str, tuple[str, ...]] = {"web": ("web",), "web and frame": ("web", "frame")}
RULES = ("gopher", "c4", "fineweb")


def whole_text(page: Page) -> str:
    """All text of a page, a block a line, as a stripper of tags leaves it."""
    return extract_plain_text(page.html, main_content=False, alt_texts=False, list_bullets=False)


def lines_of(page: Page) -> list[tuple[str, bool]]:
    """The lines with a word of a page, each with whether it is content."""
    gold = f" {' '.join(WORD.findall(page.gold))} "
    lines = [(line.strip(), WORD.findall(line)) for line in whole_text(page).split("\n")]
    return [(line, f" {' '.join(words)} " in gold) for line, words in lines if words]


def removed(pages: list[Page]) -> Sheet:
    """Precision and recall of the lines that each set removes."""
    labelled = [lines_of(page) for page in pages]
    boilerplate = [line for lines in labelled for line, content in lines if not content]
    rows = []
    for name, sets in SETS.items():
        transform = registry.transform("lines", {"keep": list(sets)})
        right, wrong, rules = list[str](), list[str](), Counter[str]()
        for page, lines in zip(pages, labelled, strict=True):
            cuts = {cut.text: cut.rule for cut in transform.removed_parts(whole_text(page))}
            gone = [(line, content) for line, content in lines if line in cuts]
            right += [line for line, content in gone if not content]
            wrong += [line for line, content in gone if content]
            rules.update(cuts[line] for line, _ in gone)
        precision, found = ratio(len(right), len(right) + len(wrong)), ratio(len(right), len(boilerplate))
        characters = ratio(sum(map(len, right)), sum(map(len, boilerplate)))
        most = ", ".join(f"{rule.partition('.')[2]} {count:,}" for rule, count in rules.most_common(4))
        rows.append((name, precision, found, characters, len(wrong), most))
    columns = ("rules", "precision", "recall", "of characters", "content lines lost", "lines by rule")
    return Sheet(f"Lines removed, {len(boilerplate):,} of them boilerplate", columns, rows)


def ratio(part: int, whole: int) -> str:
    """Three digits."""
    return f"{part / max(whole, 1):.3f}"


def kept(pages: list[Page]) -> Sheet:
    """Pages and words of content that rule sets keep, of the whole texts and of the cleaned ones."""
    whole = pa.array([whole_text(page) for page in pages], pa.large_string())
    texts = {"as they are": whole} | {
        f"cleaned by {name}": registry.transform("lines", {"keep": list(sets)})(whole)
        for name, sets in SETS.items()
    }
    gold = [Counter(WORD.findall(page.gold)) for page in pages]
    total = sum(words.total() for words in gold)
    rows = []
    for rule_set in RULES:
        for name, text in texts.items():
            measured = refinery.measure(pa.table({"text": text}), ["signals"])
            rule = refinery.decide(measured, [rule_set]).column("rule")
            stays = pc.is_null(rule).to_pylist()
            found = [Counter(WORD.findall(one)) for one in text.to_pylist()]
            content = sum((a & b).total() for a, b, keep in zip(found, gold, stays, strict=True) if keep)
            written = sum(words.total() for words, keep in zip(found, stays, strict=True) if keep)
            pages_kept = ratio(sum(stays), len(pages))
            rows.append((rule_set, name, pages_kept, ratio(content, total), ratio(content, written)))
    columns = ("rule set", "pages", "kept", "of all content words", "content in what is kept")
    return Sheet("What is kept", columns, rows)


def lost(files: Iterable[str]) -> Sheet:
    """What each set removes of good text."""
    rows = []
    for file in files:
        text = documents([file]).combine_chunks()
        characters = pc.sum(pc.utf8_length(text)).as_py()
        for name, sets in SETS.items():
            left = registry.transform("lines", {"keep": list(sets)})(text)
            changed = pc.sum(pc.not_equal(left, text)).as_py()
            share = 1 - pc.sum(pc.utf8_length(left)).as_py() / characters
            path = Path(file)
            rows.append((f"{path.parent.name}/{path.name}", name, len(text), changed, f"{share:.4%}"))
    return Sheet("Of good text", ("file", "rules", "documents", "changed", "characters removed"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--trusted", nargs="*", default=[])
    parser.add_argument("--json")
    args = parser.parse_args()
    pin_to_one_core()
    pages = [page for folder in args.folders for page in read(folder)] or list(BUILT_IN)
    sheets = [removed(pages), kept(pages), *([lost(args.trusted)] if args.trusted else [])]
    report(f"Cleaning of {len(pages)} pages", sheets, args.json)


if __name__ == "__main__":
    main()
