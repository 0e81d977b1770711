"""Languages: what is right of short texts, capitals and near languages, by the model alone and as corrected.

    python benchmarks/language.py NAME=CODE=FILE... [--languages UDHR] [--pieces 500]

FILE (Parquet with `text`) is text of one language, the label CODE, cut at random into pieces of 10 to 160 characters,
whole, and whole in capitals. UDHR (Parquet with `text` and `label`, ISO 639-3) is text of many languages: which of
them are taken for English and Chinese, and what is left of near ones at a score of 0.65.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable

import pyarrow.parquet as pq
from harness import Sheet, documents, report

from refinery.filters.language import Settings, build
from refinery.text.batch import TextBatch

LENGTHS = (10, 20, 40, 80, 160)
LIMIT = 0.65  # FineWeb's
NEAR = {
    "bs-hr-sr": ("hrv", "bos", "srp", "cnr"),
    "da-no": ("dan", "nob", "nno"),
    "id-ms": ("ind", "zlm", "min"),
    "zh": ("cmn", "yue", "wuu", "hak", "gan", "nan", "hsn", "cjy"),
}
COLUMNS = ("model", "model, .65", "corrected", "corrected, .65", "by another than the model")
Row = dict[str, object]


def measured(texts: list[str]) -> list[Row]:
    """The columns of `language`, a row a text."""
    return build(Settings())(TextBatch.from_texts(texts)).to_pylist()


def pieces(texts: list[str], length: int, count: int, rng: random.Random) -> list[str]:
    """Random cuts of that many characters."""
    long = [text for text in texts if len(text) > length]
    chosen = rng.choices(long, k=count) if long else []
    return [text[at : at + length] for text in chosen for at in [rng.randrange(len(text) - length)]]


def shares(rows: list[Row], code: str) -> tuple[str, ...]:
    """Shares of rows with the language, by the model and as corrected, and with the score as well."""
    found = []
    for lang, score in (("lang_model", "lang_model_score"), ("lang", "lang_score")):
        right = [row for row in rows if row[lang] == code]
        found += [len(right), sum(float(str(row[score])) >= LIMIT for row in right)]
    changed = sum(row["lang_by"] != "model" for row in rows)
    return tuple(f"{count / len(rows):.3f}" for count in (*found, changed))


def of_one_language(name: str, code: str, texts: list[str], count: int) -> list[tuple[object, ...]]:
    """A row a length, of whole texts, and of capitals where the language has them."""
    rng = random.Random(1)
    cuts = {f"{length} characters": pieces(texts, length, count, rng) for length in LENGTHS}
    whole = rng.sample(texts, min(count, len(texts)))
    kinds = cuts | {"whole": whole}
    if whole[0].upper() != whole[0].lower():
        kinds["capitals"] = [text.upper() for text in whole]
    return [(name, kind, *shares(measured(those), code)) for kind, those in kinds.items() if those]


def of_many_languages(texts: list[str], labels: list[str]) -> list[Sheet]:
    """Other languages taken for English and Chinese; near languages alone and by their group."""
    rows = measured(texts)
    taken = []
    for code, own in (("en", {"eng"}), ("zh", set(NEAR["zh"]))):
        others = [row for row, label in zip(rows, labels, strict=True) if label not in own]
        taken.append((code, len(others), *shares(others, code)))
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row, label in zip(rows, labels, strict=True):
        by_label[label].append(row)
    near = []
    for group, members in NEAR.items():
        for label in members:
            own_rows = by_label[label]
            codes = ", ".join(sorted({str(row["lang"]) for row in own_rows}))
            scores = [
                sum(float(str(row[name])) >= LIMIT for row in own_rows)
                for name in ("lang_score", "lang_group_score")
            ]
            inside = sum(row["lang_group"] == group for row in own_rows)
            near.append((group, label, len(own_rows), codes, scores[0], inside, scores[1]))
    columns = ("group", "of", "texts", "lang", "lang_score .65", "in the group", "lang_group_score .65")
    return [
        Sheet("Other languages taken for one", ("taken for", "texts", *COLUMNS), taken),
        Sheet("Near languages", columns, near),
    ]


def named(arguments: Iterable[str]) -> list[tuple[str, str, str]]:
    """Name, code and file of each argument."""
    return [(name, code, file) for name, code, file in (argument.split("=", 2) for argument in arguments)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+")
    parser.add_argument("--languages")
    parser.add_argument("--pieces", type=int, default=500)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = []
    for name, code, file in named(args.data):
        rows += of_one_language(name, code, documents([file]).to_pylist(), args.pieces)
    sheets = [Sheet("Share that is right", ("text", "cut", *COLUMNS), rows)]
    if args.languages:
        table = pq.read_table(args.languages, columns=["text", "label"])
        sheets += of_many_languages(table["text"].to_pylist(), table["label"].to_pylist())
    report("Language", sheets, args.json)


if __name__ == "__main__":
    main()
