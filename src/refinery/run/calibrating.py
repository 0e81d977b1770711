"""Rules calibrated outside of any stage: a definition that does it alone, by sources of another one or by files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refinery.definition.load import Definition, load_content
from refinery.definition.yaml import YamlFile
from refinery.errors import InputError
from refinery.filters.calibration.rule_file import COMMAND, FIRST_LINE, rule_file
from refinery.plan.order import in_rounds
from refinery.run.make import with_found
from refinery.run.training import written_path
from refinery.storage.commit import commit_bytes
from refinery.storage.place import unreadable

if TYPE_CHECKING:
    from refinery.filters.calibration.account import Calibration
    from refinery.plan.plan import Plan

STAGE = "calibrated-rules"
NAME = "calibrate"  # of the pipeline, or what is added to the name of the one whose sources are read


@dataclass(frozen=True)
class Request:
    """What is to be calibrated: rules by what is measured, so that no more than `lose` of the trusted text is lost.

    trusted, junk: names of sources and stages, or files; rules, measure: as in the `keep` and `measure` of a stage.
    """

    trusted: Sequence[str]
    junk: Sequence[str]
    rules: Sequence[str | Mapping[str, Any]]
    measure: Sequence[str | Mapping[str, Any]]
    lose: str | float

    def stage(self, trusted: Sequence[str], junk: Sequence[str]) -> dict[str, Any]:
        """The stage that calibrates by these names."""
        calibrate = {"trusted": [*trusted], "junk": [*junk], "lose": self.lose}
        return {
            "from": [*trusted],
            "measure": [*self.measure],
            "keep": [*self.rules],
            "calibrate": calibrate,
        }


def of_files(request: Request, text: str, base: Path) -> Definition:
    """A definition that calibrates by files, folders, globs or URLs; raises DefinitionError."""
    parts = {"trusted": request.trusted, "junk": request.junk}
    sources = {
        part: {"path": [written_path(path) for path in paths], "text": text}
        for part, paths in parts.items()
        if paths
    }
    stage = request.stage(["trusted"], [part for part in sources if part == "junk"])
    content = {"refinery": 1, "name": NAME, "sources": sources, "stages": {STAGE: stage}}
    return load_content(YamlFile("", content), base)


def of_sources(request: Request, definition: Definition, roots: Mapping[str, str]) -> Definition:
    """A definition that calibrates by sources and stages of another one, and makes of that what it needs.

    Raises DefinitionError.
    """
    content = deepcopy(definition.source.content)
    stages = _above(content.get("stages", {}), [*request.trusted, *request.junk])
    if not stages:  # then models and all that leads to outputs is of no use
        wanted = {*request.trusted, *request.junk}
        content["sources"] = {k: v for k, v in content["sources"].items() if k in wanted} or content[
            "sources"
        ]
        content["models"] = {k: v for k, v in content.get("models", {}).items() if "file" in v}
        content.pop("protect", None)
    content.pop("outputs", None)
    content["stages"] = {**stages, STAGE: request.stage(request.trusted, request.junk)}
    content["name"] = f"{content['name']}-{NAME}"
    return load_content(YamlFile("", {k: v for k, v in content.items() if v}), definition.base, roots)


def _above(stages: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The stages among names, and all that they come from."""
    given = {name: stage.get("from", []) for name, stage in stages.items()}
    parents = {name: [one] if isinstance(one, str) else one for name, one in given.items()}
    wanted = {name for name in names if name in stages}
    for name in reversed(in_rounds({name: [p for p in of if p in stages] for name, of in parents.items()})):
        if name in wanted:
            wanted.update(parent for parent in parents[name] if parent in stages)
    return {name: stage for name, stage in stages.items() if name in wanted}


def calibrations_of(plan: Plan) -> dict[str, Calibration]:
    """What is known of the stages of a plan that calibrate, by stage; raises DamagedFile."""
    stages = with_found(plan).graph.stages
    return {name: stage.calibration for name, stage in stages.items() if stage.calibration}


def write_rule_file(found: Calibration, file: Path) -> None:
    """Writes moved rules; raises InputError for a file that somebody else wrote or a folder, OutputError."""
    try:
        others = file.exists() and not file.read_text("utf-8", "replace").startswith(FIRST_LINE)
    except OSError as error:
        raise unreadable(str(file), error) from None
    if others:
        raise InputError(str(file), f"is not one that {COMMAND} wrote", "choose another name")
    commit_bytes(file, rule_file(found).encode())
