"""A model outside of any pipeline: a definition that makes it alone, and its files beside the definition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from refinery.definition.values import NAME
from refinery.errors import InputError
from refinery.models.card import CARD
from refinery.plan.plan import RECORD, Plan
from refinery.run.generated import write_generated
from refinery.run.make import with_found
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.url import is_url, local_path

DEFINITION = "pipeline.yaml"


def write_definition(
    out: Path, kind: str, parts: Mapping[str, Sequence[str]], text: str, settings: Mapping[str, object]
) -> Path:
    """Writes the definition of a model into its folder and gives the file.

    kind: the word for it, such as `train`; parts: files, folders, globs or URLs by the part that their documents
    play; text: their text column; settings: of the training.
    Raises InputError for a folder with a definition that was changed or is of somebody else.
    """
    file = out / DEFINITION
    named = {
        part: {_source_name(part, n, paths): path for n, path in enumerate(paths, 1)}
        for part, paths in parts.items()
    }
    sources = {
        name: {"path": written_path(path), "text": text, "on_error": "fail"}
        for one in named.values()
        for name, path in one.items()
    }
    training = {kind: {**{part: list(one) for part, one in named.items()}, **settings}}
    content = {
        "refinery": 1,
        "name": out.name if re.match(NAME, out.name) else "model",
        "sources": sources,
        "models": {"model": training},
    }
    written = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    write_generated(file, "refinery train", written, "give the model another folder")
    return file


def _source_name(part: str, number: int, paths: Sequence[str]) -> str:
    """Each path is a source of its own, which a model card judges by itself."""
    return part if len(paths) == 1 else f"{part}-{number}"


def written_path(path: str) -> str:
    """A path of the command line as a definition in another folder has it."""
    absolute = path if is_url(path) else str(Path(local_path(path)).absolute())
    return absolute.replace("{", "{{").replace("}", "}}")


def take_model(plan: Plan, name: str, out: Path) -> Path:
    """Copies the files of a model that a run of the plan has made; gives their folder.

    There is no moment with a new model and an old card. Raises InputError if the model is not there.
    """
    use = with_found(plan).graph.definition.paths.model(name)
    if use.path is None:
        raise InputError(name, "the model is not made yet", "run its definition")
    make_directory(out)
    (out / CARD).unlink(missing_ok=True)
    files = sorted(use.path.iterdir(), key=lambda file: file.name == CARD)
    for file in files:
        if file.name != RECORD:
            commit_bytes(out / file.name, file.read_bytes())
    return out
