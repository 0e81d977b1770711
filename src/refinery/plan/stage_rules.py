"""The rules of a stage: looked up, and their SQL checked against the columns that they see."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from refinery.definition.models import KeepEntry, Stage
from refinery.definition.paths import Paths
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError
from refinery.filters.rules import MAX_RULES, Rule, resolve_rules
from refinery.plan.expressions import maker_of, seen_by_sql
from refinery.plan.graph import Columns
from refinery.plan.problems import Problems


def rules_of(
    place: Location,
    entries: Sequence[KeepEntry],
    columns: Columns,
    paths: Paths,
    problems: Problems,
    *,
    implied: Sequence[Rule] = (),
    incomplete: bool,
) -> tuple[Rule, ...]:
    """The rules that are implied, then those of a stage's `keep`; adds what is wrong with these to the problems.

    incomplete: the stage may lack columns for a reason that has been told.
    """
    from refinery.filters.predicate import problems as sql_problems

    types, labels = seen_by_sql(columns)
    rules = {rule.name: rule for rule in implied}
    for index, entry in enumerate(entries):
        location: Location = (*place, "keep", index)
        by_name = isinstance(entry, dict)
        found = problems.attempt(location, partial(resolve_rules, [entry], paths, types.keys())) or ()
        maker = None if incomplete else maker_of([rule.predicate for rule in found], types.keys())
        if maker:
            read = "what it reads" if by_name else "what its rules read"
            problems.add(location, f"the measurer {maker} makes {read}: add {maker} to `measure`")
        for rule in found:
            if rule.name in rules:
                problems.add(location, f"two rules are called {rule.name!r}")
            rules[rule.name] = rule
            for message in sql_problems(rule.predicate, types, labels):
                if message.startswith("no column") and (maker or incomplete):
                    continue  # what would make it has been reported
                if by_name:
                    problems.add((*location, rule.name), message)
                else:
                    problems.add(location, f"{rule.name}: {message}")
    if len(rules) > MAX_RULES:
        problems.add((*place, "keep"), f"{len(rules)} rules in one stage; {MAX_RULES} is the most")
    return tuple(rules.values())


def sql_of(stage: Stage, paths: Paths) -> list[str]:
    """The SQL of a stage's rules and derived columns."""
    found = list(stage.derive.values())
    for entry in stage.keep:
        with suppress(DefinitionError):  # told where rules are checked
            found += [rule.predicate for rule in resolve_rules([entry], paths)]
    return found
