"""What `WORK/pipelines/NAME/status.json` says: a run writes it (status_file), `refinery status` reads it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from refinery.watch.progress import Line

FILE = "status.json"
SILENCE = 60.0  # seconds without a heartbeat after which a run on another machine is taken for dead

State = Literal["running", "finished", "failed", "stopped", "died"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class InFlight(_Frozen):
    """A unit that was handed to the executor and has not ended."""

    unit: str
    attempt: int
    since: float  # seconds since the epoch


class Failure(_Frozen):
    """An attempt that failed; the unit may have been tried again since."""

    phase: str
    unit: str
    attempt: int
    problem: str


class Status(_Frozen):
    """What the file says. Times are seconds since the epoch, rates those of the phase; lines: see progress.Line."""

    state: State
    pipeline: str
    pid: int
    host: str
    started: float
    updated: float
    phase: str = ""
    phase_started: float = 0.0
    units_done: int = 0
    units: int = 0
    bytes_done: int = 0
    bytes: int = 0
    documents: int = 0
    documents_per_second: float = 0.0
    mb_per_second: float = 0.0
    seconds_left: float | None = None
    lines: tuple[Line, ...] = ()  # of the definition's sources, stages and outputs
    in_flight: tuple[InFlight, ...] = ()
    in_flight_units: int = 0
    failed_attempts: int = 0
    failures: tuple[Failure, ...] = ()  # the last ones
    outputs: dict[str, str] = {}
    log: str = ""
    message: str = ""
    work: str = ""
    work_bytes: dict[str, int] = {}  # of each kind of file, when the run last listed them
