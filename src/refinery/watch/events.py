"""What happens in a run, as plain values. Terminal, JSON lines, log and status file all read this one stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["source", "model", "stage", "output"]
Ending: TypeAlias = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class Subject:
    """A source, model, stage or output of the definition: what people know the work by."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Count:
    """Documents that came to a subject and that it kept (an output: wrote); None where that is not known yet."""

    of: Subject
    documents: int | None = None
    kept: int | None = None


@dataclass(frozen=True)
class Share:
    """The units of a phase that are for a subject; bytes: their weight, 1 a unit where it is not known."""

    of: Subject
    units: int
    bytes: int


@dataclass(frozen=True)
class RunBegun:
    """There is work to do: all subjects, in the definition's order."""

    subjects: tuple[Subject, ...]


@dataclass(frozen=True)
class CacheChecked:
    """How many results of a kind were found and how many are missing, and what the found ones count.

    key: what they are called in the work folder; why: what differs from the last run, if they are not what it made.
    """

    of: Subject
    result: str
    found: int
    missing: int
    documents: int | None = None
    kept: int | None = None
    key: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkFolder:
    """The work folder was listed: bytes of each kind of file in it, the most first."""

    kinds: Mapping[str, int]


@dataclass(frozen=True)
class Phase:
    """A phase begins, or goes on with more units; more: others follow for its subjects, nobody knows how many."""

    phase: str
    units: int
    bytes: int
    slots: int = 1  # units that run at a time
    shares: tuple[Share, ...] = ()
    more: bool = False


@dataclass(frozen=True)
class _Attempt:
    phase: str
    unit: str
    attempt: int  # from 1
    bytes: int  # the unit's weight, as in Share
    of: tuple[Subject, ...] = ()


@dataclass(frozen=True)
class UnitBegun(_Attempt):
    """An attempt of a unit was handed out; memory: bytes that the unit is known to take."""

    memory: int = 0


@dataclass(frozen=True)
class _Ended(_Attempt):
    worker: str = ""  # host and process
    started: float = 0.0  # seconds since the epoch
    seconds: float = 0.0
    peak_memory: int = 0  # bytes


@dataclass(frozen=True)
class UnitEnded(_Ended):
    """An attempt ended well."""

    documents: int = 0
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True)
class UnitFailed(_Ended):
    """An attempt failed; another may follow."""

    error: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Finished:
    """Nothing is left to do for a subject; its documents, counted anew."""

    of: Subject
    documents: int | None = None
    kept: int | None = None


@dataclass(frozen=True)
class Note:
    """Something a person should know."""

    message: str


@dataclass(frozen=True)
class Warned:
    """Something about a subject that a person should look at; told again at the end, and in the manifest."""

    of: Subject
    message: str


@dataclass(frozen=True)
class RunEnded:
    """The last event."""

    state: Ending
    message: str = ""


Event: TypeAlias = (
    RunBegun
    | CacheChecked
    | WorkFolder
    | Phase
    | UnitBegun
    | UnitEnded
    | UnitFailed
    | Finished
    | Note
    | Warned
    | RunEnded
)
Listener: TypeAlias = Callable[[Event], None]


def silent(event: Event) -> None:
    """A listener that tells nobody: `--quiet`."""


def to_each(*listeners: Listener) -> Listener:
    """One listener that passes every event on, in order."""

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit
