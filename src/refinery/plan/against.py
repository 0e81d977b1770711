"""Reading an earlier run's output as the corpus that a verb's `against` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError
from refinery.plan.graph import ResolvedStage, against_source
from refinery.sources.documents import SourceSpec
from refinery.storage.marks import DATA, MANIFEST, has_neighbours, records_of
from refinery.storage.place import Place, place_of, read_file, refuse_secrets, unreadable
from refinery.storage.url import is_url, redact


def earlier_folder(written: str, paths: Paths) -> Place:
    """The folder that `against` names; raises DefinitionError for an unknown root, and for a URL with a login."""
    path = paths.expand(written)
    if not is_url(path):
        return Path(path).resolve()
    if problem := refuse_secrets(path):
        raise DefinitionError(problem)
    return place_of(path)


def earlier_spec(stage: ResolvedStage, paths: Paths) -> SourceSpec | None:
    """The source made of exactly the files that the manifest lists of the earlier run that the verb names, if any.

    Raises InputError when there is no manifest to be read, or one of no document.
    """
    if stage.verb is None or not stage.verb.against:
        return None
    folder = earlier_folder(stage.verb.against, paths)
    hint = f"{stage.verb.name}.against wants the output folder of a finished run"
    manifest = read_manifest(folder, hint)
    if not manifest["files"]:
        raise InputError(redact(str(folder)), "the run that wrote it has kept no document", hint)
    return output_source(against_source(stage.name), folder, manifest)


def read_manifest(folder: Place, hint: str) -> dict[str, Any]:
    """What the manifest of an output folder says; raises InputError, with the hint where there is none."""
    if not has_neighbours(str(folder)):
        raise InputError(redact(str(folder)), "is no output's folder", hint)
    file = records_of(folder) / MANIFEST
    try:
        manifest: dict[str, Any] = orjson.loads(read_file(file))
        strange = [entry["path"] for entry in manifest["files"] if not DATA.fullmatch(entry["path"])]
        if strange:
            raise ValueError(f"it names {strange[0]!r}, which is no data file of an output")
    except FileNotFoundError:
        raise InputError(
            redact(str(folder)), f"there is no {file.parent.name}/{MANIFEST} beside it", hint
        ) from None
    except OSError as error:
        raise unreadable(str(file), error) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(redact(str(file)), f"not a run's manifest: {error}") from None
    return manifest


def output_source(name: str, folder: Place, manifest: dict[str, Any]) -> SourceSpec:
    """The source made of exactly the files that an output's manifest lists; raises InputError for token ids."""
    if manifest.get("tokenised"):
        raise InputError(redact(str(folder)), "it holds token ids, no texts", "give an output of texts")
    paths = tuple(str(folder / entry["path"]) for entry in manifest["files"])
    return SourceSpec(name=name, path=paths, text="text", id="id", on_error="fail")
