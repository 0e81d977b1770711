"""Data against a pydantic model: all that does not fit, each with its place in the data, in a user's words."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, Tag, ValidationError

from refinery.definition.values import NAME
from refinery.definition.yaml import Location, problem_at
from refinery.errors import DefinitionError, nearest

M = TypeVar("M", bound=BaseModel)
WITH_NAMES = 100  # problems that are told with the nearest valid name, which takes the longest
_PATTERNS = {
    NAME: "a name: letters, digits, _ and -, a letter first",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "a column's name: letters, digits and _, no digit first",
    r"^[a-z]{2,3}$": "an ISO 639 code such as en",
}


class Invalid(DefinitionError):
    """What does not fit a model; `found`: place in the data and sentence, for who knows the data's file."""

    def __init__(self, *found: tuple[Location, str]) -> None:
        super().__init__(*(problem_at(place, message) for place, message in found))
        self.args = self.found = found


def validate(model: type[M], content: object, context: object = None) -> M:
    """`content` as a `model`, with `context` for its validators; raises Invalid with all that does not fit."""
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        raise Invalid(*_explain(error, model)) from None


def _explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Location, str]]:
    entries = error.errors()
    explained = {entry["loc"][:depth] for entry in entries for depth in range(len(entry["loc"]))}
    for number, entry in enumerate(entries):
        place, holder, wanted = _walk(model, entry["loc"])
        kind, message = entry["type"], entry["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            near = nearest(str(place[-1]), keys_of(holder)) if number < WITH_NAMES else ""
            yield place, f"unknown key{near}"
        elif kind == "missing":
            yield place[:-1], f"the key {place[-1]!r} is missing"
        elif kind in {"model_type", "model_attributes_type"}:
            yield (
                place,
                f"expected a mapping with the keys {', '.join(keys_of(wanted))}{_as_path(entry, wanted)}",
            )
        elif kind == "tuple_type" and isinstance(entry["input"], str):
            yield place, f"expected a list: write [{entry['input']}]"
        elif kind == "too_short":
            if entry["loc"] not in explained:
                yield place, "expected one at least"
        elif kind == "string_pattern_mismatch":
            yield place, f"expected {_PATTERNS.get(entry['ctx']['pattern'], message)}"
        elif kind == "value_error":
            if message:  # what a validator says with no words is told at another place
                yield place, message
        else:
            yield place, _sentence(message, entry["input"])


def _as_path(entry: Any, wanted: Any) -> str:
    """What to write where a path stands for what has a key for it."""
    given = entry["input"]
    if not isinstance(given, str) or "path" not in keys_of(wanted):
        return ""
    return f": write {{{'from: STAGE, ' * ('from' in keys_of(wanted))}path: {given}}}"


def _sentence(message: str, given: object) -> str:
    if isinstance(given, bool) and (
        "string" in message or "tuple" in message
    ):  # the one that people write who do not mean a truth value
        written = "yes, on and true" if given else "no, off and false"
        return f"YAML takes {written} without quotes for a truth value: write {'yes' if given else 'no'!r}"
    if isinstance(given, str) and given.endswith("%") and "number" in message:
        return f"no percentage but a number, such as 0.8, got {given!r}"
    message = message[:1].lower() + message[1:]
    message = message.replace("valid tuple", "list").replace("valid dictionary", "mapping")
    return f"{message}, got {given!r}" if isinstance(given, str | int | float | bool) else message


def keys_of(model: Any) -> list[str]:
    """The keys of a mapping that a model is made of, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _walk(model: Any, loc: tuple[str | int, ...]) -> tuple[Location, Any, Any]:
    """The place in the data, without pydantic's own marks; the model of the mapping around it, and its own."""
    place: list[str | int] = []
    holder, current = None, model
    for part in loc:
        if part == "[key]":
            continue
        current = _bare(current)
        members = get_args(current)
        if _is_model(current):
            holder = current
            fields = {field.alias or name: field.annotation for name, field in current.model_fields.items()}
            current = fields.get(str(part))
        elif get_origin(current) is dict:
            current = members[1]
        elif get_origin(current) is tuple:
            current = members[0]
        elif members:  # a union: the part says which of its members was tried
            current = next((member for member in members if Tag(str(part)) in get_args(member)), None)
            continue
        place.append(part)
    return tuple(place), holder, _bare(current)


def _bare(annotation: Any) -> Any:
    """Without what stands around a type: Annotated, `| None`, a model that is only a name for its root."""
    while True:
        members = [member for member in get_args(annotation) if member is not NoneType]
        if get_origin(annotation) is Annotated or (len(members) == 1 and len(get_args(annotation)) == 2):
            annotation = members[0]
        elif _is_model(annotation) and issubclass(annotation, RootModel):
            annotation = annotation.model_fields["root"].annotation
        else:
            return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
