"""The history of a pipeline: of each of its last runs what it was made of and what became of each row, without texts.

A run is `WORK/pipelines/NAME/history/run-000007.json`. What became of the rows of an output lies beside it, in files
named by the output's content, so runs that made the same share them: see `run.fates`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refinery.executors.base import Unit
from refinery.plan.derivations import Derivation, derivation, derivations_from
from refinery.plan.plan import PlannedShard
from refinery.run.context import Run
from refinery.run.decisions import decisions_tasks
from refinery.run.fates import FatesTask, keep_fates
from refinery.run.manifest import Manifest
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.marks import records_of
from refinery.storage.place import Place, files_below, read_many, remove_files
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.work_folder import pipeline_folder

FOLDER = "history"
RUNS = 10  # that are kept
COMPILED = 2.0  # seconds of kernels that are compiled already, see run.kernels
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


def keep_run(run: Run) -> None:
    """Adds a run to the history, unless it made what the last one made; of earlier ones RUNS stay.

    Raises OutputError, and DamagedFile for decisions that are not as they were written.
    """
    folder = pipeline_folder(run.plan.work, run.plan.graph.name) / FOLDER
    there = sorted(files_below(folder))
    missing = [task for name in run.manifests for task in _missing(run, folder, name, there)]
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


def _missing(run: Run, folder: Place, name: str, there: Collection[str]) -> Iterator[FatesTask]:
    """What of an output's decisions is not among the files that are there."""
    manifest = run.manifests[name]
    start, records = _start(name, manifest.fingerprint), records_of(run.plan.graph.output_paths[name])
    kept = [f"{start}{number:05}.parquet" for number in range(len(manifest.decisions))]
    if all(file in there for file in kept):
        return
    shards = _shards(run, name, len(kept))
    for file, decisions, mine in zip(kept, manifest.decisions, shards, strict=True):
        if file not in there:
            yield FatesTask(records / decisions.path, mine, folder / file)


def _shards(run: Run, output: str, files: int) -> list[tuple[PlannedShard, ...]]:
    """Those that each file of an output's decisions is about; none where nothing is known of them any more."""
    plan = run.plan
    if any(p.number not in run.records for one in plan.graph.stage_of(output).sources for p in plan.of(one)):
        return [()] * files
    tasks = decisions_tasks(plan, output, run.records, plan.own)
    return [tuple(shard.planned for shard in task.shards) for task in tasks]


def _start(output: str, fingerprint: str) -> str:
    return f"{output}-{fingerprint[:16]}-"


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
