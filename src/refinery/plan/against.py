"""Reading an earlier run's output as the corpus that a verb's `against` names."""

from __future__ import annotations

from pathlib import Path

import orjson

from refinery.errors import InputError
from refinery.plan.graph import ResolvedStage, against_source
from refinery.storage.documents import SourceSpec
from refinery.storage.marks import DATA, MANIFEST
from refinery.storage.place import Place, place_of, read_file, unreadable
from refinery.storage.url import is_url, local, shown


def earlier_folder(path: str, base: Path) -> Place:
    """The folder that `against` names, relative to the definition's."""
    return place_of(path) if is_url(path) else (base / local(path)).resolve()


def earlier_spec(stage: ResolvedStage, base: Path) -> SourceSpec:
    """The source made of exactly the files that the earlier run's manifest lists; raises InputError."""
    folder = earlier_folder(stage.verb.against if stage.verb and stage.verb.against else "", base)
    manifest = folder / MANIFEST
    try:
        names = [entry["path"] for entry in orjson.loads(read_file(manifest))["files"]]
        strange = [name for name in names if not DATA.fullmatch(name)]
        if strange:
            raise ValueError(f"it names {strange[0]!r}, which is no data file of an output")
        paths = tuple(str(folder / name) for name in names)
    except FileNotFoundError:
        hint = f"{stage.verb.name if stage.verb else ''}.against wants the output folder of a finished run"
        raise InputError(shown(str(folder)), "there is no manifest.json", hint) from None
    except OSError as error:
        raise unreadable(str(manifest), error) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(shown(str(manifest)), f"not a run's manifest: {error}") from None
    return SourceSpec(name=against_source(stage.name), path=paths, text="text", id="id", on_error="fail")
