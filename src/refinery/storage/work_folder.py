"""The work folder, which pipelines share, and the folder in it that is a pipeline's own.

Results lie under keys, for whoever needs them. What tells of a run (its status, its log, what it needs) or serves it
alone (scratch, copies of models) lies in `WORK/pipelines/NAME`, which one run at a time holds.
"""

from __future__ import annotations

from pathlib import Path

from refinery.errors import OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place, folders_in

PIPELINES = "pipelines"


def make_work_folder(work: Place) -> None:
    """Makes the folder, unless it is there; Git leaves a new one alone. Raises OutputError when it cannot be made."""
    if isinstance(work, Path) and not work.exists():
        try:
            make_directory(work)
        except OutputError as error:
            raise OutputError(
                f"{error}; --work names another folder for measurements and decisions"
            ) from None
        commit_bytes(work / ".gitignore", b"*\n", scratch=True)


def pipeline_folder(work: Place, pipeline: str) -> Place:
    """What is a pipeline's own."""
    return work / PIPELINES / pipeline


def pipelines_in(work: Place) -> list[str]:
    """The names of the pipelines that have run in a work folder."""
    return sorted(folders_in(work / PIPELINES))
