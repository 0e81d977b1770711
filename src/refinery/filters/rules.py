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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from refinery.definition.yaml import YamlFile, parse, read_text
from refinery.errors import DefinitionError, InputError, nearest

if TYPE_CHECKING:
    import polars as pl

NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
UNKNOWN_LANGUAGE = "und"
MAX_RULES = 2**16 - 1  # indices are stored as 16-bit integers


@dataclass(frozen=True)
class Rule:
    """A predicate with a name: `gopher.short` for a set's rule, `english` for one written in a stage.

    `place` (file:line) is where a set's rule is written, empty for a rule of the definition itself.
    """

    name: str
    predicate: str
    source: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order in which they judge; `languages` (ISO codes), or None: every document is judged."""

    name: str
    rules: tuple[Rule, ...]
    languages: tuple[str, ...] | None = None
    description: str = ""


class RuleSetUse(Protocol):
    """A rule set with some of its rules left out, as a definition asks for it."""

    @property
    def rules(self) -> str:
        """Name or path of the set."""

    @property
    def without(self) -> tuple[str, ...]:
        """Names of rules, without the set's name."""


class _RuleEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Annotated[str, StringConstraints(min_length=1)]
    source: str = ""


def _as_entry(value: object) -> object:
    return {"keep": value} if isinstance(value, str) else value


class _RuleSetFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    source: str = ""
    include: tuple[str, ...] = ()
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")], ...] = ()
    rules: dict[
        Annotated[str, StringConstraints(pattern=NAME)],
        Annotated[_RuleEntry, BeforeValidator(_as_entry, json_schema_input_type=str | _RuleEntry)],
    ] = {}


@cache
def built_in_rule_sets() -> tuple[str, ...]:
    """Names of the sets that come with the package, sorted."""
    folder = files("refinery.filters") / "rule_sets"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_rule_set(name_or_path: str, base: Path) -> RuleSet:
    """A built-in set by name, or a YAML file by a path relative to `base`.

    Anything with a slash or the ending .yaml or .yml is a path. Raises DefinitionError with all that is
    wrong.
    """
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        if name_or_path not in built_in_rule_sets():
            near = nearest(name_or_path, built_in_rule_sets())
            raise DefinitionError(
                f"no rule set is called {name_or_path!r}{near} (a file of yours: ./NAME.yaml)"
            )
        text = (files("refinery.filters") / "rule_sets" / f"{name_or_path}.yaml").read_text("utf-8")
        return _parse(text, name_or_path, f"{name_or_path}.yaml")
    path = base / name_or_path
    text = read_text(path, "rule set file")
    if not re.match(NAME, path.stem):
        raise DefinitionError(f"{path}: the file's name names the rules: letters, digits, _ and - only")
    return _parse(text, path.stem, str(path))


def _parse(text: str, name: str, file: str) -> RuleSet:
    parsed = parse(text, file)
    problems = parsed.problems()
    try:
        checked = _RuleSetFile.model_validate(parsed.content)
    except ValidationError as error:
        problems += [_explain(entry, parsed) for entry in error.errors()]
        raise DefinitionError(*problems) from None
    problems += [
        f"{file}:{parsed.line(('include', index))}: include: no built-in set is called {other!r}"
        f"{nearest(other, built_in_rule_sets())}"
        for index, other in enumerate(checked.include)
        if other not in built_in_rule_sets()
    ]
    if not checked.rules and not checked.include:
        problems.append(f"{file}:1: a rule set needs `rules`, name to predicate, or `include`")
    if problems:
        raise DefinitionError(*problems)
    included = [rule for other in checked.include for rule in load_rule_set(other, Path()).rules]
    own = [
        Rule(key, entry.keep, entry.source or checked.source, f"{file}:{parsed.line(('rules', key))}")
        for key, entry in checked.rules.items()
    ]
    rules = tuple(replace(rule, name=f"{name}.{rule.name.rpartition('.')[2]}") for rule in (*included, *own))
    return RuleSet(name, rules, checked.languages or None, checked.description)


