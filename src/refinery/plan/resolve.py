"""Resolving a definition: everything it names is looked up, everything it can get wrong is checked.

Names, cycles, models, rule sets, the columns that each rule sees at its point and the labels that each model
can give are checked before any text is read, and all problems are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from refinery.definition.load import Definition
from refinery.definition.models import KeepEntry, Stage
from refinery.definition.validate import WITH_NAMES, Invalid, validate
from refinery.definition.values import Use
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, nearest
from refinery.filters import registry
from refinery.filters.licence import LICENCE
from refinery.filters.removed import Removed
from refinery.filters.rules import MAX_RULES, resolve_rules
from refinery.plan.against import earlier_folder
from refinery.plan.calibrations import calibration_of, with_calibration
from refinery.plan.expressions import add_derived, clashing_types, maker_of, seen_by_sql
from refinery.plan.file_columns import add_file_columns, clashes, column_problems
from refinery.plan.graph import (
    RESERVED,
    Column,
    Columns,
    Derived,
    Graph,
    Identity,
    Making,
    Measured,
    Measurement,
    ResolvedStage,
    VerbCut,
    View,
    against_source,
    measurement_of,
)
from refinery.plan.licences import (
    allowed_licences,
    check_licences,
    licence_column,
    licence_rule,
    uses_licences,
)
from refinery.plan.models import makings_of, score_problems, with_hosts, with_models, with_scores
from refinery.plan.order import in_rounds
from refinery.plan.outputs import check_measurements, output_folders, output_tokens
from refinery.plan.protect import Protection, benchmark_specs, protected_stage, protections
from refinery.plan.reading import spec_of
from refinery.plan.removed_share import REMOVED, add_removed_share, is_removed_share
from refinery.plan.repeats import check_repeats, part_problems
from refinery.plan.result import calibration_name, count_name, model_name
from refinery.plan.splits import check_splits, hold_out, positions_of
from refinery.plan.verbs import Arriving, Heads, add_columns, is_carried, needed_columns, own_measurements
from refinery.sources.documents import SourceSpec
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.rules import Rule
    from refinery.filters.verb import Verb
    from refinery.models.maker import Made

T = TypeVar("T")
CUT = "cut:"  # the prefix of stages that a verb implies that cuts texts
Parents = list[tuple[str, "ResolvedStage | None"]]  # names, with the stage for what is no source


def resolve(
    definition: Definition, made: Mapping[str, Made] | None = None, cuts: Mapping[str, str] | None = None
) -> Graph:
    """Looks up everything a definition names; raises DefinitionError with every problem found.

    made: the models and counts that are there by now, by the names of their results; cuts: as in Graph, once known.
    """
    definition = replace(definition, paths=with_models(definition.paths, made or {}))
    resolver = _Resolver(definition, [*definition.problems], made or {}, cuts or {})
    graph = resolver.resolve()
    if resolver.problems:
        raise DefinitionError(*dict.fromkeys(resolver.problems))
    return graph


@dataclass
class _Resolver:
    definition: Definition
    problems: list[str]
    made: Mapping[str, Made]
    cuts: Mapping[str, str]
    sources: dict[str, SourceSpec] = field(default_factory=dict)
    makings: dict[str, Making] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)  # of each source, as stages get it
    stages: dict[str, ResolvedStage] = field(default_factory=dict)
    chains: dict[str, tuple[Transform, ...]] = field(default_factory=dict)  # of each stage
    protections: list[Protection] = field(default_factory=list)
    implied: dict[str, str] = field(default_factory=dict)  # see Graph
    heads: Heads = field(init=False)
    # stages that may lack columns, as a part of them or of a stage above is wrong and has been reported
    incomplete: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.heads = Heads(self.sources)

    def problem(self, location: Location, *messages: str) -> None:
        self.problems += [self.definition.source.problem(location, message) for message in messages]

    def _problem_in(self, location: Location, at: Location, message: str) -> None:
        self.problem((*location, *at), message)

    def _problem_at(self, location: Location, part: str, message: str) -> None:
        self.problem((*location, part), message)

    def attempt(self, location: Location, make: Callable[[], T]) -> T | None:
        """What `make` gives, or None and its problems at the location."""
        try:
            return make()
        except Invalid as error:
            for place, message in error.found:
                self.problem((*location, *place), message)
        except DefinitionError as error:
            self.problem(location, *error.problems)
        return None

    def resolve(self) -> Graph:
        pipeline = self.definition.pipeline
        self._sources()
        for name in self._in_order():
            self._stage(name, pipeline.stages[name])
        self.makings |= makings_of(self.definition, self.problem)
        self._calibrate()
        output_paths = output_folders(self.definition, self.sources, self.problem)
        tokens = output_tokens(self.definition, self.problem)
        check_measurements(pipeline.outputs, self.stages, self.incomplete, self.problem)
        check_repeats(pipeline, self.stages, self.makings, self.problem)
        check_licences(self.definition, self.stages, self.heads, self.problem)
        self._earlier(output_paths)
        self._imply_stages()
        self._find_hosts()
        self._find_scores()
        split = check_splits(pipeline.outputs, self.stages, self.heads, self.problem)
        positions = positions_of(split, self.stages, self.views, self.sources)
        self.stages = hold_out(split, self.stages, positions, self.problem)
        return Graph(
            self.definition,
            self.sources,
            self.views,
            self.makings,
            self.stages,
            dict(pipeline.outputs),
            output_paths,
            self.implied,
            positions,
            tokens,
            self.cuts,
        )

    def _sources(self) -> None:
        pipeline = self.definition.pipeline
        every = self._transforms((), pipeline.transform)
        for name in self.definition.names("sources"):
            self.views[name] = self._view(View(name), every)
            if name in self.definition.names("stages"):
                self.problem(("stages", name), "a source has this name too")
        for name, source in pipeline.sources.items():
            if source.transform is not None:
                self.views[name] = self._view(
                    View(name), self._transforms(("sources", name), source.transform)
                )
            held = any(name in entry.from_ for entry in pipeline.protect.values())
            make = partial(spec_of, name, source, self.definition.paths, held=held)
            if spec := self.attempt(("sources", name), make):
                self.sources[name] = spec
        benchmarks = benchmark_specs(self.definition, self.problem)
        self.sources |= benchmarks
        plain = tuple(one for one in every if one.counter is None)  # an item stays, however many are like it
        self.views |= {name: View(name, plain) for name in benchmarks}
        self.protections = protections(self.definition, self.views, self.problem)

    def _in_order(self) -> list[str]:
        """Stage names, parents first; names a cycle or an unknown parent as a problem and leaves it out."""
        stages, sources = self.definition.pipeline.stages, self.views
        known = {*self.definition.names("sources"), *self.definition.names("stages")}
        for name, stage in stages.items():
            for parent in stage.from_:
                if parent not in known:
                    near = nearest(parent, known - {name}) if len(self.problems) < WITH_NAMES else ""
                    self.problem(("stages", name, "from"), f"no source or stage {parent!r}{near}")
        above = {name: {p for p in stage.from_ if p not in sources} for name, stage in stages.items()}
        # what only comes from what is in error has been reported
        sound = {*in_rounds({name: parents & stages.keys() for name, parents in above.items()})}
        if waiting := [name for name in stages if name not in sound]:
            message = f"the stages {', '.join(waiting)} come from each other"
            self.problem(("stages", waiting[0], "from"), message)
        return in_rounds(above)

    def _stage(self, name: str, stage: Stage) -> None:
        place: Location = ("stages", name)
        parts = [
            ("stages", name),
            *(("sources", s, part) for s in stage.from_ for part in ("columns", "join")),
        ]
        if self.incomplete.intersection(stage.from_) or any(self.definition.is_broken(*one) for one in parts):
            self.incomplete.add(name)
        chain = self.chains[name] = self._transforms(place, stage.transform)
        if len(chain) < len(stage.transform):
            self.incomplete.add(name)
        parents = [(p, self.stages.get(p)) for p in stage.from_]
        views, columns = self._arriving(name, parents, chain)
        measured = [m for i, use in enumerate(stage.measure) if (m := self._measure(place, i, use))]
        if len(measured) < len(stage.measure):
            self.incomplete.add(name)
        sources = tuple(views)
        for source in sources:
            self._add_columns(place, views[source], measured, columns[source], first=source == sources[0])
            if LICENCE in self._taken and source in self.definition.pipeline.sources:
                columns[source][LICENCE] = licence_column(self.definition.pipeline, source, columns[source])
        arriving = Arriving(name, views, columns, self.heads, name in self.incomplete)
        self._measured_columns(place, measured, arriving)
        before = {s: self._before(s, parents) if chain else View(s) for s in sources}
        sql = [] if REMOVED in stage.derive else self._sql(stage)
        add_removed_share(sql, before, self._sized, arriving)
        self._file_columns(place, stage, arriving)
        self._derive(place, stage.derive, arriving)
        rules = self._rules(place, stage.keep, columns)
        verb = self._verb(place, stage)
        earlier = against_source(name)
        against = {earlier: View(earlier)} if verb and verb.against else {}
        needed, own = self._read(
            verb, place, Arriving(name, views, columns, self.heads, name in self.incomplete), against
        )
        removed = {s: found for s in sources if (found := self._removed(s, views[s], parents))}
        self.stages[name] = ResolvedStage(
            name,
            stage.from_,
            sources,
            views,
            columns,
            rules,
            verb,
            needed,
            own,
            _late(parents, columns, {s: (*own.get(s, ()), *removed.get(s, ())) for s in {*own, *removed}}),
            against,
            removed,
        )

    def _calibrate(self) -> None:
        """Adds what moves the thresholds of stages, and moves those of which it is known by how much."""
        above = {name: {name: view} for name, view in self.views.items()}
        above |= {name: stage.views for name, stage in self.stages.items()}
        for name, written in self.definition.pipeline.stages.items():
            stage, settings = self.stages.get(name), written.calibrate
            if stage is None or settings is None or name in self.incomplete:
                continue
            result = calibration_name(name)
            below = partial(self._view, chain=self.chains[name])
            report = partial(self._problem_at, ("stages", name, "calibrate"))
            if making := calibration_of(stage, settings, above, below, report):
                self.makings[result] = making
                if result in self.made:
                    self.stages[name] = with_calibration(stage, self.made[result])

    def _imply_stages(self) -> None:
        """Adds stages before the outputs and before what models are made of.

        They leave out what is protected, and measure texts that the last verb has cut.
        """
        outputs = self.definition.pipeline.outputs
        read: list[tuple[str, Location]] = [
            (o.from_, ("outputs", name, "from")) for name, o in outputs.items()
        ]
        for name, making in self.makings.items():
            if making.is_model:
                place = tuple(name.split("."))
                read += [(one, place) for names in making.inputs.values() for one in names]
        held = {source for protection in self.protections for source in protection.against}
        for name, location in read:
            if name not in self.stages and name not in self.views:
                continue  # which has been reported
            sources = self.stages[name].sources if name in self.stages else (name,)
            if self.protections and held.issuperset(sources):
                self.problem(location, f"all documents of {name!r} are protected, none would be left")
            if name in self.implied:
                continue
            last = self._protect(name)
            if last in self.stages and self.stages[last].cuts:
                self._stage(f"{CUT}{name}", Stage.model_construct(from_=(last,)))
                last = f"{CUT}{name}"
            if last != name:
                self.implied[name] = last

    def _find_hosts(self) -> None:
        """Has samples know the hosts of their documents."""
        for name, making in self.makings.items():
            if making.maker.makes == "sample":
                read = [self.implied.get(one, one) for names in making.inputs.values() for one in names]
                sources = {one: self.stages[one].sources if one in self.stages else (one,) for one in read}
                self.makings[name] = with_hosts(making, sources, self.heads)

    def _find_scores(self) -> None:
        """Has quantiles know the columns that they count."""
        for name, model in self.definition.pipeline.models.items():
            if (counted := model.quantiles) is None or (result := model_name(name)) not in self.makings:
                continue
            if not self.incomplete.intersection(counted.from_):
                for part, message in score_problems(counted, self.stages, self.views):
                    self.problem(("models", name, counted.word, part), message)
            self.makings[result] = with_scores(self.makings[result], counted, self.stages, self.implied)

    def _protect(self, name: str) -> str:
        """Adds the stages that leave out of a stage or source what is protected; gives the last one."""
        above = name
        for number, protection in enumerate(self.protections):
            stage = protected_stage(name, number)
            self._stage(stage, Stage.model_construct(from_=(above,)))
            arrived = self.stages[stage]
            compared = dict(arrived.views)
            if not protection.verb.cuts:  # which cuts the text that arrives
                compared = {source: view.uncounted for source, view in compared.items()}
            own = own_measurements(protection.verb, {**compared, **protection.against})
            against = protection.against
            self.stages[stage] = replace(
                arrived, verb=protection.verb, own=own, against=against, compared=compared
            )
            above = stage
        return above

    def _arriving(
        self, name: str, parents: Parents, chain: tuple[Transform, ...]
    ) -> tuple[dict[str, View], Columns]:
        """The text and the columns of each source that comes to a stage, in trust order."""
        location: Location = ("stages", name, "from")
        views: dict[str, View] = {}
        columns: Columns = {}
        for parent, above in parents:
            for source in above.sources if above else (parent,):
                inherited = self._left(above, source) if above else self.views[source]
                view = self._view(inherited, chain)
                if views.setdefault(source, view).key != view.key and name not in self.incomplete:
                    message = "arrives here after two different chains of transforms; use two outputs"
                    self.problem(location, f"{source} {message}")
                known = columns.setdefault(source, {})
                for column, entry in (above.columns[source] if above else {}).items():
                    if is_carried(entry) or isinstance(entry, Identity) or is_removed_share(entry):
                        continue  # each stage takes those that it reads
                    if known.setdefault(column, entry).key != entry.key:
                        message = f"arrives here with two kinds of {column!r}; rename one"
                        self.problem(location, f"{source} {message} (a measured one with `as`)")
        if name not in self.incomplete and (found := list(clashing_types(columns))):
            self.problem(location, *found)
            self.incomplete.add(name)
        return views, columns

    def _before(self, source: str, parents: Parents) -> View:
        """A source's text as it comes to a stage."""
        above = next((stage for _, stage in parents if stage and source in stage.sources), None)
        return self._left(above, source) if above else self.views[source]

    def _removed(self, source: str, view: View, parents: Parents) -> tuple[Measurement, ...]:
        """What is counted of the transforms that a source's text has gone through since a stage above it."""
        itself = any(above is None for name, above in parents if name == source)
        first = 0 if itself else len(self._before(source, parents).transforms)
        steps = [View(source, view.transforms[: n + 1]) for n in range(first, len(view.transforms))]
        return tuple(Measurement(step, Removed()) for step in steps if step.transforms[-1].rules)

    def _sql(self, stage: Stage) -> list[str]:
        """The SQL of a stage's rules and derived columns."""
        found = list(stage.derive.values())
        for entry in stage.keep:
            with suppress(DefinitionError):  # told where rules are checked
                found += [rule.predicate for rule in resolve_rules([entry], self.definition.paths)]
        return found

    def _left(self, stage: ResolvedStage, source: str) -> View:
        """A source's text as it is below a stage."""
        view = stage.views[source]
        if not stage.cuts:
            return view
        return View(source, (*view.transforms, VerbCut(stage.name, self.cuts.get(stage.name, ""))))

    def _view(self, view: View, chain: Iterable[Transform]) -> View:
        """The view after more transforms; what they count is made of the source's texts before them."""
        for transform in chain:
            if transform.counter:
                making = Making(transform.counter, view)
                name = count_name(making, self.makings)
                self.makings[name] = making
                if name in self.made:
                    transform = transform.with_count(self.made[name])  # noqa: PLW2901  (the same, complete)
            view = View(view.source, (*view.transforms, transform))
        return view

    def _transforms(self, place: Location, uses: Sequence[Use]) -> tuple[Transform, ...]:
        paths = self.definition.paths
        made = [
            self.attempt((*place, "transform", index), partial(registry.transform, *use, paths))
            for index, use in enumerate(map(registry.name_and_settings, uses))
        ]
        return tuple(transform for transform in made if transform is not None)

    def _measure(self, place: Location, index: int, use: Use) -> tuple[Measurer, str | None] | None:
        name, settings = registry.name_and_settings(use)
        prefix = settings.pop("as", None)
        location: Location = (*place, "measure", index)
        if prefix is not None and not str(prefix).isidentifier():
            self.problem((*location, name, "as"), f"expected a column name, got {prefix!r}")
        built = self.attempt(location, partial(registry.measurer, name, settings, self.definition.paths))
        return None if built is None else (built, prefix)

    @cached_property
    def _taken(self) -> frozenset[str]:
        """Names that no column of a measurer can have."""
        return RESERVED | {LICENCE} if uses_licences(self.definition.pipeline) else RESERVED

    @cached_property
    def _allowed_licences(self) -> dict[str, tuple[str, ...]]:
        return allowed_licences(self.definition.pipeline)

    @cached_property
    def _sized(self) -> Measurer:
        """What measures bytes, chars and tokens everywhere, as `tokens` of the definition says."""
        from refinery.filters import token_count

        settings = self.definition.pipeline.tokens.model_dump(exclude_none=True)
        make = partial(validate, token_count.Settings, settings, self.definition.paths)
        built = self.attempt(("tokens",), lambda: token_count.build(make()))
        return built or token_count.Size()

    def _add_columns(
        self,
        place: Location,
        view: View,
        measured: list[tuple[Measurer, str | None]],
        columns: dict[str, Column],
        *,
        first: bool,
    ) -> None:
        own: dict[str, str] = {}
        for built, prefix in [(self._sized, None), *measured]:
            measurement = measurement_of(view, built)
            for entry in built.schema:
                visible = registry.column_name(entry.name, prefix, len(built.schema))
                if visible in own and first:
                    clash = f"{built.name} and {own[visible]} both make the column {visible!r}; rename one with `as`"
                    self.problem((*place, "measure"), clash)
                if visible in self._taken and first:
                    clash = f"{built.name} makes a column {visible!r}, a name that every output or rule has already"
                    self.problem((*place, "measure"), f"{clash}; choose another")
                if isinstance(columns.get(visible), Derived):
                    clash = f"{built.name} makes the column {visible!r}, which a stage above derives"
                    self.problem((*place, "measure"), f"{clash}; rename one")
                own[visible] = built.name
                columns[visible] = Measured(measurement, entry.name, entry.type)

    def _derive(self, place: Location, expressions: Mapping[str, str], arriving: Arriving) -> None:
        problem = partial(self._problem_in, (*place, "derive"))
        if not add_derived(expressions, arriving, self.definition.paths, problem):
            self.incomplete.add(arriving.stage)

    def _measured_columns(
        self, place: Location, measured: Iterable[tuple[Measurer, str | None]], arriving: Arriving
    ) -> None:
        """Checks that the files of all that arrives have the columns which are measured in place of texts."""
        if arriving.views.keys() <= self.sources.keys():
            for name in sorted({built.column for built, _ in measured if built.column}):
                self.problem((*place, "measure"), *column_problems(name, arriving))

    def _file_columns(self, place: Location, stage: Stage, arriving: Arriving) -> None:
        """Adds the columns of files that the stage's SQL reads."""
        if not arriving.views.keys() <= self.sources.keys():
            return  # a source is in error, so that nobody knows which columns its files have
        known = {name for columns in arriving.columns.values() for name in columns}
        for index, entry in enumerate(stage.keep):
            with suppress(DefinitionError):  # told where rules are checked
                sql = [rule.predicate for rule in resolve_rules([entry], self.definition.paths, known)]
                own = clashes(sql, arriving) if isinstance(entry, dict) else []
                self.problem((*place, "keep", index), *own, *add_file_columns(sql, stage.derive, arriving))
        sql = list(stage.derive.values())
        self.problem(
            (*place, "derive"), *clashes(sql, arriving), *add_file_columns(sql, stage.derive, arriving)
        )

    def _rules(self, place: Location, entries: Sequence[KeepEntry], columns: Columns) -> tuple[Rule, ...]:
        from refinery.filters.predicate import problems

        types, labels = seen_by_sql(columns)
        implied = licence_rule(self.definition.pipeline, self._allowed_licences, str(place[-1]))
        rules: dict[str, Rule] = {rule.name: rule for rule in implied}
        for index, entry in enumerate(entries):
            location: Location = (*place, "keep", index)
            found = self.attempt(
                location, partial(resolve_rules, [entry], self.definition.paths, types.keys())
            )
            sql = [rule.predicate for rule in found or ()]
            maker = None if place[-1] in self.incomplete else maker_of(sql, types.keys())
            if maker:
                read = "what it reads" if isinstance(entry, dict) else "what its rules read"
                self.problem(location, f"the measurer {maker} makes {read}: add {maker} to `measure`")
            for rule in found or ():
                if rule.name in rules:
                    self.problem(location, f"two rules are called {rule.name!r}")
                at = (*location, rule.name) if isinstance(entry, dict) else location
                for message in problems(rule.predicate, types, labels):
                    if message.startswith("no column") and (maker or place[-1] in self.incomplete):
                        continue  # what would make it has been reported
                    self.problem(at, message if isinstance(entry, dict) else f"{rule.name}: {message}")
                rules[rule.name] = rule
        if len(rules) > MAX_RULES:
            self.problem((*place, "keep"), f"{len(rules)} rules in one stage; {MAX_RULES} is the most")
        return tuple(rules.values())

    def _verb(self, place: Location, stage: Stage) -> Verb | None:
        if stage.verb is None:
            return None
        name, settings = stage.verb
        location: Location = (*place, name)
        verb = self.attempt(location, partial(registry.verb, name, settings, self.definition.paths))
        if verb and verb.parts and not self.definition.is_broken(*map(str, location)):
            self.problem(location, *part_problems(verb.parts, stage.from_))
        return verb and verb.counting(self.definition.pipeline.tokens.family)

    def _read(
        self, verb: Verb | None, place: Location, arriving: Arriving, against: dict[str, View]
    ) -> tuple[Columns, dict[str, tuple[Measurement, ...]]]:
        """What a stage's verb reads, by source: columns, and what is measured for it alone."""
        if verb is None:
            return {}, {}
        add_columns(verb.measurers, arriving)
        if not arriving.views.keys() <= self.sources.keys():
            return {}, {}  # a source is in error, so that nobody knows which columns its files have
        location: Location = (*place, verb.name)
        needed = needed_columns(verb, arriving, partial(self._problem_in, location))
        return needed, own_measurements(verb, {**arriving.views, **against})

    def _earlier(self, outputs: Mapping[str, Place]) -> None:
        """What a verb looks at is another run's output."""
        for name, stage in self.stages.items():
            if stage.verb and stage.verb.against:
                location = ("stages", name, stage.verb.name, "against")
                make = partial(earlier_folder, stage.verb.against, self.definition.paths)
                earlier = str(self.attempt(location, make))
                if earlier in map(str, outputs.values()):
                    self.problem(location, "this pipeline writes there itself")


def _late(
    parents: Parents, columns: Columns, own: Mapping[str, tuple[Measurement, ...]]
) -> dict[str, tuple[Measurement, ...]]:
    """By source, the late measurements that not every branch to this stage has made; own: of its verb."""
    found: dict[str, tuple[Measurement, ...]] = {}
    for source, seen in columns.items():
        made = [
            {
                m.key
                for column in (above.columns[source] if above else {}).values()
                for m in column.measurements
            }
            for name, above in parents
            if source in (above.sources if above else (name,))
        ]
        measured = [m for column in seen.values() for m in column.measurements]
        here = {m.key: m for m in (*measured, *own.get(source, ())) if m.late}
        missing = tuple(m for key, m in here.items() if not all(key in branch for branch in made))
        if missing:
            found[source] = missing
    return found
