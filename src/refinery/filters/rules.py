"""Rules and rule sets: named SQL predicates over measurements, kept as data.

A rule says what a kept document satisfies; NULL is not kept, as in SQL's WHERE. A rule set is a YAML file:

    description: what it is for
    languages: [en]            # optional: judges only documents of these languages
    source: a paper, a table   # optional: of every rule that names none itself
    include: [gopher_quality]  # optional: built-in sets whose rules come first, under this set's name and scope
    rules:
      short: {keep: "words >= 50", source: "Rae et al. 2021, A1.1"}
      stop_words: "stop_words_en >= 2"

Where `lang` is measured, a set with languages lets documents of other languages pass unjudged. A document
whose language is unknown (NULL, or `und`, which empty text gets) is judged by every set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from refinery.definition.models import RuleSetUse
from refinery.definition.paths import FINEWEB2, HERE, Paths, is_path
from refinery.definition.validate import Invalid, validate
from refinery.definition.values import NAME, Model, Name
from refinery.definition.yaml import parse, read_text
from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters import fineweb2
from refinery.filters.language_codes import UNDETERMINED
from refinery.filters.model_functions import with_model_values

if TYPE_CHECKING:
    import polars as pl

OF_DOCUMENTS, OF_LINES = "rule_sets", "line_rule_sets"  # folders of built-in sets
_SCOPED = re.compile(rf"lang NOT IN \(((?:'\w+', )+'{UNDETERMINED}')\) OR \((.*)\)", re.DOTALL)
MAX_RULES = 2**15 - 1  # of a stage: indices are stored as 16-bit integers with a sign


@dataclass(frozen=True)
class Rule:
    """A predicate with a name: `gopher.short` for a set's rule, `english` for one written in a stage.

    `place` (file:line) is where a set's rule is written, empty for a rule of the definition itself; `written`: the
    predicate with suggestions of models as they stand in it, where numbers have taken their place; published: the
    predicate whose thresholds a calibration has moved, empty where it moved none.
    """

    name: str
    predicate: str
    source: str = ""
    place: str = field(default="", compare=False)
    written: str = field(default="", compare=False)
    published: str = field(default="", compare=False)


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order in which they judge; `languages` (ISO codes), or None: every document is judged."""

    name: str
    rules: tuple[Rule, ...]
    languages: tuple[str, ...] | None = None
    description: str = ""


class _RuleEntry(Model):
    keep: Annotated[str, StringConstraints(min_length=1)]
    source: str = ""


