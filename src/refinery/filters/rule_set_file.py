"""A rule set as the text of a rule file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from refinery.filters.rules import RuleSet


def as_file(rule_set: RuleSet) -> str:
    """The set as YAML, each rule with its source, what it includes written out.

    >>> from refinery.filters.rules import load_rule_set
    >>> print(as_file(load_rule_set("c4")))  # doctest: +ELLIPSIS
    description: "C4's rules on documents for English web text"
    languages: [en]
    rules:
      lorem_ipsum: {keep: "c4_lorem_ipsum = 0", source: "Raffel et al. 2020 ...
    """
    return "\n".join(_lines(rule_set)) + "\n"


def _lines(rule_set: RuleSet) -> Iterator[str]:
    yield f"description: {quoted(rule_set.description)}"
    if rule_set.languages:
        yield f"languages: [{', '.join(rule_set.languages)}]"
    yield "rules:"
    for rule in rule_set.rules:
        name = rule.name.rpartition(".")[2]
        yield f"  {name}: {{keep: {quoted(rule.predicate)}, source: {quoted(rule.source)}}}"


def quoted(text: str) -> str:
    """A text as one line of YAML, in double quotes.

    >>> print(quoted("lang = 'en' -- English\\n"))
    "lang = 'en' -- English\\n"
    """
    return str(yaml.safe_dump(text, width=2**20, allow_unicode=True, default_style='"')).strip()
