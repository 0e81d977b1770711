"""A rule file of a calibration: what a person reads, and what `keep` takes by its path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from refinery.filters.calibration.account import Calibration, LanguageAccount, RuleAccount
from refinery.filters.rule_set_file import quoted
from refinery.filters.rules import unscoped

COMMAND = "`refinery calibrate`"
FIRST_LINE = f"# Written by {COMMAND}: thresholds of published rules, loosened for trusted text.\n"


def rule_file(found: Calibration) -> str:
    """The moved rules as YAML, in order; each says what was published and what it costs of the trusted text.

    A rule keeps its own name where no other set has it.
    """
    own = Counter(rule.name.rpartition(".")[2] for rule in found.rules)
    lines = [f"# {line}" for line in _head(found)]
    at_most = f"that lose {found.lose:.2%} of trusted text at most"
    text = at_most if found.is_sure else f"moved for {found.documents:,} trusted documents"
    lines.append(f"description: {quoted(f'rules with thresholds {text}')}")
    languages, predicates = unscoped([rule.predicate for rule in found.rules])
    if languages:
        lines.append(f"languages: [{', '.join(languages)}]")
    lines.append("rules:")
    for rule, predicate in zip(found.rules, predicates, strict=True):
        short = rule.name.rpartition(".")[2]
        name = short if own[short] == 1 else rule.name.replace(".", "_")
        lines += [f"  # {line}" for line in _costs(rule, found)]
        lines += [f"  {name}:", f"    keep: {quoted(predicate)}", f"    source: {quoted(_source(rule))}"]
    return FIRST_LINE + "\n".join(lines) + "\n"


def _head(found: Calibration) -> Iterator[str]:
    lost = f"at most {found.lose:.2%} of it is lost ({found.documents:,} documents, {found.tokens:,} tokens)"
    yield f"By all of them together {lost}." if found.is_sure else f"They do not tell that {lost}, see below."
    yield "Half of these documents, by hash, move thresholds, the unseen half judges."
    for one in found.languages:
        yield _judged(one)
    if found.junk:
        before, after = found.junk.published, found.junk.moved
        kept = f", {after / before:.1%} of what they dropped" if before else ""
        yield f"of {found.junk.documents:,} documents of junk published rules drop {before:,}, these {after:,}{kept}"
    yield from found.notes


def _judged(one: LanguageAccount) -> str:
    name = f"{one.language or 'all languages'}, {one.judged.moved.documents:,} unseen documents"
    return f"{name}: lost {one.judged.moved}; by the published rules {one.judged.published}"


def _costs(rule: RuleAccount, found: Calibration) -> Iterator[str]:
    after, before = rule.after.documents / found.documents, rule.before.documents / found.documents
    junk = f"; of junk {rule.after.junk:,} of {found.junk.documents:,}" if found.junk else ""
    if rule.is_moved:
        yield f"{', '.join(moves(rule))}; loses {after:.2%} of trusted documents, published {before:.2%}{junk}"
    else:
        yield f"as published; loses {after:.2%} of trusted documents{junk}"


def moves(rule: RuleAccount) -> Iterator[str]:
    """The thresholds of a rule that move, in words."""
    for one in rule.thresholds:
        if one.published != one.moved:
            void = ", can no longer fail" if one.is_void else ""
            yield f"{one.column} {one.operator} {one.published} -> {one.moved}{void}"


def published(rule: RuleAccount) -> Iterator[str]:
    """The thresholds of a rule as they were published."""
    return (f"{one.column} {one.operator} {one.published}" for one in rule.thresholds)


def _source(rule: RuleAccount) -> str:
    return f"{rule.name}, calibrated from {', '.join(published(rule))}" if rule.is_moved else rule.name