def _as_entry(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError("expected a predicate, or {keep: predicate, source: ...}")
    return {"keep": value} if isinstance(value, str) else value


class _RuleSetFile(Model):
    description: str = ""
    source: str = ""
    include: tuple[str, ...] = ()
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")], ...] = ()
    rules: dict[
        Name,
        Annotated[_RuleEntry, BeforeValidator(_as_entry, json_schema_input_type=str | _RuleEntry)],
    ] = Field({})


@cache
def written_rule_sets(folder: str = OF_DOCUMENTS) -> tuple[str, ...]:
    """Names of the sets that come with the package as files, sorted; folder: what they judge."""
    there = (files("refinery.filters") / folder).iterdir()
    return tuple(sorted(Path(entry.name).stem for entry in there if entry.name.endswith(".yaml")))


@cache
def built_in_rule_sets() -> tuple[str, ...]:
    """Names of the sets of rules on documents, sorted; fineweb2/LANGUAGE_SCRIPT names some 1,900 more."""
    return tuple(sorted({*written_rule_sets(), *fineweb2.codes()}))


def load_rule_set(name_or_path: str, paths: Paths = HERE, folder: str = OF_DOCUMENTS) -> RuleSet:
    """A built-in set by name, or a YAML file; raises DefinitionError with all that is wrong.

    Anything with a slash or the ending .yaml or .yml is a path, but for fineweb2/LANGUAGE_SCRIPT. folder: of the
    built-in ones.
    """
    if not is_path(name_or_path):
        return _built_in(name_or_path, folder)
    path = paths.file(name_or_path)
    text = read_text(path, "rule set file")
    if not re.match(NAME, path.stem):
        raise DefinitionError(f"{path}: the file's name names the rules: letters, digits, _ and - only")
    return _parse(text, path.stem, str(path))


@cache
def _built_in(name: str, folder: str) -> RuleSet:
    """Of the package, whose files stay as they are: a definition asks for one several times."""
    if name not in written_rule_sets(folder):
        if folder == OF_DOCUMENTS:
            return _of_fineweb2(name)
        raise _unknown(name, written_rule_sets(folder))
    text = (files("refinery.filters") / folder / f"{name}.yaml").read_text("utf-8")
    return _parse(text, name, f"{name}.yaml")


def _unknown(name: str, known: Collection[str], more: str = "") -> DefinitionError:
    if not re.match(NAME, name.removeprefix(FINEWEB2)):
        return DefinitionError(f'a rule has a name: write NAME: "{name}"')
    return DefinitionError(
        f"no rule set is called {name!r}{nearest(name, known)}{more} (a file of yours: ./NAME.yaml)"
    )


def _of_fineweb2(name: str) -> RuleSet:
    """The set of a language; raises DefinitionError where there is none."""
    found = fineweb2.thresholds(name)
    if found is None:
        others = [FINEWEB2 + other for other in fineweb2.configurations()]
        known = others if name.startswith(FINEWEB2) else built_in_rule_sets()
        if get_close_matches(name, known, 1):
            raise _unknown(name, known)
        codes = len(fineweb2.codes())
        languages = f", those of {codes} languages by code and {len(others):,} {FINEWEB2}LANGUAGE_SCRIPT"
        raise _unknown(name, written_rule_sets(), languages)
    short, place = name.removeprefix(FINEWEB2), f"{fineweb2.DATA.name}: {found.name}"
    rules = (Rule(f"{short}.{rule}", sql, source, place) for rule, sql, source in fineweb2.predicates(found))
    return RuleSet(name, tuple(rules), (found.language,), f"FineWeb-2's rules for {found.name}")


def _parse(text: str, name: str, file: str) -> RuleSet:
    parsed = parse(text, file)
    problems = parsed.problems()
    try:
        checked = validate(_RuleSetFile, parsed.content)
    except Invalid as error:
        problems += [parsed.problem(place, message) for place, message in error.found]
        raise DefinitionError(*problems) from None
    problems += [
        f"{file}:{parsed.line(('include', index))}: include: no built-in set is called {other!r}"
        f"{nearest(other, built_in_rule_sets())}"
        for index, other in enumerate(checked.include)
        if other not in written_rule_sets() and fineweb2.thresholds(other) is None
    ]
    if not checked.rules and not checked.include:
        problems.append(f"{file}:1: a rule set needs `rules`, name to predicate, or `include`")
    if problems:
        raise DefinitionError(*problems)
    included = [rule for other in checked.include for rule in load_rule_set(other).rules]
    own = [
        Rule(key, entry.keep, entry.source or checked.source, f"{file}:{parsed.line(('rules', key))}")
        for key, entry in checked.rules.items()
    ]
    rules = tuple(replace(rule, name=f"{name}.{rule.name.rpartition('.')[2]}") for rule in (*included, *own))
    return RuleSet(name, rules, checked.languages or None, checked.description)


def resolve_rules(
    entries: Iterable[str | RuleSetUse | Mapping[str, str]],
    paths: Paths = HERE,
    measured: Collection[str] = ("lang",),
    folder: str = OF_DOCUMENTS,
) -> tuple[Rule, ...]:
    """The rules of a `keep`, in order: set names, {rules: set, without: [...]}, {name: predicate}.

    folder: of built-in sets. `measured` holds the columns known at that point: a set's language scope applies only
    where `lang` is one. Suggestions of models that are there become numbers. Raises DefinitionError with all that is
    wrong: unknown sets or rules, names that stand twice, models that suggest nothing.
    """
    rules: list[Rule] = []
    problems: list[str] = []
    for entry in entries:
        if isinstance(entry, Mapping):
            rules += [Rule(name, predicate) for name, predicate in entry.items()]
            continue
        name, without = (entry, ()) if isinstance(entry, str) else (entry.rules, entry.without)
        try:
            chosen = load_rule_set(name, paths, folder)
        except DefinitionError as error:
            problems += error.problems
            continue
        own = [rule.name.partition(".")[2] for rule in chosen.rules]
        problems += [
            f"{name} has no rule {word!r}{nearest(word, own)}" for word in without if word not in own
        ]
        kept = [rule for rule, word in zip(chosen.rules, own, strict=True) if word not in without]
        rules += [_scoped(rule, chosen.languages, measured) for rule in kept]
    names = Counter(rule.name for rule in rules)
    problems += [f"two rules are called {name!r}" for name, count in names.items() if count > 1]
    if len(rules) > MAX_RULES:
        problems.append(f"{len(rules)} rules in one stage; {MAX_RULES} is the most")
    resolved = []
    for rule in rules:
        try:
            predicate = with_model_values(rule.predicate, paths)
            resolved.append(replace(rule, predicate=predicate, written=rule.predicate))
        except DefinitionError as error:
            problems += [f"{rule.name}: {problem}" for problem in error.problems]
    if problems:
        raise DefinitionError(*dict.fromkeys(problems))
    return tuple(resolved)


def _scoped(rule: Rule, languages: tuple[str, ...] | None, measured: Collection[str]) -> Rule:
    if languages is None or "lang" not in measured:
        return rule
    # A NULL `lang` leaves the decision to the predicate: NULL OR TRUE is TRUE, NULL OR FALSE is not kept.
    judged = ", ".join(f"'{code}'" for code in (*languages, UNDETERMINED))
    end = "\n)" if "--" in rule.predicate else ")"  # a comment at its end must not swallow the bracket
    return Rule(rule.name, f"lang NOT IN ({judged}) OR ({rule.predicate}{end}", rule.source, rule.place)


def unscoped(predicates: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The languages that a set's rules have in common, and the predicates without these; none if they differ.

    >>> unscoped(["lang NOT IN ('en', 'und') OR (words >= 50)"])
    (('en',), ['words >= 50'])
    """
    found = [_SCOPED.fullmatch(predicate) for predicate in predicates]
    scopes = {one[1] if one else "" for one in found}
    if len(scopes) != 1 or "" in scopes:
        return (), [*predicates]
    languages = re.findall(r"'(\w+)'", scopes.pop())
    return tuple(languages[:-1]), [one[2].rstrip("\n") for one in found if one]


def languages_judged(predicates: Iterable[str]) -> frozenset[str]:
    """The languages that rules judge, `und` too, if each judges only documents of some; else none.

    >>> sorted(languages_judged(["lang NOT IN ('en', 'und') OR (words >= 50)"]))
    ['en', 'und']
    >>> languages_judged(["lang NOT IN ('en', 'und') OR (words >= 50)", "words < 9"])
    frozenset()
    """
    found = [_SCOPED.fullmatch(predicate) for predicate in predicates]
    if not all(found):
        return frozenset()
    return frozenset(code for one in found if one for code in re.findall(r"'(\w+)'", one[1]))


def evaluate(frame: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    """Judges every row by every rule.

    Returns `first_failed` (UInt16 index into `rules`, NULL where all pass) and `failed` (list of UInt16,
    all that failed, ascending), one row for each of `frame`. A predicate that is NULL has failed. Raises
    DefinitionError for a predicate that is not SQL, InputError for one that these values
    break.
    """
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from refinery.sources.sql import parse

    rules = tuple(rules)
    passed = [parse(rule.predicate).fill_null(False).alias(f"__rule_{i}") for i, rule in enumerate(rules)]
    names = [f"__rule_{i}" for i in range(len(rules))]
    try:
        verdicts = frame.with_columns(passed).select(names)
    except pl.exceptions.PolarsError:
        _blame(frame, rules)
        raise
    failed = np.zeros((frame.height, len(rules)), np.bool_)
    for index, name in enumerate(names):
        failed[:, index] = ~verdicts[name].to_numpy()
    rows, which = np.nonzero(failed)
    offsets = np.zeros(frame.height + 1, np.int64)
    np.cumsum(failed.sum(axis=1), out=offsets[1:])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(which.astype(np.uint16)))
    first = np.zeros(frame.height, np.uint16)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    first[rows[starts]] = which[starts]
    some = offsets[1:] > offsets[:-1]
    return pl.DataFrame(
        {
            "first_failed": pl.Series(pa.array(first, mask=~some), dtype=pl.UInt16),
            "failed": pl.Series(lists, dtype=pl.List(pl.UInt16)),
        }
    )


def _blame(frame: pl.DataFrame, rules: tuple[Rule, ...]) -> None:
    """Raises InputError for the first rule that cannot be computed alone."""
    import polars as pl

    from refinery.sources.sql import parse

    for rule in rules:
        try:
            frame.with_columns(parse(rule.predicate).fill_null(False).alias("__rule"))
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"rule {rule.name}", f"cannot be computed: {str(error).splitlines()[0]}"
            ) from None
