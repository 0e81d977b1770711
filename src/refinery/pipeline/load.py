"""YAML to a `Pipeline`: safe loading, and errors with file, line, path, what was expected, nearest name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from refinery.errors import DefinitionError, nearest
from refinery.pipeline.models import Pipeline

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Definition:
    """A loaded definition: the models, where the file lies, and the line of every path in it."""

    pipeline: Pipeline
    file: Path
    lines: dict[Location, int]

    @property
    def base(self) -> Path:
        """The folder that relative paths are relative to."""
        return self.file.parent

    def problem(self, location: Location, message: str) -> str:
        """One line of an error report: `file:line: path: message`."""
        return _problem(self.file, self.lines, location, message)


def load(file: Path) -> Definition:
    """Reads and validates a definition file.

    Raises DefinitionError with every problem of form at once (names and columns are checked later, by `check`).
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{file}: cannot be read: {error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines, repeated = _walk(node)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DefinitionError(
            f"{file}:{mark.line + 1 if mark else 1}: not valid YAML: {error.problem}"
        ) from None
    except yaml.YAMLError as error:
        raise DefinitionError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    problems = [_problem(file, lines, location, "this key is written twice") for location in repeated]
    if not isinstance(content, dict):
        raise DefinitionError(f"{file}:1: expected a mapping with refinery, name, sources, stages, outputs")
    try:
        pipeline = Pipeline.model_validate(content)
    except ValidationError as error:
        problems += [_problem(file, lines, *_explain(entry)) for entry in error.errors()]
    if problems:
        raise DefinitionError(*dict.fromkeys(problems))
    return Definition(pipeline, file.absolute(), lines)


def _walk(root: yaml.Node | None) -> tuple[dict[Location, int], list[Location]]:
    lines: dict[Location, int] = {}
    repeated: list[Location] = []
    stack: list[tuple[Location, yaml.Node | None]] = [((), root)]
    while stack:
        location, node = stack.pop()
        if node is None or len(location) > 40:
            continue
        lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                path = (*location, str(key.value))
                if key.value in seen:
                    repeated.append(path)
                seen.add(str(key.value))
                lines[path] = key.start_mark.line + 1
                stack.append((path, value))
        elif isinstance(node, yaml.SequenceNode):
            stack += [((*location, index), value) for index, value in enumerate(node.value)]
    return lines, repeated


def _problem(file: Path, lines: dict[Location, int], location: Location, message: str) -> str:
    known = location
    while known and known not in lines:
        known = known[:-1]
    path = ".".join(str(part) for part in location)
    return f"{file}:{lines.get(known, 1)}: {path + ': ' if path else ''}{message}"


def _explain(entry: Any) -> tuple[Location, str]:
    """Turns a pydantic error into a location that exists in the file and a sentence."""
    location = tuple(part for part in entry["loc"] if not _is_union_tag(part))
    if entry["type"] == "extra_forbidden":
        model = _model_at(Pipeline, location[:-1])
        valid = _keys(model) if model else []
        return location, f"unknown key{nearest(str(location[-1]), valid)}"
    if entry["type"] == "missing":
        return location[:-1], f"the key {location[-1]!r} is missing"
    message = entry["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
    message = message.replace("valid dictionary", "mapping")
    given = entry.get("input")
    shown = (
        f", got {given!r}"
        if isinstance(given, (str, int, float, bool)) and repr(given) not in message
        else ""
    )
    return location, message[:1].lower() + message[1:] + shown


def _is_union_tag(part: str | int) -> bool:
    return isinstance(part, str) and (
        part in {"str", "RuleSetUse"} or part.startswith(("dict[", "constrained-"))
    )


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model that validates the mapping at `location`, by following annotations."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for n, f in current.model_fields.items() if (f.alias or n) == part), None)
            if field is None:
                return None
            current = field.annotation
        else:
            current = get_args(current)[-1] if get_args(current) else None
        current = _strip_optional(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _strip_optional(annotation: Any) -> Any:
    arguments = [a for a in get_args(annotation) if a is not type(None)]
    if type(None) in get_args(annotation) and len(arguments) == 1:
        return arguments[0]
    return annotation
