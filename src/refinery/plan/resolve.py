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
from refinery.definition.models import Dedup, Select, Source, Stage
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters import registry
from refinery.filters.measurer import is_costly
from refinery.plan.against import earlier_folder
from refinery.plan.fingerprint import fingerprint
from refinery.plan.graph import (
    OWN_OUTPUT,
    RESERVED,
    Column,
    Graph,
    Measurement,
    ResolvedStage,
    View,
    ranking,
)
from refinery.storage.documents import SourceSpec
from refinery.storage.place import Place, lies_in, place_of, refuse_as_folder
from refinery.storage.url import is_url, local

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.rules import Rule

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
        if stage.dedup and stage.select:
            self.problem((*place, "select"), "a stage has at most one of dedup and select; make two stages")
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
        self._add_dedup(place, stage.dedup, views, columns)
        self._add_select(place, stage.select, views, columns)
        costly = _costly(parents, columns)
        depth = max((above.depth + (above.is_global or bool(costly)) if above else 0) for _, above in parents)
        self.stages[name] = ResolvedStage(
            name, stage.from_, sources, views, columns, rules, stage.dedup, stage.select, depth, costly
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
        self.labels[_measurer_key(built)] = dict(registry.labels(name, settings, self.definition.base))
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

        everywhere = {
            name for name in set.intersection(*(set(seen) for seen in columns.values())) if "." not in name
        }
        known: dict[str, Any] = {
            c: entry.type for c, entry in next(iter(columns.values())).items() if c in everywhere
        }
        known["source"] = pa.string()
        labels: dict[str, frozenset[str]] = {}
        for seen in columns.values():
            for name, column in seen.items():
                for original, values in self.labels.get(
                    _measurer_key(column.measurement.measurer), {}
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

    def _add_dedup(
        self,
        place: Location,
        dedup: Dedup | None,
        views: dict[str, View],
        columns: dict[str, dict[str, Column]],
    ) -> None:
        if dedup is None:
            return
        from refinery.dedup import measurers

        location: Location = (*place, "dedup")
        if not dedup.exact and dedup.near is None:
            self.problem(location, "neither exact nor near is asked for")
        if dedup.near and (dedup.near.bands is None) != (dedup.near.rows is None):
            self.problem((*location, "near"), "give both bands and rows, or neither")
        if (
            dedup.near
            and dedup.near.bands
            and dedup.near.rows
            and dedup.near.bands * dedup.near.rows > dedup.near.num_perm
        ):
            self.problem((*location, "near"), f"bands x rows is more than num_perm ({dedup.near.num_perm})")
        for index, preference in enumerate(dedup.prefer):
            self._check_ranking((*location, "prefer", index), preference, columns, also=("source",))
            _measure_on_all(preference, views, columns)
        for source, view in views.items():
            for built in measurers(dedup):
                for entry in built.schema:
                    columns[source][f"dedup.{entry.name}"] = Column(
                        Measurement(view, built), entry.name, entry.type
                    )

    def _add_select(
        self,
        place: Location,
        select: Select | None,
        views: dict[str, View],
        columns: dict[str, dict[str, Column]],
    ) -> None:
        if select is None:
            return
        self._check_ranking((*place, "select", "by"), select.by, columns, also=())
        _measure_on_all(select.by, views, columns)
        if select.tokenizer is None:
            return
        from refinery.filters import size

        try:
            counter = size.build(size.Settings(tokenizer=select.tokenizer), self.definition.base)
        except (DefinitionError, InputError) as error:
            self.problem((*place, "select", "tokenizer"), str(error))
            return
        for source, view in views.items():
            columns[source]["tokens"] = Column(
                Measurement(view, counter), "tokens", counter.schema.field("tokens").type
            )

    def _check_ranking(
        self, location: Location, text: str, columns: dict[str, dict[str, Column]], also: tuple[str, ...]
    ) -> None:
        import pyarrow as pa

        try:
            name, _ = ranking(text)
        except ValueError as error:
            self.problem(location, str(error))
            return
        if name in also:
            return
        found = [seen[name].type for seen in columns.values() if name in seen]
        if not found and self.incomplete.intersection(location):
            return
        if not found:
            valid = {column for seen in columns.values() for column in seen if "." not in column} | set(also)
            self.problem(location, f"no measurer before this makes the column {name!r}{nearest(name, valid)}")
        elif not (pa.types.is_floating(found[0]) or pa.types.is_integer(found[0])):
            self.problem(location, f"the column {name!r} is {found[0]}; a ranking needs numbers")

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
                seen = {c for columns in stage.columns.values() for c in columns if "." not in c}
                for column in output.measurements:
                    if column not in seen and name not in self.incomplete:
                        message = f"no measurer makes the column {column!r}{nearest(column, seen)}"
                        self.problem((*place, "measurements"), message)
        for name, written in self.definition.pipeline.stages.items():
            if written.dedup and written.dedup.against:
                earlier = earlier_folder(written.dedup.against, base)
                if any(str(earlier) == str(path) for path in paths.values()):
                    self.problem(("stages", name, "dedup", "against"), "this pipeline writes there itself")
        return paths


def _measure_on_all(text: str, views: dict[str, View], columns: dict[str, dict[str, Column]]) -> None:
    """What ranks documents is measured on every document it ranks, also where only one branch asked for it.

    Otherwise a trusted source that went around the measuring branch would rank last as a whole.
    """
    name, *_ = [*text.split(maxsplit=1), ""]
    found = {_measurer_key(c[name].measurement.measurer): c[name] for c in columns.values() if name in c}
    if len(found) == 1:  # with several models there is no telling which one to use
        (column,) = found.values()
        for source, view in views.items():
            measured = Column(Measurement(view, column.measurement.measurer), column.original, column.type)
            columns[source].setdefault(name, measured)


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


def _measurer_key(measurer: Measurer) -> str:
    return fingerprint(measurer.name, measurer.version, measurer.settings)


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