def _explain(entry: Any, parsed: YamlFile) -> str:
    location = tuple(part for part in entry["loc"] if part != "[key]")
    message = entry["msg"][:1].lower() + entry["msg"][1:]
    if entry["type"] == "extra_forbidden":
        model = _RuleSetFile if len(location) == 1 else _RuleEntry
        message = f"unknown key{nearest(str(location[-1]), model.model_fields)}"
    elif entry["type"] == "missing":
        message, location = f"the key {location[-1]!r} is missing", location[:-1]
    elif entry["type"] in {"model_type", "model_attributes_type"}:
        example = (
            "a mapping with `rules`" if not location else "a predicate, or {keep: predicate, source: ...}"
        )
        message = f"expected {example}"
    elif entry["type"] == "string_pattern_mismatch":
        name = "letters, digits, _ and -, a letter first"
        message = f"expected {'ISO 639 codes such as en' if location[0] == 'languages' else name}"
    return parsed.problem(location, message)


def resolve(
    entries: Iterable[str | Mapping[str, Any] | RuleSetUse], base: Path, measured: Collection[str] = ("lang",)
) -> tuple[Rule, ...]:
    """The rules of a stage's `keep`, in order: set names, {rules: set, without: [...]}, {name: predicate}.

    `measured` holds the columns known at that point: a set's language scope applies only where `lang` is one.
    Raises DefinitionError with all that is wrong: unknown sets or rules, names that stand twice.
    """
    rules: list[Rule] = []
    problems: list[str] = []
    for entry in entries:
        if isinstance(entry, Mapping) and "rules" not in entry:
            rules += [Rule(name, predicate) for name, predicate in entry.items()]
            continue
        if isinstance(entry, Mapping):
            name, without = str(entry["rules"]), tuple(entry.get("without", ()))
        else:
            name, without = (entry, ()) if isinstance(entry, str) else (entry.rules, entry.without)
        try:
            chosen = load_rule_set(name, base)
        except DefinitionError as error:
            problems += error.problems
            continue
        own = [rule.name.partition(".")[2] for rule in chosen.rules]
        problems += [
            f"{name} has no rule {word!r}{nearest(word, own)}" for word in without if word not in own
        ]
        kept = [rule for rule, word in zip(chosen.rules, own, strict=True) if word not in without]
        rules += [_scoped(rule, chosen.languages, measured) for rule in kept]
    names = [rule.name for rule in rules]
    problems += [f"two rules are called {name!r}" for name in dict.fromkeys(names) if names.count(name) > 1]
    if len(rules) > MAX_RULES:
        problems.append(f"{len(rules)} rules in one stage; {MAX_RULES} is the most")
    if problems:
        raise DefinitionError(*dict.fromkeys(problems))
    return tuple(rules)


def _scoped(rule: Rule, languages: tuple[str, ...] | None, measured: Collection[str]) -> Rule:
    if languages is None or "lang" not in measured:
        return rule
    # A NULL `lang` leaves the decision to the predicate: NULL OR TRUE is TRUE, NULL OR FALSE is not kept.
    judged = ", ".join(f"'{code}'" for code in (*languages, UNKNOWN_LANGUAGE))
    end = "\n)" if "--" in rule.predicate else ")"  # a comment at its end must not swallow the bracket
    return Rule(rule.name, f"lang NOT IN ({judged}) OR ({rule.predicate}{end}", rule.source, rule.place)


def columns_of(predicate: str) -> frozenset[str]:
    """The columns that a predicate reads; raises DefinitionError when it is not SQL."""
    from refinery.filters.predicate import parse

    return frozenset(parse(predicate).meta.root_names())


def problems(
    predicate: str, columns: Mapping[str, Any], labels: Mapping[str, frozenset[str]] | None = None
) -> list[str]:
    """What is wrong with a predicate, one sentence each: syntax, unknown columns, types, impossible labels.

    `columns` maps the names that can be used to Polars or Arrow types; `labels` maps text columns to the
    values that they can hold (the languages of a model).
    """
    from refinery.filters import predicate as checks

    return checks.problems(predicate, columns, labels)


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

    from refinery.filters.predicate import parse

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

    from refinery.filters.predicate import parse

    for rule in rules:
        try:
            frame.with_columns(parse(rule.predicate).fill_null(False).alias("__rule"))
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"rule {rule.name}", f"cannot be computed: {str(error).splitlines()[0]}"
            ) from None
