"""Reading an earlier run's output as the corpus that `dedup.against` compares with."""

from __future__ import annotations

from pathlib import Path

import orjson

from refinery.definition.paths import Paths
from refinery.errors import InputError
from refinery.plan.graph import ResolvedStage, against_source
from refinery.storage.outputs import DATA, MANIFEST
from refinery.storage.place import Place, place_of, read_file
from refinery.storage.shards import SourceSpec, unreadable
from refinery.storage.url import is_url, shown


def earlier_folder(written: str, paths: Paths) -> Place:
    """The folder that `dedup.against` names; raises DefinitionError for an unknown root."""
    path = paths.expand(written)
    return place_of(path) if is_url(path) else Path(path).resolve()


def earlier_spec(stage: ResolvedStage, paths: Paths) -> SourceSpec:
    """The source made of exactly the files that the earlier run's manifest lists; raises InputError."""
    folder = earlier_folder(stage.dedup.against if stage.dedup and stage.dedup.against else "", paths)
    manifest = folder / MANIFEST
    try:
        names = [entry["path"] for entry in orjson.loads(read_file(manifest))["files"]]
        strange = [name for name in names if not DATA.fullmatch(name)]
        if strange:
            raise ValueError(f"it names {strange[0]!r}, which is no data file of an output")
        files = tuple(str(folder / name) for name in names)
    except FileNotFoundError:
        hint = "dedup.against wants the output folder of a finished run"
        raise InputError(shown(str(folder)), "there is no manifest.json", hint) from None
    except OSError as error:
        raise unreadable(str(manifest), error) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(shown(str(manifest)), f"not a run's manifest: {error}") from None
    return SourceSpec(name=against_source(stage.name), path=files, text="text", id="id", on_error="fail")
