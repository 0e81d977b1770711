"""Packs of terms: made on one half of real texts, judged on the other.

    python benchmarks/packs.py mine medical-en --positive medquad.parquet ... --negative news.parquet ... \\
        --source "MedQuAD (CC BY 4.0)"                      # writes src/refinery/filters/packs/medical-en.txt
    python benchmarks/packs.py judge FILE...                # what each pack's rule set keeps of the other halves

Files are Parquet with `text`; which half a document is in is a hash of its text. Long documents are mined in pieces.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
from harness import Sheet, report
from xxhash import xxh3_64_intdigest

import refinery
from refinery.definition.trainings import TermMining
from refinery.filters.lexicon import PACKS, packs
from refinery.filters.rules import evaluate, resolve_rules
from refinery.models.examples import prepare_examples
from refinery.models.terms import mine
from refinery.text.batch import TextBatch

PIECE = 3000  # characters
TERMS = 3000
SETS = {  # by language: what web text is judged by, then those of packs
    "en": ("gopher", "specialist-en", "medical-en", "law-en", "finance-en"),
    "zh": ("zh", "specialist-zh", "medical-zh", "law-zh", "zh_spam"),
}


def whole(file: Path) -> pl.Series:
    """The texts of a file, each once."""
    return pl.read_parquet(file, columns=["text"])["text"].drop_nulls().unique(maintain_order=True)


def half(file: Path, number: int) -> pl.Series:
    """The texts of one half of a file, each once; 0: to make a pack of, 1: to judge it on."""
    texts = whole(file)
    return texts.filter(
        pl.Series([xxh3_64_intdigest(text.encode()) % 2 == number for text in texts], dtype=pl.Boolean)
    )


def pieces(texts: pl.Series, most: int) -> pl.Series:
    """At most so many pieces of texts, spread evenly over them."""
    cut = [text[start : start + PIECE] for text in texts for start in range(0, len(text), PIECE)]
    return pl.Series(cut[:: max(1, len(cut) // most)][:most], dtype=pl.String)


def mined(positive: Sequence[Path], negative: Sequence[Path], documents: int) -> list[str]:
    """The terms of one side's first halves that each file of the other tells apart, in the order of the first."""

    def drawn(file: Path) -> tuple[str, TextBatch]:
        texts = pieces(half(file, 0), documents).to_arrow().cast(pa.large_string())
        return file.name, TextBatch.from_arrow(texts)

    mining = TermMining(positive=("positive",), negative=("negative",), most=10 * TERMS, least_documents=8)
    trusted = list(map(drawn, positive))
    found = [mine(prepare_examples(trusted, [drawn(file)]), mining)["term"].to_list() for file in negative]
    common = set.intersection(*map(set, found))
    return [term for term in found[0] if term in common and len(term) >= (2 if ord(term[0]) > 0x3000 else 3)][
        :TERMS
    ]


def write_pack(options: argparse.Namespace) -> None:
    """The pack's file."""
    terms = mined(options.positive, options.negative, options.documents)
    head = [f"# {len(terms):,} terms, mined by benchmarks/packs.py from halves of: {options.source}."]
    (PACKS / f"{options.name}.txt").write_text("\n".join([*head, *terms, ""]), "utf-8")


def judged(files: Sequence[Path], *, unseen: bool) -> list[Sheet]:
    """A table a language: the shares of documents, and of their characters, that sets keep.

    unseen: no pack was made of the files, so that both halves are judged; else the second.
    """
    rows: dict[str, list[tuple[object, ...]]] = {language: [] for language in SETS}
    for file in files:
        texts = whole(file) if unseen else half(file, 1)
        uses = ["signals", *({"terms": {"pack": pack}} for pack in packs())]
        table = refinery.measure(pl.DataFrame({"text": texts}), uses)
        language = "zh" if float(table["han_ratio"].median()) > 0.3 else "en"
        kept = [_kept(table, name) for name in SETS[language]]
        rows[language].append((_name(file), len(texts), *kept))
    return [
        Sheet(
            f"Documents / characters kept, %: {language}",
            ("texts", "documents", *SETS[language]),
            rows[language],
        )
        for language in SETS
        if rows[language]
    ]


def _kept(table: pl.DataFrame, rule_set: str) -> str:
    is_kept = evaluate(table, resolve_rules([rule_set], measured=()))["first_failed"].is_null()
    sizes = table["text"].str.len_chars()
    return f"{100 * is_kept.mean():.1f} / {100 * sizes.filter(is_kept).sum() / max(sizes.sum(), 1):.1f}"


def _name(file: Path) -> str:
    return file.parent.name if file.stem == "docs" else file.stem


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes packs of terms, and judges them on texts not seen.")
    parser.add_argument("--json", metavar="FILE", help="also write the tables of `judge` as JSON")
    verbs = parser.add_subparsers(dest="verb", required=True)
    mining = verbs.add_parser("mine")
    mining.add_argument("name")
    mining.add_argument("--positive", type=Path, nargs="+", required=True)
    mining.add_argument("--negative", type=Path, nargs="+", required=True)
    mining.add_argument("--documents", type=int, default=1500, help="pieces of each file")
    mining.add_argument("--source", required=True, help="of the texts of the domain, with licences")
    judging = verbs.add_parser("judge")
    judging.add_argument("files", type=Path, nargs="+")
    judging.add_argument("--unseen", action="store_true", help="no pack was made of them: judge both halves")
    options = parser.parse_args()
    if options.verb == "mine":
        write_pack(options)
        return
    report("Packs of terms", judged(options.files, unseen=options.unseen), options.json)


if __name__ == "__main__":
    main()
