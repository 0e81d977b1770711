"""YAML to a `Pipeline`: safe loading, and errors with file, line, path, what was expected, nearest name."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from refinery.definition.models import Pipeline, Stage, pipeline_model
from refinery.definition.paths import ModelUse, Paths
from refinery.definition.registry import VERBS
from refinery.definition.validate import Invalid, keys_of, validate
from refinery.definition.yaml import Location, YamlFile, parse, read_text
from refinery.errors import DefinitionError, nearest


@dataclass(frozen=True)
class Definition:
    """A loaded definition: its sound parts as models, the places of its keys, what its paths stand for.

    base: the folder that relative paths are relative to; problems: what is wrong with the form of its other parts,
    whose places are `broken`; limit: documents of each source that are read, 0: all.
    """

    pipeline: Pipeline
    base: Path
    source: YamlFile
    paths: Paths
    problems: tuple[str, ...] = ()
    broken: frozenset[Location] = frozenset()
    limit: int = 0

    def limited(self, documents: int) -> Definition:
        """The definition of a run over a sample of so many documents of each source, but of protected ones.

        It is a pipeline of its own, with outputs beside those of the whole. Raises DefinitionError for none.
        """
        if documents < 1:
            raise DefinitionError(f"limit: expected at least 1 document of each source, got {documents}")
        name, pipeline = f"limit-{documents}", self.pipeline
        outputs = {
            key: one.model_copy(update={"path": f"{one.path.rstrip('/')}-{name}"})
            for key, one in pipeline.outputs.items()
        }
        named = pipeline.model_copy(update={"name": f"{pipeline.name}-{name}", "outputs": outputs})
        return replace(self, pipeline=named, limit=documents)

    def is_broken(self, *location: str) -> bool:
        """Whether this part, or one in it, is left out because of its form."""
        return any(place[: len(location)] == location for place in self.broken)

    def names(self, kind: str) -> list[str]:
        """The names of all `sources`, `stages`, `roots` or `models`, of those too that are left out."""
        return [*getattr(self.pipeline, kind), *_left_out(self.broken, kind)]


def load(file: Path, roots: Mapping[str, str] | None = None) -> Definition:
    """Reads a definition; `roots` stand in place of those of the same name in it.

    What is wrong with its form is noted, and the rest can be checked; raises DefinitionError with all of it when
    there is no rest.
    """
    parsed = parse(read_text(file, "file"), str(file))
    if not isinstance(parsed.content, dict):
        raise DefinitionError(f"{file}:1: expected a mapping with refinery, name, sources, stages, outputs")
    return load_content(parsed, file.absolute().parent, roots)


def load_content(parsed: YamlFile, base: Path, roots: Mapping[str, str] | None = None) -> Definition:
    """As `load`, of a mapping that is there already; raises DefinitionError."""
    problems = parsed.problems()
    model = pipeline_model(VERBS.settings(_stage_keys(parsed.content)))
    pipeline, wrong, broken = _sound_part(parsed.content, model)
    problems += [parsed.problem(place, message) for place, message in wrong]
    problems += [
        parsed.problem((kind,), "expected one at least")
        for kind in ("sources", "stages", "outputs")
        if parsed.content.get(kind) == {}
    ]
    if pipeline is None:
        raise DefinitionError(*dict.fromkeys(problems))
    paths, wrong = _paths(pipeline, base, roots or {}, broken)
    problems += [parsed.problem(place, message) if place else message for place, message in wrong]
    return Definition(pipeline, base, parsed, paths, tuple(dict.fromkeys(problems)), frozenset(broken))


def _stage_keys(content: dict[str, Any]) -> set[str]:
    """Keys that stages have beside those that every stage can have: verbs, or mistakes."""
    stages = content.get("stages")
    found = stages.values() if isinstance(stages, dict) else ()
    keys = {key for stage in found if isinstance(stage, dict) for key in stage if isinstance(key, str)}
    return keys.difference(keys_of(Stage))


def _sound_part(
    content: dict[str, Any], model: type[Pipeline]
) -> tuple[Pipeline | None, list[tuple[Location, str]], set[Location]]:
    """What is left without all that has a wrong form, what is wrong, and what was left out."""
    left, broken = copy.deepcopy(content), set[Location]()
    wrong: list[tuple[Location, str]] = []
    while True:
        try:
            return validate(model, left), wrong, broken
        except Invalid as error:
            # what is wrong in a later round is so by what was left out
            wrong = wrong or [(place, _pasted(content, place) or message) for place, message in error.found]
            # of a list nothing is left: the places of its other items would change
            places = {tuple(takewhile(lambda part: isinstance(part, str), place)) for place, _ in error.found}
            if any(len(place) < 2 for place in places) or places <= broken:
                return None, wrong, broken
            broken |= places
            for place in places:
                _remove(left, place)


def _remove(content: Any, place: Location) -> None:
    for part in place[:-1]:
        content = content.get(part) if isinstance(content, dict) else None
    if isinstance(content, dict):
        content.pop(place[-1], None)


def _left_out(broken: Iterable[Location], kind: str) -> list[str]:
    return sorted(str(place[1]) for place in broken if place[0] == kind and len(place) == 2)


def _pasted(content: dict[str, Any], place: Location) -> str:
    """For an output that does not say which stage it is of, as earlier definitions: what to write."""
    if len(place) != 2 or place[0] != "outputs":
        return ""
    name, output = str(place[1]), content["outputs"][place[1]]
    if not isinstance(output, dict) or "from" in output:
        return ""
    stages = content.get("stages")
    stage = name if isinstance(stages, dict) and name in stages else "STAGE"
    written = yaml.safe_dump(
        {name: {"from": stage, **output}}, default_flow_style=True, sort_keys=False, width=10**6
    )
    return f"say which stage it is: {written.strip()[1:-1]}"


def _paths(
    pipeline: Pipeline, base: Path, given: Mapping[str, str], broken: set[Location]
) -> tuple[Paths, list[tuple[Location, str]]]:
    """What paths stand for, and what is wrong with roots and models."""
    wrong: list[tuple[Location, str]] = [
        ((), f"--root {name}: the definition has no root {name!r}{nearest(name, pipeline.roots)}")
        for name in given
        if name not in pipeline.roots
    ]
    roots: dict[str, str | None] = dict.fromkeys(_left_out(broken, "roots")) | pipeline.roots | dict(given)
    models: dict[str, ModelUse | None] = dict.fromkeys(_left_out(broken, "models"))
    for name, model in pipeline.models.items():
        models[name] = None
        try:
            models[name] = (
                ModelUse(Paths(base, roots).file(model.file))
                if model.file
                else ModelUse(None, name, model.training)
            )
        except DefinitionError as error:
            wrong += [(("models", name, "file"), problem) for problem in error.problems]
    return Paths(base, roots, models), wrong
