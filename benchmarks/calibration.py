"""What calibrated rule sets lose of good text that they have not seen, and what they still drop of junk.

    python benchmarks/calibration.py nih=en=nih.parquet law=zh=laws.parquet --pages FOLDER...

Files and junk are as in rule_losses.py. Each set is calibrated by each file of its language, by one half of its
documents; the other half judges. Half of the junk, every second document of each kind, is what may be dropped while
thresholds are sought; the other half judges. Junk still dropped is a share of what the set drops as published.
With --language the rule `lang = 'en'` stands above the sets, as in templates. One split says little of tokens, which
lie in few documents: --splits judges by that many, each of other halves, and tells means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import polars as pl
from harness import Sheet, pin_to_one_core, report
from rule_losses import SETS, Corpus, corpus_parser, load

import refinery
from refinery.definition.values import parse_share
from refinery.filters.calibration.account import Calibration, Loss

CALIBRATED = {**SETS, "de": ("de", "de!long")}  # of de!long the rule `long` is left out


@dataclass(frozen=True)
class Judged:
    """A set calibrated by a corpus; still: by kind of junk, what the published and the moved set drop."""

    corpus: str
    rule_set: str
    junk_seen: bool
    found: Calibration
    still: dict[str, tuple[int, int]]

    @property
    def loss(self) -> Loss:
        """What the moved set loses of the unseen half, in the language with the most documents."""
        return max((one.judged.moved for one in self.found.languages), key=lambda loss: loss.documents)

    def is_within(self, lose: float) -> bool:
        """Whether that is no more than may be lost, whatever is by chance."""
        return max(self.loss.interval[0], self.loss.token_interval[0]) <= lose

    @property
    def all_still(self) -> float:
        """The share of junk that is still dropped, of all kinds together."""
        published, moved = (sum(column) for column in zip(*self.still.values(), strict=True))
        return moved / published if published else 1.0

    @property
    def worst(self) -> str:
        """The kind of which the smallest share is still dropped."""
        shares = {kind: moved / published for kind, (published, moved) in self.still.items() if published}
        kind = min(shares, key=shares.__getitem__, default="")
        return f"{kind} {shares[kind]:.0%}" if kind else ""


def dropped(junk: pl.DataFrame, rules: Sequence[dict[str, str]]) -> int:
    """How many documents rules drop."""
    return len(junk) - len(refinery.keep(junk, rules))


def named_set(name: str) -> str | dict[str, object]:
    """A set, of `de!long` without a rule."""
    name, *without = name.split("!")
    return {"rules": name, "without": without} if without else name


def judge(good: Corpus, junk: Sequence[Corpus], rule_set: str, lose: float, *, junk_seen: bool) -> Judged:
    """Calibrates a set by a corpus, with half of the junk if that may be seen, and counts what goes of the other."""
    halves = {one.name: one.measured.with_row_index("__row") for one in junk}
    seen = pl.concat([half.filter(pl.col("__row") % 2 == 0) for half in halves.values()])
    rules = [*([{"language": f"lang = '{good.language}'"}] if "lang" in good.measured.columns else [])]
    rules += [named_set(name) for name in rule_set.split("+")]
    found = refinery.calibrate(good.measured, seen if junk_seen else None, rules=rules, lose=lose, measure=[])
    published = [{rule.name.replace(".", "_"): rule.published} for rule in found.rules]
    moved = [{rule.name.replace(".", "_"): rule.predicate} for rule in found.rules]
    unseen = {kind: half.filter(pl.col("__row") % 2 == 1) for kind, half in halves.items()}
    still = {kind: (dropped(half, published), dropped(half, moved)) for kind, half in unseen.items()}
    return Judged(good.name, rule_set, junk_seen, found, still)


def judged(
    corpora: Sequence[Corpus], sets: Sequence[str] | None, lose: float, splits: int = 1
) -> Iterator[Judged]:
    """Every set of its language, or the named ones, by every good corpus, with junk and, of one split, without.

    Which half a row of a table is in goes by its number: splits are orders of the rows.
    """
    for good in (one for one in corpora if one.good):
        junk = [one for one in corpora if one.language == good.language and not one.good]
        for rule_set in sets or CALIBRATED.get(good.language, (good.language,)):
            for junk_seen in (True, False) if splits == 1 else (True,):
                for split in range(splits):
                    rows = (
                        good.measured.sample(fraction=1, shuffle=True, seed=split) if split else good.measured
                    )
                    one = replace(good, measured=rows)
                    yield judge(one, junk, rule_set, lose, junk_seen=junk_seen)


def of_splits(found: Sequence[Judged], splits: int, lose: float) -> Sheet:
    """Means over splits of what unseen halves lose, and the most; found: those of a set one after the other."""
    rows = []
    for start in range(0, len(found), splits):
        ones = found[start : start + splits]
        losses = [one.loss for one in ones]
        documents, tokens = ([loss.share for loss in losses], [loss.token_share for loss in losses])
        within = sum(one.is_within(lose) for one in ones)
        rows.append(
            (
                ones[0].corpus,
                ones[0].rule_set,
                "yes" if ones[0].junk_seen else "no",
                *(
                    round(100 * value, 2)
                    for shares in (documents, tokens)
                    for value in (fmean(shares), max(shares))
                ),
                within,
                round(100 * fmean(one.all_still for one in ones)),
            )
        )
    losses_of = ("documents lost %", "at most", "tokens lost %", "tokens at most")
    columns = ("good text", "set", "junk seen", *losses_of, f"within {lose:.0%}", "junk still dropped %")
    return Sheet(f"Means over {splits} splits, of unseen halves", columns, rows)


def sheets(found: Sequence[Judged], lose: float) -> list[Sheet]:
    """Losses of the unseen half and junk that is still dropped, then the latter by kind."""
    losses, kinds = [], []
    for one in found:
        name = (one.corpus, one.rule_set, "yes" if one.junk_seen else "no")
        account = max(one.found.languages, key=lambda language: language.judged.moved.documents)
        losses.append(
            (
                *name,
                str(account.judged.moved.documents),
                str(account.judged.published),
                str(account.judged.moved),
                "yes" if one.is_within(lose) else "NO",
                f"{one.all_still:.0%}",
                one.worst,
            )
        )
        kinds.append((*name, *(f"{moved} of {published}" for published, moved in one.still.values())))
    columns = (
        "good text",
        "set",
        "junk seen",
        "unseen",
        "published loses",
        "calibrated loses",
        f"{lose:.0%} within",
    )
    names = list(dict.fromkeys(kind for one in found for kind in one.still))
    title = "Loss of the unseen half, documents (90 % interval) and tokens; junk still dropped of what was"
    found_sheets = [Sheet(title, (*columns, "junk", "worst kind"), losses, ())]
    for kind_names in dict.fromkeys(tuple(one.still) for one in found):
        rows = [row for row, one in zip(kinds, found, strict=True) if tuple(one.still) == kind_names]
        found_sheets.append(
            Sheet("Junk still dropped, by kind", ("good text", "set", "junk seen", *kind_names), rows, ())
        )
    return found_sheets if names else found_sheets[:1]


def main() -> None:
    parser = corpus_parser(__doc__, 4000)
    parser.add_argument("--language", action="store_true", help="a rule on it stands above the sets")
    parser.add_argument(
        "--sets", nargs="*", help="instead of those of each language; de!long: without a rule"
    )
    parser.add_argument("--lose", default="1%")
    parser.add_argument("--splits", type=int, default=1, help="into halves, by which each set is judged")
    args = parser.parse_args()
    pin_to_one_core()
    lose = parse_share(args.lose)
    uses = ("language", "signals", "size") if args.language else ("signals", "size")
    corpora = load(args.good, args.spam, args.pages, args.documents, uses)
    found = list(judged(corpora, args.sets, lose, args.splits))
    told = sheets(found, lose) if args.splits == 1 else [of_splits(found, args.splits, lose)]
    report("Calibrated rule sets", told, args.json)


if __name__ == "__main__":
    main()
