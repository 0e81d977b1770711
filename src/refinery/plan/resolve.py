"""Resolving a definition: everything it names is looked up, everything it can get wrong is checked.

Names, cycles, models, rule sets, the columns that each rule sees at its point and the labels that each model
can give are checked before any text is read, and all problems are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from refinery.definition.load import Definition
from refinery.definition.models import Source, Stage, Use
from refinery.definition.paths import Paths
from refinery.definition.validate import Invalid
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, nearest
from refinery.filters import registry
from refinery.plan.against import earlier_folder
from refinery.plan.graph import RESERVED, Column, Graph, Measurement, ResolvedStage, View
from refinery.plan.outputs import output_folders
from refinery.plan.verbs import Arriving, add_columns, needed_columns, own_measurements
from refinery.storage.documents import SourceSpec
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.rules import Rule
    from refinery.filters.verb import Verb

T = TypeVar("T")


def resolve(definition: Definition) -> Graph:
    """Looks up everything a definition names; raises DefinitionError with every problem found."""
    resolver = _Resolver(definition, [*definition.problems])
    graph = resolver.resolve()
    if resolver.problems:
        raise DefinitionError(*dict.fromkeys(resolver.problems))
    return graph


@dataclass
class _Resolver:
    definition: Definition
    problems: list[str]
    sources: dict[str, SourceSpec] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)  # of each source, as stages get it
    stages: dict[str, ResolvedStage] = field(default_factory=dict)
    incomplete: set[str] = field(
        default_factory=set
    )  # stages of which a part is in error: columns may be lacking

    def problem(self, location: Location, *messages: str) -> None:
        self.problems += [self.definition.source.problem(location, message) for message in messages]

    def resolve(self) -> Graph:
        pipeline = self.definition.pipeline
        self._sources()
        for name in self._in_order():
            self._stage(name, pipeline.stages[name])
        output_paths = output_folders(self.definition, self.sources, self.problem)
        self._written_columns()
        self._earlier(output_paths)
        return Graph(self.definition, self.sources, self.stages, dict(pipeline.outputs), output_paths)

    def _sources(self) -> None:
        pipeline = self.definition.pipeline
        every = self._transforms((), pipeline.transform)
        for name in self.definition.names("sources"):
            source = pipeline.sources.get(name)
            own = source.transform if source else None
            chain = every if own is None else self._transforms(("sources", name), own)
            self.views[name] = View(name, chain)
            if source:
                try:
                    self.sources[name] = _spec(name, source, self.definition.paths)
                except DefinitionError as error:
                    self.problem(("sources", name, "path"), *error.problems)
            if name in self.definition.names("stages"):
                self.problem(("stages", name), "a source has this name too")

    def _in_order(self) -> list[str]:
        """Stage names, parents first; names a cycle or an unknown parent as a problem and leaves it out."""
        stages, sources = self.definition.pipeline.stages, self.views
        known = [*sources, *self.definition.names("stages")]
        ordered: list[str] = []
        waiting = dict(stages)
        for name, stage in stages.items():
            for parent in stage.from_:
                if parent not in known:
                    near = nearest(parent, [other for other in known if other != name])
                    self.problem(("stages", name, "from"), f"no source or stage {parent!r}{near}")
        while ready := [n for n, s in waiting.items() if all(p in sources or p in ordered for p in s.from_)]:
            ordered += ready
            for name in ready:
                del waiting[name]
        # of those that are left, some only come from what is in error
        while others := [n for n, s in waiting.items() if not waiting.keys() & s.from_]:
            for name in others:
                del waiting[name]
        if waiting:
            message = f"the stages {', '.join(waiting)} come from each other"
            self.problem(("stages", next(iter(waiting)), "from"), message)
        return ordered

    def _stage(self, name: str, stage: Stage) -> None:
        place: Location = ("stages", name)
        if self.definition.is_broken("stages", name) or self.incomplete.intersection(stage.from_):
            self.incomplete.add(name)
        chain = self._transforms(place, stage.transform)
        if len(chain) < len(stage.transform):
            self.incomplete.add(name)
        parents = [(p, self.stages.get(p)) for p in stage.from_]
        sources = tuple(dict.fromkeys(s for p, up in parents for s in (up.sources if up else (p,))))
        views: dict[str, View] = {}
        columns: dict[str, dict[str, Column]] = {source: {} for source in sources}
        for parent, above in parents:
            for source in above.sources if above else (parent,):
                inherited = above.views[source] if above else self.views[source]
                view = View(source, inherited.transforms + chain)
                if views.setdefault(source, view).key != view.key and name not in self.incomplete:
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
        if len(measured) < len(stage.measure):
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

    def _transforms(self, place: Location, uses: Sequence[Use]) -> tuple[Transform, ...]:
        built = (
            self._build((*place, "transform", index), registry.transform, *_name_and_settings(use))
            for index, use in enumerate(uses)
        )
        return tuple(transform for transform in built if transform)

    def _measure(self, place: Location, index: int, use: Use) -> tuple[Measurer, str | None] | None:
        name, settings = _name_and_settings(use)
        prefix = settings.pop("as", None)
        location: Location = (*place, "measure", index)
        if prefix is not None and not str(prefix).isidentifier():
            self.problem((*location, name, "as"), f"expected a column name, got {prefix!r}")
        built = self._build(location, registry.measurer, name, settings)
        return None if built is None else (built, prefix)

    def _build(
        self,
        location: Location,
        build: Callable[[str, Mapping[str, Any], Paths], T],
        name: str,
        settings: dict[str, Any],
    ) -> T | None:
        try:
            return build(name, settings, self.definition.paths)
        except Invalid as error:
            for place, message in error.found:
                self.problem((*location, *place), message)
        except DefinitionError as error:
            self.problem(location, *error.problems)
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
        sized = size.build(size.Settings())
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

        from refinery.filters.predicate import problems
        from refinery.filters.rules import resolve as rules_of

        everywhere = set.intersection(*(set(seen) for seen in columns.values()))
        known: dict[str, Any] = {
            c: entry.type for c, entry in next(iter(columns.values())).items() if c in everywhere
        }
        known["source"] = pa.string()
        labels: dict[str, frozenset[str]] = {}
        for seen in columns.values():
            for name, column in seen.items():
                if values := column.measurement.measurer.labels.get(column.original):
                    labels[name] = values
        resolved: list[Rule] = []
        for index, entry in enumerate(stage.keep):
            location: Location = (*place, "keep", index)
            try:
                found = rules_of([entry], self.definition.paths, measured=everywhere)
            except DefinitionError as error:
                self.problem(location, *error.problems)
                continue
            for rule in found:
                if any(rule.name == other.name for other in resolved):
                    self.problem(location, f"two rules are called {rule.name!r}")
                for message in problems(rule.predicate, known, labels):
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
            return registry.verb(name, settings, self.definition.paths)
        except Invalid as error:
            for at, message in error.found:
                self.problem((*place, name, *at), message)
        except DefinitionError as error:
            self.problem((*place, name), *error.problems)
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

    def _written_columns(self) -> None:
        for name, output in self.definition.pipeline.outputs.items():
            stage = self.stages.get(output.from_)
            if stage and stage.name not in self.incomplete:
                seen = {column for columns in stage.columns.values() for column in columns}
                for column in output.measurements or ():
                    if column not in seen:
                        message = f"no measurer makes the column {column!r}{nearest(column, seen)}"
                        self.problem(("outputs", name, "measurements"), message)

    def _earlier(self, outputs: Mapping[str, Place]) -> None:
        """What a verb looks at is another run's output."""
        for name, stage in self.stages.items():
            if stage.verb and stage.verb.against:
                location = ("stages", name, stage.verb.name, "against")
                try:
                    earlier = earlier_folder(stage.verb.against, self.definition.paths)
                except DefinitionError as error:
                    self.problem(location, *error.problems)
                    continue
                if any(str(earlier) == str(path) for path in outputs.values()):
                    self.problem(location, "this pipeline writes there itself")


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
        here = {c.measurement.key: c.measurement for c in seen.values() if c.measurement.measurer.costly}
        missing = tuple(m for key, m in here.items() if not all(key in branch for branch in made))
        if missing:
            found[source] = missing
    return found


def _spec(name: str, source: Source, paths: Paths) -> SourceSpec:
    """How the source is read: each of its settings is one of the reader; raises DefinitionError for a wrong path."""
    found = tuple(paths.expand(path) for path in source.path)
    return SourceSpec(name=name, path=found, **source.model_dump(exclude={"path", "transform"}))


def _name_and_settings(use: Use) -> tuple[str, dict[str, Any]]:
    if isinstance(use, str):
        return use, {}
    [(name, settings)] = use.items()
    return name, dict(settings or {})


def _visible(column: str, prefix: str | None, width: int) -> str:
    if prefix is None:
        return column
    return prefix if width == 1 else f"{prefix}_{column}"
