"""What the rule sets lose of good text, and what they drop of junk: documents and tokens, set by set, rule by rule.

    python benchmarks/rule_losses.py nih=en=nih.parquet laws=zh=laws.parquet --spam mail=en=spam.parquet --pages DIR

Files (Parquet with `text`) hold text that one would train on, each with a name and its language. Junk is made of it
and of gold pages (see junk.py), for the sets of each language; texts of the other languages are junk to it. Sets
judge without `lang`, so that no language model decides.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from harness import Sheet, documents, pin_to_one_core, report
from junk import made_of

import refinery
from refinery.filters.rules import evaluate, resolve_rules

SETS = {  # several sets that judge together are written with +
    "en": (
        *("gopher", "c4", "fineweb", "gopher+c4+fineweb"),
        *(
            "gopher_datatrove",
            "c4_datatrove",
            "fineweb_datatrove",
            "gopher_datatrove+c4_datatrove+fineweb_datatrove",
        ),
        "gopher_paper",
    )
}


@dataclass(frozen=True)
class Corpus:
    """Texts of one kind with their signals; `good` tells a loss from a gain."""

    name: str
    language: str
    good: bool
    measured: pl.DataFrame


def named(argument: str) -> tuple[str, str, str]:
    """Name, language and file of an argument; raises SystemExit for one without them."""
    parts = argument.split("=", 2)
    if len(parts) < 3:
        sys.exit(f"{argument}: expected NAME=LANGUAGE=FILE, as in statutes=zh=laws.parquet")
    return parts[0], parts[1], parts[2]


def corpus(name: str, language: str, good: bool, texts: Sequence[str], uses: Sequence[str]) -> Corpus:
    """What is measured of texts."""
    return Corpus(name, language, good, refinery.measure(pl.DataFrame({"text": texts}), uses))


def dropped(corpora: Sequence[Corpus], sets: str) -> dict[str, pl.DataFrame]:
    """By corpus: whether the sets and each of their rules drop a document, and its tokens."""
    rules = resolve_rules(sets.split("+"), measured=())
    names = [rule.name for rule in rules]
    found = {}
    for one in corpora:
        verdicts = evaluate(one.measured, rules)["failed"]
        columns = {name: verdicts.list.contains(i) for i, name in enumerate(names)}
        found[one.name] = pl.DataFrame(
            {"any rule": verdicts.list.len() > 0, **columns, "tokens": one.measured["tokens"]}
        )
    return found


def share(frame: pl.DataFrame, rule: str) -> str:
    """Documents and tokens that a rule drops, in per cent."""
    tokens = frame["tokens"].filter(frame[rule]).sum() / max(frame["tokens"].sum(), 1)
    return f"{100 * (frame[rule].mean() or 0):.1f} / {100 * tokens:.1f}"


def sheets(corpora: Sequence[Corpus], sets: Mapping[str, Sequence[str]]) -> list[Sheet]:
    """A table of all sets of each language, then one of each set's rules that drop anything."""
    overviews, details = [], []
    for language, names in sets.items():
        own = [one for one in corpora if one.language == language]
        if not own:
            continue
        verdicts = {name: dropped(own, name) for name in names}
        columns = tuple(f"{one.name} ({len(one.measured)})" for one in own)
        rows = [(name, *(share(verdicts[name][one.name], "any rule") for one in own)) for name in names]
        good = [one.name for one in own if one.good]
        notes = (f"good text: {', '.join(good)}; the others are junk",)
        overviews.append(
            Sheet(f"{language}: % of documents / tokens dropped", ("set", *columns), rows, notes)
        )
        for name, by_corpus in verdicts.items():
            if "+" in name:
                continue
            rules = [
                rule for rule in next(iter(by_corpus.values())).columns if rule not in ("any rule", "tokens")
            ]
            rows = [(rule, *(share(by_corpus[one.name], rule) for one in own)) for rule in rules]
            rows = [row for row in rows if any(cell != "0.0 / 0.0" for cell in row[1:])]
            details.append(Sheet(f"{name}: each rule alone", ("rule", *columns), rows))
    return [*overviews, *details]


def load(
    good: Sequence[str],
    spam: Sequence[str],
    gold: Sequence[str],
    count: int,
    uses: Sequence[str] = ("signals", "size"),
) -> list[Corpus]:
    """The corpora of files, and junk made of them for each language."""
    found = [(*named(one)[:2], documents([named(one)[2]], count).to_pylist()) for one in good]
    junk = [(named(one)[1], documents([named(one)[2]], count).to_pylist()) for one in spam]
    corpora = [corpus(name, language, True, texts, uses) for name, language, texts in found]
    for language in dict.fromkeys(one.language for one in corpora):
        own = [text for _, other, texts in found if other == language for text in texts]
        others = [text for _, other, texts in found if other != language for text in texts[: count // 4]]
        # Gold pages are English
        folders = [Path(folder) for folder in gold] if language == "en" else []
        kinds = made_of(own, others, folders, min(count, 500))
        kinds["spam"] = [text for other, texts in junk if other == language for text in texts]
        corpora += [corpus(kind, language, False, made, uses) for kind, made in kinds.items() if made]
    return corpora


def corpus_parser(description: str | None, count: int) -> argparse.ArgumentParser:
    """Of a command over corpora of `load`, by default `count` documents of each file."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("good", nargs="+", metavar="NAME=LANGUAGE=FILE")
    parser.add_argument("--spam", nargs="*", default=[], metavar="NAME=LANGUAGE=FILE")
    parser.add_argument("--pages", nargs="*", default=[], metavar="FOLDER", help="as of html_extraction.py")
    parser.add_argument("--documents", type=int, default=count, help="of each file, at most")
    parser.add_argument("--json")
    return parser


def main() -> None:
    parser = corpus_parser(__doc__, 2000)
    parser.add_argument("--sets", nargs="*", help="instead of those of each language")
    args = parser.parse_args()
    pin_to_one_core()
    corpora = load(args.good, args.spam, args.pages, args.documents)
    languages = dict.fromkeys(one.language for one in corpora)
    chosen = {language: args.sets or SETS.get(language, (language,)) for language in languages}
    report("Losses of the rule sets", sheets(corpora, chosen), args.json)


if __name__ == "__main__":
    main()
