"""Resolving a definition: everything it names is looked up, everything it can get wrong is checked.

Names, cycles, models, rule sets, the columns that each rule sees at its point and the labels that each model
can give are checked before any text is read, and all problems are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from refinery.definition.load import Definition
from refinery.definition.models import Source, Stage
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters import registry
from refinery.filters.measurer import is_costly
from refinery.plan.against import earlier_folder
from refinery.plan.graph import (
    OWN_OUTPUT,
    RESERVED,
    Column,
    Graph,
    Measurement,
    ResolvedStage,
    View,
    measurer_key,
)
from refinery.plan.verbs import Arriving, add_columns, needed_columns, own_measurements
from refinery.sources.documents import SourceSpec
from refinery.storage.place import Place, lies_in, place_of, refuse_as_folder
from refinery.storage.url import is_url, local

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.rules import Rule
    from refinery.filters.verb import Verb

T = TypeVar("T")


def resolve(definition: Definition) -> Graph:
    """Looks up everything a definition names; raises DefinitionError with every problem found."""
    resolver = _Resolver(definition)
    graph = resolver.resolve()
    if resolver.problems:
        raise DefinitionError(*dict.fromkeys(resolver.problems))
    return graph


@dataclass
class _Resolver:
    definition: Definition
    problems: list[str] = field(default_factory=list)
    sources: dict[str, SourceSpec] = field(default_factory=dict)
    stages: dict[str, ResolvedStage] = field(default_factory=dict)
    labels: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)  # by measurer and column
    incomplete: set[str] = field(default_factory=set)  # stages that lack columns of a measurer in error

    def problem(self, location: Location, *messages: str) -> None:
        self.problems += [self.definition.problem(location, message) for message in messages]

    def resolve(self) -> Graph:
        pipeline, base = self.definition.pipeline, self.definition.base
        for name, source in pipeline.sources.items():
            self.sources[name] = _spec(name, source, base)
            if name in pipeline.stages:
                self.problem(("stages", name), "a source has this name too")
        for name in self._in_order():
            self._stage(name, pipeline.stages[name])
        output_paths = self._outputs()
        return Graph(self.definition, self.sources, self.stages, dict(pipeline.outputs), output_paths)

    def _in_order(self) -> list[str]:
        """Stage names, parents first; names a cycle or an unknown parent as a problem and leaves it out."""
        stages, sources = self.definition.pipeline.stages, self.definition.pipeline.sources
        ordered: list[str] = []
        waiting = dict(stages)
        for name, stage in stages.items():
            for parent in stage.from_:
                if parent not in stages and parent not in sources:
                    valid = [*sources, *(other for other in stages if other != name)]
                    self.problem(
                        ("stages", name, "from"), f"no source or stage {parent!r}{nearest(parent, valid)}"
                    )
                    waiting.pop(name, None)
        while True:
            ready = [n for n, s in waiting.items() if all(p in sources or p in ordered for p in s.from_)]
            if not ready:
                break
            ordered += ready
            for name in ready:
                del waiting[name]
        stuck = [n for n, s in waiting.items() if any(p in waiting for p in s.from_)]
        if stuck and not self.problems:
            self.problem(("stages", stuck[0], "from"), f"the stages {', '.join(stuck)} come from each other")
        return ordered

    def _stage(self, name: str, stage: Stage) -> None:
        place: Location = ("stages", name)
        if any(p not in self.sources and p not in self.stages for p in stage.from_):
            return  # a parent is in error and has been reported
        chain = tuple(t for i, use in enumerate(stage.transform) if (t := self._transform(place, i, use)))
        parents = [(p, self.stages.get(p)) for p in stage.from_]
        sources = tuple(dict.fromkeys(s for p, up in parents for s in (up.sources if up else (p,))))
        views: dict[str, View] = {}
        columns: dict[str, dict[str, Column]] = {source: {} for source in sources}
        for parent, above in parents:
            for source in above.sources if above else (parent,):
                inherited = above.views[source] if above else View(source)
                view = View(source, inherited.transforms + chain)
                if views.setdefault(source, view).key != view.key:
                    message = (
                        f"{source} arrives here after two different chains of transforms; use two outputs"
                    )
                    self.problem((*place, "from"), message)
                inherited_columns = above.columns[source] if above else {}
                for column in columns[source].keys() & inherited_columns.keys():
                    if columns[source][column].measurement.key != inherited_columns[column].measurement.key:
                        message = f"{source} arrives here with two kinds of {column!r}; rename one with `as`"
                        self.problem((*place, "from"), message)
                columns[source] |= inherited_columns
        measured = [m for i, use in enumerate(stage.measure) if (m := self._measure(place, i, use))]
        if len(measured) < len(stage.measure) or self.incomplete.intersection(stage.from_):
            self.incomplete.add(name)
        for source in sources:
            self._add_columns(place, views[source], measured, columns[source], first=source == sources[0])
        rules = self._rules(place, stage, columns)
        verb = self._verb(place, stage)
        needed, own = self._read(verb, place, Arriving(name, views, columns, name in self.incomplete))
        costly = _costly(parents, columns)
        waits = bool(costly)
        depth = max((up.depth + (up.verb is not None or waits) if up else 0) for _, up in parents)
        self.stages[name] = ResolvedStage(
            name, stage.from_, sources, views, columns, rules, verb, needed, own, depth, costly
        )

    def _transform(self, place: Location, index: int, use: Any) -> Transform | None:
        return self._lookup((*place, "transform", index), use, registry.transform)

    def _measure(self, place: Location, index: int, use: Any) -> tuple[Measurer, str | None] | None:
        name, settings = _name_and_settings(use)
        settings = dict(settings or {})
        prefix = settings.pop("as", None)
        location: Location = (*place, "measure", index)
        if prefix is not None and not str(prefix).isidentifier():
            self.problem(location, f"as: expected a column name, got {prefix!r}")
        built = self._lookup(location, {name: settings}, registry.measurer)
        if built is None:
            return None
        self.labels[measurer_key(built)] = dict(registry.labels(name, settings, self.definition.base))
        return built, prefix

    def _lookup(
        self, location: Location, use: Any, build: Callable[[str, Mapping[str, Any], Path], T]
    ) -> T | None:
        name, settings = _name_and_settings(use)
        if name is None:
            self.problem(location, "expected a name, or one name with its settings")
            return None
        try:
            return build(name, settings or {}, self.definition.base)
        except (DefinitionError, InputError) as error:
            self.problem(location, *str(error).splitlines())
            return None

    def _add_columns(
        self,
        place: Location,
        view: View,
        measured: list[tuple[Measurer, str | None]],
        columns: dict[str, Column],
        *,
        first: bool,
    ) -> None:
        from refinery.filters import size

        own: dict[str, str] = {}
        sized = size.build(size.Settings(), self.definition.base)
        for built, prefix in [(sized, None), *measured]:
            measurement = Measurement(view, built)
            for entry in built.schema:
                visible = _visible(entry.name, prefix, len(built.schema))
                if visible in own and first:
                    clash = f"{built.name} and {own[visible]} both make the column {visible!r}; rename one with `as`"
                    self.problem((*place, "measure"), clash)
                if visible in RESERVED and first:
                    clash = f"{built.name} makes a column {visible!r}, a name that every output or rule has already"
                    self.problem((*place, "measure"), f"{clash}; choose another")
                own[visible] = built.name
                columns[visible] = Column(measurement, entry.name, entry.type)

    def _rules(
        self, place: Location, stage: Stage, columns: dict[str, dict[str, Column]]
    ) -> tuple[Rule, ...]:
        import pyarrow as pa

        from refinery.filters import rules as rule_sets

        everywhere = set.intersection(*(set(seen) for seen in columns.values()))
        known: dict[str, Any] = {
            c: entry.type for c, entry in next(iter(columns.values())).items() if c in everywhere
        }
        known["source"] = pa.string()
        labels: dict[str, frozenset[str]] = {}
        for seen in columns.values():
            for name, column in seen.items():
                for original, values in self.labels.get(
                    measurer_key(column.measurement.measurer), {}
                ).items():
                    if original == column.original:
                        labels[name] = values
        resolved: list[Rule] = []
        for index, entry in enumerate(stage.keep):
            location: Location = (*place, "keep", index)
            try:
                found = rule_sets.resolve([entry], self.definition.base, measured=everywhere)
            except DefinitionError as error:
                self.problem(location, *error.problems)
                continue
            for rule in found:
                if any(rule.name == other.name for other in resolved):
                    self.problem(location, f"two rules are called {rule.name!r}")
                for message in rule_sets.problems(rule.predicate, known, labels):
                    if message.startswith("no column") and place[-1] in self.incomplete:
                        continue  # the measurer that would make it has been reported
                    self.problem(
                        (*location, rule.name) if isinstance(entry, dict) else location,
                        f"{rule.name}: {message}",
                    )
                resolved.append(rule)
        return tuple(resolved)

    def _verb(self, place: Location, stage: Stage) -> Verb | None:
        if stage.verb is None:
            return None
        name, settings = stage.verb
        try:
            return registry.verb(name, settings, self.definition.base)
        except (DefinitionError, InputError) as error:
            self.problem((*place, name), *str(error).splitlines())
            return None

    def _read(
        self, verb: Verb | None, place: Location, arriving: Arriving
    ) -> tuple[dict[str, dict[str, Column]], dict[str, tuple[Measurement, ...]]]:
        """What a stage's verb reads, by source: columns, and what is measured for it alone."""
        if verb is None:
            return {}, {}
        add_columns(verb.measurers, arriving)
        location: Location = (*place, verb.name)
        needed = needed_columns(verb, arriving, lambda at, message: self.problem((*location, *at), message))
        return needed, own_measurements(verb, arriving)

    def _output_path(self, location: Location, path: str) -> Place | None:
        if not is_url(path):
            return (self.definition.base / local(path)).resolve()
        problem = refuse_as_folder(path)
        if not problem:
            try:
                return place_of(path)
            except InputError as error:
                problem = str(error)
        self.problem(location, problem)
        return None

    def _outputs(self) -> dict[str, Place]:
        base = self.definition.base
        paths: dict[str, Place] = {}
        for name, output in self.definition.pipeline.outputs.items():
            place: Location = ("outputs", name)
            if name not in self.definition.pipeline.stages:
                valid = self.definition.pipeline.stages
                self.problem(place, f"no stage {name!r}{nearest(name, valid)}")
                continue
            path = self._output_path((*place, "path"), output.path)
            if path is None:
                continue
            for name_of_source, spec in self.sources.items():
                if any(lies_in(str(path), p) for p in spec.path):
                    message = f"it lies in the source {name_of_source!r}, which would read it; {OWN_OUTPUT}"
                    self.problem((*place, "path"), message)
            for other, taken in paths.items():
                if lies_in(str(path), str(taken)) or lies_in(str(taken), str(path)):
                    self.problem((*place, "path"), f"the output {other!r} is written there too")
            paths[name] = path
            stage = self.stages.get(name)
            if stage and output.measurements:
                seen = {column for columns in stage.columns.values() for column in columns}
                for column in output.measurements:
                    if column not in seen and name not in self.incomplete:
                        message = f"no measurer makes the column {column!r}{nearest(column, seen)}"
                        self.problem((*place, "measurements"), message)
        for name, stage in self.stages.items():
            if stage.verb and stage.verb.against:
                earlier = earlier_folder(stage.verb.against, base)
                if any(str(earlier) == str(path) for path in paths.values()):
                    location = ("stages", name, stage.verb.name, "against")
                    self.problem(location, "this pipeline writes there itself")
        return paths


