"""The history of a pipeline: of each of its last runs what it was made of and what became of each row, without texts.

A run is `WORK/pipelines/NAME/history/run-000007.json`. What became of the rows of an output lies beside it, in files
named by the output's content, so runs that made the same share them. A file has a row for each of the decisions:
source, path, stage and rule repeat, and in place of the row in its file stands the distance from the row before, so a
million documents take some kilobytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from refinery.executors.base import Unit
from refinery.plan.derivations import Derivation, derivation, derivations_from
from refinery.run.context import Run
from refinery.run.manifest import Manifest
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.marks import records_of
from refinery.storage.place import Place, files_below, read_many, remove_files
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.tables import read_batches
from refinery.storage.work_folder import pipeline_folder
from refinery.storage.write import TableWriter

FOLDER = "history"
RUNS = 10  # that are kept
COMPILED = 2.0  # seconds of kernels that are compiled already, see run.kernels
FATES = pa.schema([("source", pa.string()), ("path", pa.string()), ("row", pa.int64()),
                   ("stage", pa.string()), ("rule", pa.string())])  # fmt: skip
_RUN = re.compile(r"run-(\d{6})\.json")


@dataclass(frozen=True)
class PastRun:
    """A finished run; derivations: what its results were made of; outputs: manifests without lists of files.

    seconds: that it took without compiling kernels; estimated: that it was to take, see run.cost, 0 if not known.
    """

    number: int
    folder: Place
    derivations: Mapping[str, Derivation]
    outputs: Mapping[str, Manifest]
    seconds: float = 0.0
    estimated: float = 0.0

    @property
    def keys(self) -> dict[str, str]:
        """The fingerprints of its outputs."""
        return {name: manifest.fingerprint for name, manifest in self.outputs.items()}

    def files(self, output: str) -> list[Place]:
        """What became of each row on the way to an output, in the order of its decisions."""
        start = _start(output, self.outputs[output].fingerprint)
        return [self.folder / name for name in sorted(files_below(self.folder)) if name.startswith(start)]


@dataclass(frozen=True)
class _Task:
    """Decisions of an output, and where they are kept."""

    decisions: Place
    kept: Place


def keep_run(run: Run) -> None:
    """Adds a run to the history, unless it made what the last one made; of earlier ones RUNS stay.

    Raises OutputError, and DamagedFile for decisions that are not as they were written.
    """
    folder = pipeline_folder(run.plan.work, run.plan.graph.name) / FOLDER
    there = sorted(files_below(folder))
    tasks = [task for name, manifest in run.manifests.items() for task in _tasks(run, folder, name, manifest)]
    missing = [task for task in tasks if task.kept.name not in there]
    runs = [name for name in there if _RUN.fullmatch(name)]
    last = _read(folder, runs[-1:])
    keys = {name: manifest.fingerprint for name, manifest in run.manifests.items()}
    if not keys or (last and not missing and keys == last[0].keys):
        return
    make_directory(folder)
    run.map("history", keep_fates, [Unit(task.kept.name, task) for task in missing])
    outputs = {name: _in_short(run.manifests[name]) for name in run.plan.graph.outputs}
    derivations = {name: derivation(result) for name, result in run.plan.results.items()}
    number = _number(runs[-1]) + 1 if runs else 1
    took = {"seconds": _seconds(run), "estimated": run.estimated}
    content = sealed_json({"derivations": derivations, "outputs": outputs, **took})
    commit_bytes(folder / f"run-{number:06}.json", content, scratch=True)
    remove_files([folder / name for name in _old(folder)])


def _seconds(run: Run) -> float:
    compiling = max(run.seconds.get("kernels", 0.0) - COMPILED, 0.0)
    return run.elapsed - compiling


def _in_short(manifest: Manifest) -> dict[str, Any]:
    lists: dict[str, Any] = {"files": (), "decisions": (), "rejects": (), "file_keys": {}}
    return manifest.model_copy(update=lists).model_dump(mode="json")


def _old(folder: Place) -> list[str]:
    """The files of runs but the last, and what no run names."""
    there = sorted(files_below(folder))
    runs = [name for name in there if _RUN.fullmatch(name)][-RUNS:]
    starts = tuple(_start(*one) for run in _read(folder, runs) for one in run.keys.items())
    return [name for name in there if name not in runs and not (starts and name.startswith(starts))]


def _tasks(run: Run, folder: Place, name: str, manifest: Manifest) -> Iterator[_Task]:
    records = records_of(run.plan.graph.output_paths[name])
    for number, file in enumerate(manifest.decisions):
        yield _Task(records / file.path, folder / f"{_start(name, manifest.fingerprint)}{number:05}.parquet")


def _start(output: str, fingerprint: str) -> str:
    return f"{output}-{fingerprint[:16]}-"


def keep_fates(task: _Task) -> None:
    """Keeps what became of the rows of a file of decisions."""
    last = 0
    with TableWriter(task.kept, FATES, scratch=True) as writer:
        for batch in read_batches(task.decisions):
            rows = batch.column("row").to_numpy()
            distance = pa.array(np.diff(rows, prepend=last))
            last = int(rows[-1]) if len(rows) else last
            columns = [distance if name == "row" else batch.column(name) for name in FATES.names]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=FATES))


def read_fates(file: Place) -> Iterator[pa.RecordBatch]:
    """Source, path, row, stage and rule of each row, see FATES; raises DamagedFile."""
    last = 0
    for batch in read_batches(file):
        rows = np.cumsum(batch.column("row").to_numpy()) + last
        last = int(rows[-1]) if len(rows) else last
        yield batch.set_column(FATES.get_field_index("row"), "row", pa.array(rows))


def past_runs(work: Place, pipeline: str) -> list[PastRun]:
    """The runs of a pipeline that are kept in a work folder, oldest first; a damaged one is none."""
    folder = pipeline_folder(work, pipeline) / FOLDER
    return _read(folder, [name for name in sorted(files_below(folder)) if _RUN.fullmatch(name)])


def _read(folder: Place, names: Sequence[str]) -> list[PastRun]:
    found = []
    for name, content in zip(names, read_many([folder / name for name in names]), strict=True):
        try:
            known = read_sealed_json(content or b"")
            derivations = derivations_from(known["derivations"])
            outputs = {key: Manifest.model_validate(one) for key, one in known["outputs"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        took = known.get("seconds", 0.0), known.get("estimated", 0.0)
        found.append(PastRun(_number(name), folder, derivations, outputs, *took))
    return found


def _number(run: str) -> int:
    return int(run.removeprefix("run-").removesuffix(".json"))
