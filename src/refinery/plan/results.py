"""The graph of results: all that a run makes, each with what it is made of. Inputs come first.

    documents     which rows a source's files have            in the folder of each shard
    measurement   of a source's documents                     in the folder of each shard
    arrival       measured on what comes to a stage           in the folder of each shard
    decision      of a stage's rules                          in the folder of each shard
    outcome       of a stage's verb                           in the folder of each shard, parts of a whole
    count, model  files made of documents                     in a folder of the work folder
    sample, round on the way to a model                       in a folder of the work folder
    output        what is written                             in a folder of the user's

A key is made of a result's own settings and of its inputs' keys, so what is there already needs no work. Files in a
shard's folder are named without the shard: one more shard changes nothing in the folders of others. Folders that are
roots, executors, workers, time stamps and the package's version are part of no key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from refinery.dedup.split import split_of
from refinery.errors import DefinitionError
from refinery.filters.model_functions import models_in
from refinery.filters.predicate import columns_of
from refinery.plan.fingerprint import fingerprint
from refinery.plan.graph import (
    Making,
    Measurement,
    ResolvedStage,
    VerbCut,
    View,
    measurer_key,
)
from refinery.plan.order import in_rounds
from refinery.plan.outputs import wanted_measurements
from refinery.plan.result import (
    Kind,
    Result,
    calibration_name,
    decision_name,
    documents_name,
    free_name,
    model_name,
    outcome_name,
    output_name,
)
from refinery.plan.result_settings import (
    column_keys,
    derive_settings,
    expressions,
    making_settings,
    measurement_settings,
    reading_settings,
    transform_settings,
)
from refinery.sources.read import READING
from refinery.watch.events import Subject

if TYPE_CHECKING:
    from refinery.definition.outputs import Output
    from refinery.plan.graph import Column, Graph

LAYOUT = 7  # raised when the files of the work folder change their form
SIZES = ("bytes", "tokens")  # columns that every decision is counted in


@dataclass(frozen=True)
class Listed:
    """The shards of a source: their keys, what tells their content to people, and the files that are no shards."""

    keys: tuple[str, ...]
    content: str
    broken: object


def results_of(graph: Graph, listed: Mapping[str, Listed]) -> dict[str, Result]:
    """All results by name, inputs first; listed: by source. Raises DefinitionError when results need each other."""
    found = _Builder(graph, listed).build()
    ordered = in_rounds({name: one.inputs for name, one in found.items()})
    if len(ordered) < len(found):
        circle = " needs ".join(_circle({name: found[name] for name in found.keys() - set(ordered)}))
        calibrated = [name for name in graph.stages if calibration_name(name) in circle]
        made = "calibrate rules by" if calibrated else "make a model of"
        place = ("stages", calibrated[0], "calibrate") if calibrated else ("models",)
        message = f"{circle}: {made} documents that it does not choose"
        raise DefinitionError(graph.definition.source.problem(place, message))
    return {name: found[name] for name in ordered}


def _circle(waiting: Mapping[str, Result]) -> list[str]:
    """Names of results of which each needs the next, the first one again at the end."""
    walk = [min(waiting)]
    while walk[-1] not in walk[:-1]:
        walk.append(next(one for one in waiting[walk[-1]].inputs if one in waiting))
    return walk[walk.index(walk[-1]) :]


@dataclass
class _Builder:
    graph: Graph
    listed: Mapping[str, Listed]
    results: dict[str, Result] = field(default_factory=dict)
    # by source and key of a measurement: the name of the result, and of those on arrival by stage
    measured: dict[tuple[str, str], str] = field(default_factory=dict)
    arrivals: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def build(self) -> dict[str, Result]:
        for source in self.listed:
            self._documents(source)
        for name, making in self.graph.makings.items():
            if making.view:
                self._count(name, making, making.view)
        for source in self.listed:
            for measurement in self.graph.measurements(source):
                if not measurement.late:
                    self._measurement(source, measurement)
        for stage in self.graph.stages.values():
            self._stage(stage)
        for stage in self.graph.stages.values():
            name = calibration_name(stage.name)
            if name in self.graph.makings:
                self._calibration(stage.name, name, self.graph.makings[name])
        for name, making in self.graph.makings.items():
            if making.is_model:
                self._model(name, making)
        for output in self.graph.outputs:
            self._output(output)
        return self.results

    def _add(
        self,
        name: str,
        kind: Kind,
        of: Subject,
        made_of: Mapping[str, object],
        inputs: Iterable[str],
        parts: Mapping[str, str] | None = None,
        seen: object = None,
    ) -> str:
        """Adds a result; seen: what else its key is made of, known by other words in the inputs."""
        inputs = tuple(dict.fromkeys(inputs))
        # a model is not among them yet: its content is in settings
        above = [self.results[one].key for one in inputs if one in self.results]
        key = fingerprint(LAYOUT, kind.value, made_of, parts, above, seen)
        self.results[name] = Result(name, kind, of, made_of, inputs, key, parts or {})
        return name

    def _documents(self, source: str) -> None:
        spec = self.graph.sources.get(source)
        made_of = {"version": READING, "files": self.listed[source].content}
        if spec:
            made_of |= reading_settings(spec)
        of, keys = Subject("source", source), self.listed[source].keys
        self._add(documents_name(source), Kind.DOCUMENTS, of, made_of, (), seen=keys)

    def _count(self, name: str, making: Making, view: View) -> None:
        """Of a source's texts as they are before the transform that asks for it."""
        inputs = [documents_name(view.source), *self._counts(view)]
        made_of = {**making_settings(making), **transform_settings(view)}
        cut = view.key if view.is_cut else None  # outcomes are not among the results yet
        self._add(name, Kind.COUNT, Subject("source", view.source), made_of, inputs, seen=cut)

    def _calibration(self, stage: str, name: str, making: Making) -> None:
        """Of the documents that it reads and of what is measured on them."""
        inputs = [one for read in making.columns for one in self._of_documents(read)]
        inputs += self._of_columns(making)
        seen = {one: column_keys(columns) for one, columns in making.columns.items()}
        self._add(name, Kind.CALIBRATION, Subject("stage", stage), making_settings(making), inputs, seen=seen)

    def _of_columns(self, making: Making) -> Iterator[str]:
        """The results that columns are which a maker reads."""
        for name, columns in making.columns.items():
            stages = self.graph.ancestors(name) if name in self.graph.stages else ()
            for source, read in columns.items():
                yield documents_name(source)
                for measurement in (m for column in read.values() for m in column.measurements):
                    yield from self._of_measurement(source, measurement, stages)
                yield from self._asking(sql for _, sql in expressions(read))

    def _model(self, name: str, making: Making) -> None:
        read = [one for names in self.graph.inputs_of(making).values() for one in names]
        made_of = making_settings(making)
        views = {one: view for one, view in self.graph.views.items() if one in read and view.transforms}
        if views:
            made_of |= {"texts": {one: transform_settings(view) for one, view in views.items()}}
        inputs = [one for part in read for one in self._of_documents(part)]
        inputs += [*self._of_columns(making), *making.maker.results]
        seen = {one: column_keys(columns) for one, columns in making.columns.items()}
        of = Subject("model", name.split(".")[1])
        self._add(name, Kind(making.maker.makes), of, made_of, inputs, seen=seen or None)

    def _of_documents(self, name: str) -> Iterator[str]:
        """The results that say which documents a stage or source gives."""
        if name not in self.graph.stages:
            yield documents_name(name)
            yield from self._counts(self.graph.views[name])
            return
        stage = self.graph.stages[name]
        yield decision_name(name)
        if outcome := outcome_name(stage):
            yield outcome
        for view in stage.views.values():
            yield from self._counts(view)

    def _counts(self, view: View) -> Iterator[str]:
        """The counts that a view's transforms need, and the outcomes that cut its texts."""
        for step in view.transforms:
            if isinstance(step, VerbCut) and (outcome := outcome_name(self.graph.stages[step.stage])):
                yield outcome
        for name, making in self.graph.makings.items():
            if making.view and making.view.source == view.source:
                before = making.view.transforms
                above, below = view.transforms[: len(before)], view.transforms[len(before) :]
                if below and above == before and below[0].counter == making.maker:
                    yield name

    def _measurement(self, source: str, measurement: Measurement) -> None:
        of = Subject("source", source)
        # on a text from which nothing goes by counts it is another measurement
        counted = [one.name for one in measurement.view.transforms if one.counter]
        name = free_name(
            ".".join((documents_name(source), *counted, measurement.measurer.name)), self.results.__contains__
        )
        inputs = [documents_name(source), *self._counts(measurement.view)]
        self._add(
            name, Kind.MEASUREMENT, of, measurement_settings(measurement), inputs, {source: measurement.key}
        )
        self.measured[source, measurement.key] = name

    def _stage(self, stage: ResolvedStage) -> None:
        above = [one for parent in stage.parents for one in self._of_documents(parent)]
        above += map(documents_name, stage.sources)
        self._arrivals(stage, above)
        read = {source: rule_columns(stage, source) for source in stage.sources}
        parts = {source: self._decision_key(stage, source, read[source]) for source in stage.sources}
        rules = {rule.name: rule.written or rule.predicate for rule in stage.rules}
        made_of = {"keep": rules, "order of rules": list(rules), **derive_settings(read)}
        of = Subject("stage", stage.name)
        inputs = [*above, *self._makers(stage, read), *self._asking(rule.written for rule in stage.rules)]
        inputs += self._of_all(stage, stage.removed)
        if (moved := calibration_name(stage.name)) in self.graph.makings:
            inputs.append(moved)
        decision = self._add(decision_name(stage.name), Kind.DECISION, of, made_of, inputs, parts)
        if name := outcome_name(stage):
            self._outcome(name, stage, decision)

    def _arrivals(self, stage: ResolvedStage, above: list[str]) -> None:
        """What is measured on all that comes to the stage, a result for each measurer."""
        found: dict[str, list[tuple[str, Measurement]]] = {}
        for source, measurements in stage.late.items():
            for measurement in measurements:
                found.setdefault(measurer_key(measurement.measurer), []).append((source, measurement))
        for made in found.values():
            measurement = made[0][1]
            name = free_name(
                f"{decision_name(stage.name)}.{measurement.measurer.name}", self.results.__contains__
            )
            models = map(model_name, measurement.measurer.models)
            parts = {source: one.key for source, one in made}
            of = Subject("stage", stage.name)
            counts = [one for _, m in made for one in self._counts(m.view)]
            self._add(
                name, Kind.ARRIVAL, of, measurement_settings(measurement), [*above, *models, *counts], parts
            )
            for source, one in made:
                self.arrivals.setdefault((source, one.key), {})[stage.name] = name

    def _decision_key(self, stage: ResolvedStage, source: str, read: Mapping[str, Column]) -> str:
        """Names the decisions on a source's shards: of the rules, the columns that they read and what comes."""
        parents = []
        for parent in self.graph.parents(stage, source):
            if parent in self.graph.stages:
                decision, outcome = decision_name(parent), outcome_name(self.graph.stages[parent])
                verb = self.results[outcome].key if outcome else ""
                parents.append((self.results[decision].parts[source], verb))
        whole = source in self.graph.parents(stage, source)
        rules: list[object] = [(rule.name, rule.predicate) for rule in stage.rules]
        making = self.graph.makings.get(calibration_name(stage.name))
        if making and stage.calibration is None:  # nobody knows yet what its rules are
            rules += [
                making_settings(making),
                [(name, column_keys(read)) for name, read in making.columns.items()],
            ]
        removed = stage.removed.get(source, ())
        counted = [(source, m.key, m.view.transforms[-1].rules) for m in removed]
        seen = [*column_keys({source: read}), *counted]
        return fingerprint(LAYOUT, rules, seen, whole, sorted(parents))

    def _makers(self, stage: ResolvedStage, columns: Mapping[str, Mapping[str, Column]]) -> Iterator[str]:
        """The results that columns that are read at a stage are made of."""
        late = any(
            m.late for read in columns.values() for column in read.values() for m in column.measurements
        )
        ancestors = {*self.graph.ancestors(stage.name)} if late else set()
        for source, read in columns.items():
            for measurement in (m for column in read.values() for m in column.measurements):
                yield from self._of_measurement(source, measurement, ancestors)
            yield from self._asking(sql for _, sql in expressions(read))

    def _of_all(self, stage: ResolvedStage, measured: Mapping[str, Iterable[Measurement]]) -> Iterator[str]:
        """The results that measurements by source are, at a stage."""
        ancestors = self.graph.ancestors(stage.name)
        for source, found in measured.items():
            for measurement in found:
                yield from self._of_measurement(source, measurement, ancestors)

    def _of_measurement(
        self, source: str, measurement: Measurement, stages: Collection[str]
    ) -> Iterator[str]:
        """The results that a measurement is: one, or, of a late one, those of some stages."""
        known = source, measurement.key
        if measurement.late:
            yield from (name for at, name in self.arrivals.get(known, {}).items() if at in stages)
        else:
            yield self.measured[known]

    def _asking(self, written: Iterable[str]) -> Iterator[str]:
        """The models that the run makes and whose suggestions SQL asks for."""
        for sql in written:
            names = map(model_name, sorted(models_in(sql)))
            yield from (name for name in names if name in self.graph.makings)

    def _outcome(self, name: str, stage: ResolvedStage, decision: str) -> None:
        verb = stage.verb
        if verb is None:
            return
        earlier = [name for name in stage.against if name in self.listed]
        sources = [*earlier, *stage.sources]
        measured = {m.name: dict(m.settings) for m in verb.measurers}
        settings = {"version": verb.version, **verb.settings, **measured, "against": bool(earlier)}
        made_of = {
            verb.name: settings,
            "order of sources": list(stage.sources),
            **derive_settings(stage.needed),
        }
        own = self._of_all(stage, stage.own)
        inputs = [*map(documents_name, sources), decision, *self._makers(stage, stage.needed), *own]
        seen = [
            column_keys(stage.needed),
            [(source, m.key) for source, found in stage.own.items() for m in found],
        ]
        self._add(name, Kind.OUTCOME, Subject("stage", stage.name), made_of, inputs, seen=seen)

    def _output(self, name: str) -> None:
        output, stage = self.graph.outputs[name], self.graph.stage_of(name)
        made_of = output.model_dump(mode="json", exclude={"path", "from_", "tokenize"})
        if tokens := self.graph.tokens.get(name):
            made_of |= {"tokenize": tokens.settings}
        made_of |= {"unreadable": [self.listed[source].broken for source in stage.sources]}
        written = {
            source: {column: columns[column] for column in output_columns(output, columns)}
            for source, columns in stage.columns.items()
        }
        made_of |= derive_settings(written)
        tables = [j.identity for source in stage.sources for j in self.graph.joins(source)]
        made_of |= {"join": tables} if tables else {}
        if split := split_of(output):
            made_of |= {"split": [list(one) for one in output.split.items()]}  # their order counts
            made_of |= {"split_by": output.split_by} if output.split_by else {}
            for source, columns in written.items():
                columns |= {name: self.graph.positions[source][name] for name in split.needed}
        inputs = [
            *map(documents_name, stage.sources),
            *self._of_documents(stage.name),
            *self._makers(stage, written),
        ]
        for above in self.graph.ancestors(stage.name):  # who counts what they kept
            inputs += self._of_documents(above)
        of, named = Subject("output", name), self.graph.ancestors(stage.name)  # decisions name stages
        self._add(output_name(name), Kind.OUTPUT, of, made_of, inputs, seen=[named, column_keys(written)])


def rule_columns(stage: ResolvedStage, source: str) -> dict[str, Column]:
    """The columns that a stage's decisions on a source read: those of its rules, and sizes to count in."""
    read = {column for rule in stage.rules for column in columns_of(rule.predicate)} - {"source"}
    return {name: stage.columns[source][name] for name in sorted(read | set(SIZES))}


def output_columns(output: Output, there: Iterable[str]) -> tuple[str, ...]:
    """The measured columns of an output that are there, and the sizes that it is cut by."""
    known = set(there)
    return tuple(dict.fromkeys(name for name in (*wanted_measurements(output), *SIZES) if name in known))
