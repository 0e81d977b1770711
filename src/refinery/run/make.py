"""Models and counts: files that a run makes of documents, in a folder named by what they are made of.

A maker writes on this machine's disk; the files are then committed one by one, and last a record with the hash of
each. What is on an object store is fetched once a run, since models are read from a disk.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import xxhash

from refinery.errors import DamagedFile, DefinitionError
from refinery.models.maker import Inputs, Made
from refinery.plan.plan import RECORD, VERBS, Plan, with_cuts
from refinery.plan.resolve import resolve
from refinery.plan.result import Result
from refinery.run.context import Run
from refinery.run.verbs import documents_of
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place, read_file, remove_scratch, remove_tree
from refinery.storage.sealed import read_sealed_json, sealed_json


def make(run: Run, result: Result) -> Made:
    """The files of a model or a count, made if they are not there; raises DamagedFile."""
    place = run.plan.made_folder(result.name)
    found = find_made(place)
    run.checked(result, result.kind.value, int(found is not None), int(found is None))
    if found is None:
        _make(run, result, place)
        found = find_made(place)
    if found is None:
        raise DamagedFile(str(place), "it is gone as soon as it was made")
    return found


def with_found(plan: Plan) -> Plan:
    """The plan with all models and counts that are there already; raises DamagedFile."""
    made: dict[str, Made] = {}
    while True:  # what is there may be what another was made of
        there = {name: find_made(plan.made_folder(name)) for name in plan.graph.makings if name not in made}
        found = {name: one for name, one in there.items() if one}
        if not found:
            return plan
        made |= found
        plan = with_made(plan, made)


def with_usable(plan: Plan) -> Plan:
    """As `with_found`; without any where one is damaged or cannot be used, which a run mends or tells."""
    try:
        return with_found(plan)
    except (DamagedFile, DefinitionError):
        return plan


def with_made(plan: Plan, made: Mapping[str, Made]) -> Plan:
    """The plan in which what needs models and counts knows their content."""
    return with_cuts(replace(plan, graph=resolve(plan.graph.definition, made, plan.graph.cuts), made=made))


def find_made(place: Place) -> Made | None:
    """What lies in the folder of a model or a count, if all of it is there; raises DamagedFile."""
    try:
        record = read_sealed_json(read_file(place / RECORD))
    except FileNotFoundError:
        return None
    except ValueError:
        raise DamagedFile(str(place / RECORD), "its record is not as it was written") from None
    files: dict[str, str] = record["files"]
    local = place if isinstance(place, Path) else _fetched(place, files)
    for name, digest in files.items():
        if not (local / name).exists() or xxhash.xxh3_128_hexdigest((local / name).read_bytes()) != digest:
            raise DamagedFile(str(place / RECORD), f"{name} is not as it was written")
    return Made(local, record["content"])


def _fetched(place: Place, files: dict[str, str]) -> Path:
    """A copy on this machine's disk of files on an object store, by name and digest, made once a process."""
    folder = _copies() / xxhash.xxh3_64_hexdigest(str(place).encode())
    folder.mkdir(exist_ok=True)
    for name, digest in files.items():
        copy = folder / name
        if not copy.exists() or xxhash.xxh3_128_hexdigest(copy.read_bytes()) != digest:
            commit_bytes(copy, read_file(place / name))
    return folder


@cache
def _copies() -> Path:
    """A folder of this process alone, removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="refinery-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_MOST = 3  # rules that are named of each part


def _dropped_above(run: Run, result: Result, inputs: Inputs) -> Iterator[str]:
    """By part of a model, how many documents pass the rules above it and which dropped most; if one did."""
    graph = run.plan.graph
    for part, names in graph.inputs_of(graph.makings[result.name]).items():
        above = {one: None for name in names if name in graph.stages for one in graph.ancestors(name)}
        dropped, arrived = Counter[tuple[str, str, str]](), Counter[tuple[str, str]]()
        for stage in above:
            for planned in run.plan.reaching(graph.stages[stage]):
                tally, source = run.tallies[stage, planned.number], planned.spec.name
                arrived[stage, source] += tally.arrived.documents
                for rule, account in tally.rules.items():
                    dropped[stage, source, rule] += account.dropped.documents
        if told := [
            f"{count:,} of {arrived[stage, source]:,} of {source} by the rule {rule!r} of {stage}"
            for (stage, source, rule), count in dropped.most_common(_MOST)
            if count
        ]:
            comes = sum(shard.arrived for shard in inputs[part])
            yield f"{part}: {comes:,} documents pass the rules above it, which dropped {'; '.join(told)}"


def _placed(run: Run, result: Result, error: DefinitionError) -> DefinitionError:
    """The error with the place of the model in the definition."""
    source = run.plan.graph.definition.source
    # a model's steps are no keys of a definition
    place = ("models", result.of.name) if result.of.kind == "model" else tuple(result.name.split("."))
    return DefinitionError(*(source.problem(place, problem) for problem in error.problems))


def _make(run: Run, result: Result, place: Place) -> None:
    making = run.plan.graph.makings[result.name]
    inputs = {
        part: [shard for name in names for shard in documents_of(run, name, making)]
        for part, names in run.plan.graph.inputs_of(making).items()
    }
    maker = making.maker.reading([run.plan.made_folder(name) for name in making.maker.results])
    work = run.plan.own / VERBS / result.key
    remove_tree(work)  # what a run that was killed left
    make_directory(work)
    with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
        try:
            maker.make(inputs, run.map_units(result.of), Path(folder), work)
        except DefinitionError as error:
            dropped = _dropped_above(run, result, inputs)
            raise _placed(run, result, DefinitionError(*error.problems, *dropped)) from None
        commit_made(place, Path(folder))
    remove_scratch(work)


def commit_made(place: Place, folder: Path) -> None:
    """Commits the files of a folder to where they are found, the record last; raises OutputError."""
    make_directory(place)
    digests = {}
    for file in sorted(folder.iterdir()):
        commit_bytes(place / file.name, content := file.read_bytes())
        digests[file.name] = xxhash.xxh3_128_hexdigest(content)
    listed = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    whole = xxhash.xxh3_128_hexdigest(listed.encode())
    commit_bytes(place / RECORD, sealed_json({"content": whole, "files": digests}))
