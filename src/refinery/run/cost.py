"""What a run takes, before it begins: time, disk and memory.

Time is bytes and documents over rates of one core (`python benchmarks/throughput.py`), times how
much longer the runs that the work folder knows took than they were to take by these rates.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from refinery.executors.base import BASE_MEMORY
from refinery.executors.limits import WORKER
from refinery.filters.carried import Carried
from refinery.filters.removed import Removed
from refinery.plan.graph import Measurement
from refinery.plan.inputs import COLUMN_BYTES
from refinery.plan.plan import Plan
from refinery.plan.result import MADE, Kind, Result
from refinery.run.amounts import Amount, Amounts, amounts_of
from refinery.run.history import past_runs
from refinery.run.state import State
from refinery.storage.work_folder import pipelines_in

START = 2.5  # seconds until the first unit runs
WARM = 2.0  # seconds until a worker has what it measures with
READING = {"warc": 5e6, "html": 5e6, "xml": 20e6, "tar": 50e6, "zip": 50e6}  # bytes a second; of others:
READ = 150e6
DECIDED = 100e3  # documents a second: the rules of a stage
COMPARED = 20e3  # documents a second: verbs
MODELLED = 10e6  # bytes a second: models and counts
WRITTEN = 25e6  # bytes a second: outputs
LISTED = 60  # bytes of a document in the work folder beside what is measured on it
PACKED = 0.4  # of a byte that compression leaves of text and numbers


@dataclass(frozen=True)
class Step:
    """Work of a run, as people know it: on so many documents with so many bytes of text; seconds: of all workers."""

    what: str
    documents: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """What a run takes with so many workers; no steps if there is nothing to do.

    work_bytes, output_bytes: that it adds to the work folder and writes to outputs; worker_memory: bytes, at most;
    runs: of how many earlier ones it is known that they took `pace` times as long as by the rates of the benchmarks.
    """

    steps: tuple[Step, ...]
    seconds: float
    workers: int
    work_bytes: int
    output_bytes: int
    worker_memory: int
    pace: float
    runs: int


def estimate(plan: Plan, states: Mapping[str, State], present: Container[str], workers: int) -> Estimate:
    """What a run of a plan takes; states: of all its results; present: the files in the folders of shards."""
    amounts = amounts_of(plan)
    missing = [plan.results[name] for name, state in states.items() if state.missing]
    steps = [
        *_measuring(plan, present, amounts, workers),
        *(step for result in missing if (step := _step(plan, result, amounts, workers))),
    ]
    seconds = START * bool(missing) + sum(step.seconds for step in steps)
    past = [run for name in pipelines_in(plan.work) for run in past_runs(plan.work, name)]
    known = [run for run in past if run.estimated and run.seconds > 0]  # a clock may be set back meanwhile
    pace = sum(run.seconds for run in known) / sum(run.estimated for run in known) if known else 1.0
    written = [amounts.written[result.of.name] for result in missing if result.kind is Kind.OUTPUT]
    return Estimate(
        tuple(replace(step, seconds=step.seconds * pace) for step in steps),
        seconds * pace,
        workers,
        int(_work_bytes(plan, missing, present, amounts)),
        int(sum(PACKED * amount.bytes for amount in written)),
        worker_memory(plan, amounts),
        pace,
        len(known),
    )


def workers_worth(plan: Plan) -> int:
    """How many workers pay for their start if all of a plan is made; at least 1, at most one a shard."""
    amounts = amounts_of(plan)
    made = (_step(plan, result, amounts, 1) for result in plan.results.values())
    seconds = sum(step.seconds for step in (*_measuring(plan, (), amounts, 1), *made) if step)
    return max(1, min(len(plan.shards), int(seconds / (2 * WARM))))


def _measuring(plan: Plan, present: Container[str], amounts: Amounts, workers: int) -> Iterator[Step]:
    """The pass over the sources: its longest shard, or all of them over the workers, whichever takes longer."""
    units: list[float] = []
    read = Amount(0, 0)
    for planned in plan.shards:
        missing = plan.missing(planned, present)
        if not missing and str(planned.record_file) in present:
            continue
        amount = amounts.shards[planned.number]
        read = _total([read, amount])
        reading = planned.shard.bytes / READING.get(planned.shard.format, READ)
        units.append(reading + _seconds(missing, amount.bytes))
    if units:
        parallel = min(workers, len(units))
        seconds = WARM + max(*units, sum(units) / parallel)
        yield Step("read and measure the sources", int(read.documents), int(read.bytes), seconds)


def _seconds(measurements: Iterable[Measurement], size: float) -> float:
    """Each view is made once, for all that is measured on it; columns of files and counts cost next to nothing."""
    costly = [m for m in measurements if not isinstance(m.measurer, Carried | Removed)]
    views = {m.view.key: m.view for m in costly}
    return sum(size / m.measurer.speed for m in costly) + sum(
        size / transform.speed for view in views.values() for transform in view.transforms
    )


def _step(plan: Plan, result: Result, amounts: Amounts, workers: int) -> Step | None:
    """A step of the run beside the pass over the sources."""
    name = result.of.name
    if result.kind in {Kind.ARRIVAL, Kind.DECISION, Kind.OUTCOME}:
        amount, stage = amounts.arriving[name], plan.graph.stages[name]
        if result.kind is Kind.ARRIVAL:
            late = {
                m.key: m for found in stage.late.values() for m in found if m.key in result.parts.values()
            }
            costs = amount.bytes / READ + _seconds(late.values(), amount.bytes)
            what = f"{name}: measure {', '.join(sorted({m.measurer.name for m in late.values()}))}"
        elif result.kind is Kind.DECISION:
            if not stage.rules:
                return None
            what, costs = f"{name}: rules", amount.documents / DECIDED
        else:
            what = f"{name}: {stage.verb.name if stage.verb else ''}"
            costs = amount.documents / COMPARED
    elif result.kind in MADE:
        amount = _total(_coming(plan, result, amounts).values())
        what, costs = f"{result.name}: make it", amount.bytes / MODELLED
    elif result.kind is Kind.OUTPUT:
        amount = amounts.written[name]
        what, costs = f"write {name}", amount.bytes / WRITTEN
    else:
        return None
    return Step(what, int(amount.documents), int(amount.bytes), costs / workers)


def _coming(plan: Plan, result: Result, amounts: Amounts) -> dict[str, Amount]:
    """What a model or a count is made of, by part."""
    parts = plan.graph.inputs_of(plan.graph.makings[result.name])
    return {part: _total(amounts.kept[one] for one in names) for part, names in parts.items()}


def _total(amounts: Iterable[Amount]) -> Amount:
    return Amount(*map(sum, zip(Amount(0, 0), *amounts, strict=True)))


def _work_bytes(plan: Plan, missing: Iterable[Result], present: Container[str], amounts: Amounts) -> float:
    """Of what is measured and made and not there yet; what verbs write meanwhile is removed again."""
    found: float = sum(
        plan.graph.makings[result.name].maker.size(_coming(plan, result, amounts))
        for result in missing
        if result.kind in MADE
    )
    for planned in plan.shards:
        documents = amounts.shards[planned.number].documents
        found += documents * LISTED * (str(planned.record_file) not in present)
        found += documents * sum(map(_row_bytes, plan.missing(planned, present)))
    return found


def _row_bytes(measurement: Measurement) -> float:
    """Signatures and digests are not compressed, numbers are."""
    return sum(map(_type_bytes, measurement.measurer.schema.types))


def _type_bytes(kind: pa.DataType) -> float:
    if pa.types.is_fixed_size_binary(kind):
        return float(kind.byte_width)
    try:
        return PACKED * float(kind.bit_width) / 8
    except ValueError:  # a text or a list
        return 10.0


def worker_memory(plan: Plan, amounts: Amounts | None = None) -> int:
    """Bytes, at most, of a worker that measures, with the models that it reads, or in a verb."""
    amounts = amounts or amounts_of(plan)
    files = {
        Path(file)
        for source in plan.listed
        for measurement in plan.graph.measurements(source)
        for file in measurement.measurer.files
    }
    models = sum(file.stat().st_size for file in files if file.exists())
    verbs = [
        stage.verb.memory(int(amounts.arriving[name].documents))
        for name, stage in plan.graph.stages.items()
        if stage.verb
    ]
    carried = max((len(found.schema) for found in plan.listed.values()), default=0) * COLUMN_BYTES
    return max(WORKER + models + carried, BASE_MEMORY + max(verbs, default=0))
