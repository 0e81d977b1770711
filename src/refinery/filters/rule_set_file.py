"""A rule set as the text of a rule file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

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
    yield f"description: {_text(rule_set.description)}"
    if rule_set.languages:
        yield f"languages: [{', '.join(rule_set.languages)}]"
    yield "rules:"
    for rule in rule_set.rules:
        name = rule.name.rpartition(".")[2]
        yield f"  {name}: {{keep: {_text(rule.predicate)}, source: {_text(rule.source)}}}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
