"""Derivations: what a pipeline's results were made of in its last finished run, to say why one is made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from refinery.plan.plan import Plan
from refinery.plan.result import Result
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place, read_many
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.work_folder import pipeline_folder

FILE = "results.json"


@dataclass(frozen=True)
class Derivation:
    """What is kept of a result; fields: what it is made of, by dotted names."""

    fields: Mapping[str, object]
    inputs: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class Reason:
    """A field that differs from the last run, of the result whose setting it is; None where it is not there."""

    result: str
    field: str
    before: object
    after: object

    def __str__(self) -> str:
        if not self.field:
            return f"{self.result} is new"
        return f"{self.result}: {self.field}: {_shown(self.before)} -> {_shown(self.after)}"


def derivation(result: Result) -> Derivation:
    """What is kept of a result."""
    return Derivation(dict(_fields(result.made_of)), result.inputs, result.key)


def note_derivations(plan: Plan) -> None:
    """Keeps what the results of a run are made of."""
    file = _file(plan.work, plan.graph.name)
    content = sealed_json({name: derivation(result) for name, result in plan.results.items()})
    if read_many([file]) != [content]:
        make_directory(file.parent)
        commit_bytes(file, content, scratch=True)


def noted_derivations(work: Place, pipeline: str) -> dict[str, Derivation]:
    """Of a pipeline's last run in a work folder, by the result's name; none if that is not known."""
    (content,) = read_many([_file(work, pipeline)])
    try:
        return derivations_from(read_sealed_json(content) if content else {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # only reasons are told by it


def derivations_from(content: Mapping[str, Any]) -> dict[str, Derivation]:
    """Derivations by the result's name, as JSON has them."""
    return {
        name: Derivation(one["fields"], tuple(one["inputs"]), one["key"]) for name, one in content.items()
    }


def reasons(results: Mapping[str, Result], before: Mapping[str, Derivation]) -> dict[str, tuple[Reason, ...]]:
    """As `changes`, of the results of a plan."""
    return changes({name: derivation(result) for name, result in results.items()}, before)


def changes(
    after: Mapping[str, Derivation], before: Mapping[str, Derivation]
) -> dict[str, tuple[Reason, ...]]:
    """For each result why it is not the one of an earlier run: the fields, of it or of what it is made from.

    None for a result that is the same.
    """

    @cache
    def why(name: str) -> tuple[Reason, ...]:
        now, then = after[name], before.get(name)
        if then is None:
            return (Reason(name, "", None, None),)
        if now.key == then.key:
            return ()
        found = list(_differences(name, then.fields, now.fields))
        gone = [one for one in then.inputs if one not in now.inputs]
        new = [one for one in now.inputs if one not in then.inputs]
        if gone or new:
            found.append(Reason(name, "from", gone or None, new or None))
        for one in now.inputs:
            if one in then.inputs:
                found += why(one)
        if not found and now.inputs != then.inputs:  # the same, in another order
            found.append(Reason(name, "from", then.inputs, now.inputs))
        return tuple(reason for number, reason in enumerate(found) if reason not in found[:number])

    return {name: why(name) for name in after}


def _differences(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Reason]:
    for field in dict.fromkeys([*before, *after]):
        then, now = before.get(field), after.get(field)
        if _plain(then) != _plain(now):
            yield Reason(name, field, then, now)


def _fields(value: Any, place: str = "") -> Iterator[tuple[str, object]]:
    """What stands in settings, by dotted names; lists of settings count by the names in them."""
    if isinstance(value, Mapping) and (value or not place):
        for key, inner in value.items():
            yield from _fields(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
        yield place, [name for one in value for name in one]
        for one in value:
            yield from _fields(one, place)
    else:
        yield place, value


def _plain(value: object) -> object:
    """As it comes back from a file."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _file(work: Place, pipeline: str) -> Place:
    return pipeline_folder(work, pipeline) / FILE
