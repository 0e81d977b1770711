"""The models of a definition that the run makes: what they are made of, and where they lie once they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from refinery.definition.trainings import QuantileCount, RecallTraining
from refinery.definition.yaml import Location
from refinery.errors import nearest
from refinery.plan.graph import Making, Measured, View, measurement_of
from refinery.plan.problems import Report
from refinery.plan.result import model_name

if TYPE_CHECKING:
    from refinery.definition.load import Definition
    from refinery.definition.paths import Paths
    from refinery.definition.trainings import Training
    from refinery.models.maker import Made, Maker
    from refinery.plan.graph import Columns, ResolvedStage
    from refinery.plan.verbs import Heads

HOST = "host"  # the column of a sample's documents


def with_models(paths: Paths, made: Mapping[str, Made]) -> Paths:
    """The paths of a definition in which models that are made have theirs; made: by the names of results."""
    known = {
        name: replace(use, path=found.folder) if use and (found := made.get(model_name(name))) else use
        for name, use in paths.models.items()
    }
    return replace(paths, models=known)


def makings_of(definition: Definition, report: Report) -> dict[str, Making]:
    """The makings of a definition's models by the names of their results; reports inputs that do not exist."""
    known = [*definition.names("sources"), *definition.names("stages")]
    found: dict[str, Making] = {}
    for name, model in definition.pipeline.models.items():
        if model.training is None:
            continue
        place: Location = ("models", name, model.training.word)
        for result, maker in _makers(model_name(name), model.training).items():
            parts: dict[str, str] = {}
            for part, inputs in maker.inputs.items():
                for one in inputs:
                    if one not in known:
                        report((*place, part), f"no source or stage {one!r}{nearest(one, known)}")
                    elif one in parts:
                        report((*place, part), f"{one} is {parts[one]} already")
                    parts[one] = part
            found[result] = Making(maker)
    return found


def _makers(result: str, training: Training) -> dict[str, Maker]:
    """What makes a model, by result: of one made in steps those of all steps, the model last."""
    if isinstance(training, RecallTraining):
        from refinery.recall.makers import makers_of

        return makers_of(result, training)
    from refinery.models.makers import maker_of

    return {result: maker_of(training)}


def with_hosts(making: Making, sources: Mapping[str, Iterable[str]], heads: Heads) -> Making:
    """A sample that knows the hosts of documents whose files have a column `url`.

    sources: of each stage or source that is read for it.
    """
    from refinery.filters.url import Settings, build
    from refinery.filters.values import is_plain

    measurer = build(Settings())
    columns: dict[str, Columns] = {}
    for name, read in sources.items():
        for source in read:
            found = heads.find(source, measurer.column) if source in heads.specs else None
            if found and is_plain(found[1].type) and not heads.specs[source].table_of(measurer.column):
                host = Measured(measurement_of(View(source), measurer), HOST, pa.string())
                columns.setdefault(name, {})[source] = {HOST: host}
    return replace(making, columns=columns)


def unknown_hosts(training: RecallTraining, sample: Making, implied: Mapping[str, str]) -> str | None:
    """Why rich hosts cannot be told, if they are asked for; sample: with_hosts; implied: see Graph."""
    if training.rich_hosts is None or any(
        implied.get(name, name) in sample.columns for name in training.pool
    ):
        return None
    return (
        "no source of the pool has a column `url`, by which hosts are known: leave it out, or add that column"
    )


def with_scores(
    making: Making, counted: QuantileCount, stages: Mapping[str, ResolvedStage], implied: Mapping[str, str]
) -> Making:
    """Quantiles that know which columns of the stages they count; implied: see Graph."""
    columns = {
        implied.get(name, name): {
            source: {one: seen[one] for one in counted.columns if one in seen}
            for source, seen in stages[name].columns.items()
        }
        for name in counted.from_
        if name in stages
    }
    return replace(making, columns=columns)


def score_problems(
    counted: QuantileCount, stages: Mapping[str, ResolvedStage], sources: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the columns that are counted, each with the key at which it is told."""
    for name in counted.from_:
        if name in sources:
            yield "from", f"{name!r} is a source, on which nothing is measured: name a stage"
    for name in (name for name in counted.from_ if name in stages):
        known = {one: column.type for seen in stages[name].columns.values() for one, column in seen.items()}
        for one in counted.columns:
            if one not in known:
                yield "columns", f"{name!r} measures no column {one!r}{nearest(one, known)}"
            elif not (pa.types.is_integer(known[one]) or pa.types.is_floating(known[one])):
                yield "columns", f"{one!r} is {known[one]}, not a number"