def _costly(
    parents: list[tuple[str, ResolvedStage | None]], columns: dict[str, dict[str, Column]]
) -> dict[str, tuple[Measurement, ...]]:
    """By source, the costly measurements that not every branch to this stage has made."""
    found: dict[str, tuple[Measurement, ...]] = {}
    for source, seen in columns.items():
        made = [
            {column.measurement.key for column in (above.columns[source] if above else {}).values()}
            for name, above in parents
            if source in (above.sources if above else (name,))
        ]
        here = {c.measurement.key: c.measurement for c in seen.values() if is_costly(c.measurement.measurer)}
        missing = tuple(m for key, m in here.items() if not all(key in branch for branch in made))
        if missing:
            found[source] = missing
    return found


def _spec(name: str, source: Source, base: Path) -> SourceSpec:
    paths = tuple(path if is_url(path) else str(base / local(path)) for path in source.path)
    return SourceSpec(
        name=name,
        path=paths,
        text=source.text,
        id=source.id,
        format=source.format,
        extractor=source.extractor,
        on_error=source.on_error,
        binary_text=source.binary_text,
        max_document_bytes=source.max_document_bytes,
    )


def _name_and_settings(use: Any) -> tuple[Any, Any]:
    if isinstance(use, str):
        return use, None
    if isinstance(use, dict) and len(use) == 1:
        return next(iter(use.items()))
    return None, None


def _visible(column: str, prefix: str | None, width: int) -> str:
    if prefix is None:
        return column
    return prefix if width == 1 else f"{prefix}_{column}"
