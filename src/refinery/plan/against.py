"""Reading an earlier run's output as the corpus that `dedup.against` compares with."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import orjson

from refinery.errors import InputError
from refinery.plan.graph import ResolvedStage, against_source
from refinery.storage.filesystem import is_url, local, shown
from refinery.storage.outputs import MANIFEST
from refinery.storage.place import Place, place_of
from refinery.storage.shards import SourceSpec


def earlier_folder(path: str, base: Path) -> Place:
    """The folder that `dedup.against` names, relative to the definition's."""
    return place_of(path) if is_url(path) else (base / local(path)).resolve()


def earlier_spec(stage: ResolvedStage, base: Path) -> SourceSpec:
    """The source made of exactly the files that the earlier run's manifest lists."""
    folder = earlier_folder(stage.dedup.against if stage.dedup and stage.dedup.against else "", base)
    manifest = folder / MANIFEST
    try:
        names = [entry["path"] for entry in orjson.loads(manifest.read_bytes())["files"]]
        if any(name != PurePosixPath(name).name for name in names):
            raise ValueError("it names files outside of its folder")
        paths = tuple(str(folder / name) for name in names)
    except FileNotFoundError:
        hint = "dedup.against wants the output folder of a finished run"
        raise InputError(shown(str(folder)), "there is no manifest.json", hint) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(shown(str(manifest)), f"not a run's manifest: {error}") from None
    return SourceSpec(name=against_source(stage.name), path=paths, text="text", id="id", on_error="fail")
