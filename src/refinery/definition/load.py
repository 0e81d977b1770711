"""YAML to a `Pipeline`: safe loading, and errors with file, line, path, what was expected, nearest name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from refinery.definition import verbs
from refinery.definition.models import Pipeline, Stage, pipeline_model
from refinery.definition.yaml import Location, YamlFile, parse, read_text
from refinery.errors import DefinitionError, nearest


@dataclass(frozen=True)
class Definition:
    """A loaded definition: the models, where the file lies, and the places of its keys."""

    pipeline: Pipeline
    file: Path
    source: YamlFile

    @property
    def base(self) -> Path:
        """The folder that relative paths are relative to."""
        return self.file.parent

    def problem(self, location: Location, message: str) -> str:
        """One line of an error report: `file:line: path: message`."""
        return self.source.problem(location, message)


def load(file: Path) -> Definition:
    """Reads and validates a definition file.

    Raises DefinitionError with every problem of form at once (names and columns are checked later, by `check`).
    """
    parsed = parse(read_text(file, "file"), str(file))
    problems = parsed.problems()
    if not isinstance(parsed.content, dict):
        raise DefinitionError(f"{file}:1: expected a mapping with refinery, name, sources, stages, outputs")
    try:
        model = pipeline_model(verbs.settings(_stage_keys(parsed.content)))
        pipeline = model.model_validate(parsed.content)
    except ValidationError as error:
        problems += [parsed.problem(*_explain(entry, model)) for entry in error.errors()]
    if problems:
        raise DefinitionError(*dict.fromkeys(problems))
    return Definition(pipeline, file.absolute(), parsed)


def _stage_keys(content: dict[str, Any]) -> set[str]:
    """Keys that stages have beside those that every stage can have: verbs, or mistakes."""
    stages = content.get("stages")
    found = stages.values() if isinstance(stages, dict) else ()
    keys = {key for stage in found if isinstance(stage, dict) for key in stage if isinstance(key, str)}
    return keys.difference(_keys(Stage))


def _explain(entry: Any, pipeline: type[Pipeline]) -> tuple[Location, str]:
    """Turns a pydantic error into a location that exists in the file and a sentence."""
    location = tuple(part for part in entry["loc"] if not _is_union_tag(part))
    if entry["type"] == "extra_forbidden":
        model = _model_at(pipeline, location[:-1])
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
