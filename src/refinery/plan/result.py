"""A result: something that a run makes, with its kind, its name, what it is made of and its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from refinery.plan.graph import Making, ResolvedStage, View
from refinery.watch.events import Subject


class Kind(StrEnum):
    """What a result is."""

    DOCUMENTS = "documents"
    MEASUREMENT = "measurement"
    ARRIVAL = "arrival"
    DECISION = "decision"
    OUTCOME = "outcome"
    COUNT = "count"
    SAMPLE = "sample"
    ROUND = "round"
    MODEL = "model"
    CALIBRATION = "calibration"
    OUTPUT = "output"


# what lies in a folder of its own
MADE = frozenset({Kind.COUNT, Kind.SAMPLE, Kind.ROUND, Kind.MODEL, Kind.CALIBRATION})


@dataclass(frozen=True)
class Result:
    """Something that a run makes.

    name: what reports call it, the same whatever its settings; made_of: its own settings as JSON values, by the words
    of a definition; inputs: names of results; parts: by source, the key of its files in the folders of shards.
    """

    name: str
    kind: Kind
    of: Subject
    made_of: Mapping[str, object]
    inputs: tuple[str, ...]
    key: str
    parts: Mapping[str, str] = field(default_factory=dict)


def documents_name(source: str) -> str:
    """The name of the result that is a source's documents."""
    return f"sources.{source}"


def decision_name(stage: str) -> str:
    """The name of a stage's decisions."""
    return f"stages.{stage}"


def outcome_name(stage: ResolvedStage) -> str | None:
    """The name of what a stage's verb decides, if it has one."""
    return f"stages.{stage.name}.{stage.verb.name}" if stage.verb else None


def output_name(output: str) -> str:
    """The name of an output."""
    return f"outputs.{output}"


def model_name(model: str) -> str:
    """The name of a model that the run makes."""
    return f"models.{model}"


def calibration_name(stage: str) -> str:
    """The name of what moves the thresholds of a stage's rules."""
    return f"{decision_name(stage)}.calibrate"


def count_name(making: Making, others: Mapping[str, Making]) -> str:
    """The name of a count over a source's texts; another for another count of the same word."""
    view = making.view or View("")
    chain = ".".join(transform.name for transform in view.transforms)
    name = ".".join(filter(None, ("sources", view.source, chain, making.maker.name)))
    return free_name(name, lambda found: others.get(found, making) != making)


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name, with the first number behind it that is not taken if it is.

    >>> free_name("size", {"size", "size 2"}.__contains__)
    'size 3'
    """
    number, found = 1, name
    while is_taken(found):
        number += 1
        found = f"{name} {number}"
    return found
