"""The outputs of a definition: the stage of each, and a folder that is nothing else's."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path

from refinery.definition.load import Definition
from refinery.definition.outputs import Output
from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters.licence import LICENCE
from refinery.models.text_tokens import TextTokens, text_tokens
from refinery.plan.graph import OWN_OUTPUT, ResolvedStage
from refinery.plan.problems import Report
from refinery.sources.documents import SourceSpec
from refinery.storage.marks import has_neighbours, records_of
from refinery.storage.place import Place, lies_in, place_of, refuse_as_folder
from refinery.storage.url import is_url

DEFAULT_MEASUREMENTS = (
    LICENCE,
    "lang",
    "lang_score",
    "relevance",
    "quality",
    "importance",
    "neural",
    "tokens",
)


def output_folders(
    definition: Definition, sources: Mapping[str, SourceSpec], report: Report
) -> dict[str, Place]:
    """The folder of each output by name, and a report of all that is wrong with outputs."""
    folders: dict[str, Place] = {}
    for name, output in definition.pipeline.outputs.items():
        location = ("outputs", name, "path")
        if problem := _stage_problem(definition, output.from_):
            report(("outputs", name, "from"), problem)
        try:
            folder = _folder(output.path, definition.paths)
        except DefinitionError as error:
            for problem in error.problems:
                report(location, problem)
            continue
        mine = (folder, records_of(folder))
        for source, spec in sources.items():
            if any(lies_in(str(one), path) for path in spec.path for one in mine):
                report(location, f"it lies in the source {source!r}, which would read it; {OWN_OUTPUT}")
        for other, taken in folders.items():
            if any(_meet(one, its) for one in mine for its in (taken, records_of(taken))):
                report(location, f"the output {other!r} is written there too")
        folders[name] = folder
    return folders


def output_tokens(definition: Definition, report: Report) -> dict[str, TextTokens]:
    """What makes token ids, by the name of the output that has them, and a report of tokenizers that are wrong."""
    found: dict[str, TextTokens] = {}
    for name, output in definition.pipeline.outputs.items():
        if output.tokenize:
            try:
                path = definition.paths.file(output.tokenize.file)
                found[name] = text_tokens(path, output.tokenize.eod)
            except DefinitionError as error:
                for problem in error.problems:
                    report(("outputs", name, "tokenize"), problem)
            except InputError as error:
                report(("outputs", name, "tokenize"), str(error))
    return found


def wanted_measurements(output: Output) -> tuple[str, ...]:
    """The measurements that are written, as far as they are there: a licence always."""
    if output.tokenize:
        return ()
    chosen = DEFAULT_MEASUREMENTS if output.measurements is None else output.measurements
    return chosen if LICENCE in chosen else (*chosen, LICENCE)


def check_measurements(
    outputs: Mapping[str, Output],
    stages: Mapping[str, ResolvedStage],
    incomplete: Container[str],
    report: Report,
) -> None:
    """Reports the columns that an output asks for and no measurer makes; not of stages that are incomplete."""
    for name, output in outputs.items():
        stage = stages.get(output.from_)
        if stage is None or stage.name in incomplete:
            continue
        seen = {column for columns in stage.columns.values() for column in columns}
        for column in output.measurements or ():
            if column not in seen:
                message = f"no measurer makes the column {column!r}{nearest(column, seen)}"
                report(("outputs", name, "measurements"), message)


def _meet(one: Place, other: Place) -> bool:
    return lies_in(str(one), str(other)) or lies_in(str(other), str(one))


def _stage_problem(definition: Definition, stage: str) -> str:
    stages = definition.names("stages")
    if stage in stages:
        return ""
    if stage in definition.names("sources"):
        return f"{stage!r} is a source, and outputs are of stages; make one that only comes `from: {stage}`"
    return f"no stage {stage!r}{nearest(stage, stages)}"


def _folder(written: str, paths: Paths) -> Place:
    path = paths.expand(written)
    if not is_url(path):
        path = str(Path(path).resolve())
    elif problem := refuse_as_folder(path):
        raise DefinitionError(problem)
    try:
        folder = place_of(path)
    except InputError as error:
        raise DefinitionError(str(error)) from None
    if not has_neighbours(path):
        raise DefinitionError("its records lie in a folder beside it; name a folder below this one")
    return folder
