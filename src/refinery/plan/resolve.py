"""Resolving a definition: everything it names is looked up, everything it can get wrong is checked.

Names, cycles, models, rule sets, the columns that each rule sees at its point and the labels that each model
can give are checked before any text is read, and all problems are reported together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from refinery.definition.load import Definition
from refinery.definition.models import Stage
from refinery.definition.validate import WITH_NAMES
from refinery.definition.values import Use
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, nearest
from refinery.filters import registry
from refinery.filters.licence import LICENCE
from refinery.filters.rules import resolve_rules
from refinery.plan.against import earlier_folder
from refinery.plan.calibrations import calibration_of, with_calibration
from refinery.plan.expressions import add_derived, clashing_types
from refinery.plan.file_columns import add_file_columns, clashes, column_problems
from refinery.plan.graph import (
    RESERVED,
    Columns,
    Graph,
    Identity,
    Measurement,
    ResolvedStage,
    View,
    against_source,
)
from refinery.plan.licences import (
    allowed_licences,
    check_licences,
    licence_column,
    licence_rule,
    uses_licences,
)
from refinery.plan.measured import add_measured, late_of, measurers_of, size_measurer
from refinery.plan.models import (
    makings_of,
    score_problems,
    unknown_hosts,
    with_hosts,
    with_models,
    with_scores,
)
from refinery.plan.order import in_rounds
from refinery.plan.outputs import check_measurements, output_folders, output_tokens
from refinery.plan.problems import Problems
from refinery.plan.protect import Protection, benchmark_specs, protected_stage, protections
from refinery.plan.reading import spec_of
from refinery.plan.removed_share import REMOVED, add_removed_share, is_removed_share
from refinery.plan.repeats import check_repeats, part_problems
from refinery.plan.result import calibration_name, model_name
from refinery.plan.splits import check_splits, hold_out, positions_of
from refinery.plan.stage_rules import rules_of, sql_of
from refinery.plan.texts import Parents, Texts
from refinery.plan.verbs import Arriving, Heads, add_columns, is_carried, needed_columns, own_measurements
from refinery.sources.documents import SourceSpec
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.verb import Verb
    from refinery.models.maker import Made

CUT = "cut:"  # the prefix of stages that a verb implies that cuts texts


def resolve(
    definition: Definition, made: Mapping[str, Made] | None = None, cuts: Mapping[str, str] | None = None
) -> Graph:
    """Looks up everything a definition names; raises DefinitionError with every problem found.

    made: the models and counts that are there by now, by the names of their results; cuts: as in Graph, once known.
    """
    definition = replace(definition, paths=with_models(definition.paths, made or {}))
    problems = Problems(definition.source, [*definition.problems])
    graph = _Resolver(definition, problems, Texts(made or {}, cuts or {})).resolve()
    if problems.found:
        raise DefinitionError(*dict.fromkeys(problems.found))
    return graph


@dataclass
class _Resolver:
    definition: Definition
    problems: Problems
    texts: Texts
    sources: dict[str, SourceSpec] = field(default_factory=dict)
    stages: dict[str, ResolvedStage] = field(default_factory=dict)
    chains: dict[str, tuple[Transform, ...]] = field(default_factory=dict)  # of each stage
    protections: list[Protection] = field(default_factory=list)
    implied: dict[str, str] = field(default_factory=dict)  # see Graph
    heads: Heads = field(init=False)
    # stages that may lack columns, as a part of them or of a stage above is wrong and has been reported
    incomplete: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.heads = Heads(self.sources)

    def resolve(self) -> Graph:
        pipeline = self.definition.pipeline
        self._sources()
        for name in self._in_order():
            self._stage(name, pipeline.stages[name])
        self.texts.makings.update(makings_of(self.definition, self.problems.add))
        self._calibrate()
        output_paths = output_folders(self.definition, self.sources, self.problems.add)
        tokens = output_tokens(self.definition, self.problems.add)
        check_measurements(pipeline.outputs, self.stages, self.incomplete, self.problems.add)
        check_repeats(pipeline, self.stages, self.texts.makings, self.problems.add)
        check_licences(self.definition, self.stages, self.heads, self.problems.add)
        self._earlier(output_paths)
        self._imply_stages()
        self._find_hosts()
        self._find_scores()
        split = check_splits(pipeline.outputs, self.stages, self.heads, self.problems.add)
        positions = positions_of(split, self.stages, self.texts.sources, self.sources)
        self.stages = hold_out(split, self.stages, positions, self.problems.add)
        return Graph(
            self.definition,
            self.sources,
            self.texts.sources,
            self.texts.makings,
            self.stages,
            dict(pipeline.outputs),
            output_paths,
            self.implied,
            positions,
            tokens,
            self.texts.cuts,
        )

    def _sources(self) -> None:
        pipeline = self.definition.pipeline
        every = self._transforms((), pipeline.transform)
        for name in self.definition.names("sources"):
            self.texts.sources[name] = self.texts.extend(View(name), every)
            if name in self.definition.names("stages"):
                self.problems.add(("stages", name), "a source has this name too")
        for name, source in pipeline.sources.items():
            if source.transform is not None:
                self.texts.sources[name] = self.texts.extend(
                    View(name), self._transforms(("sources", name), source.transform)
                )
            held = any(name in entry.from_ for entry in pipeline.protect.values())
            make = partial(spec_of, name, source, self.definition.paths, held=held)
            if spec := self.problems.attempt(("sources", name), make):
                self.sources[name] = spec
        benchmarks = benchmark_specs(self.definition, self.problems.add)
        self.sources |= benchmarks
        plain = tuple(one for one in every if one.counter is None)  # an item stays, however many are like it
        self.texts.sources.update({name: View(name, plain) for name in benchmarks})
        self.protections = protections(self.definition, self.texts.sources, self.problems.add)

    def _in_order(self) -> list[str]:
        """Stage names, parents first; names a cycle or an unknown parent as a problem and leaves it out."""
        stages, sources = self.definition.pipeline.stages, self.texts.sources
        known = {*self.definition.names("sources"), *self.definition.names("stages")}
        for name, stage in stages.items():
            for parent in stage.from_:
                if parent not in known:
                    near = nearest(parent, known - {name}) if len(self.problems.found) < WITH_NAMES else ""
                    self.problems.add(("stages", name, "from"), f"no source or stage {parent!r}{near}")
        above = {name: {p for p in stage.from_ if p not in sources} for name, stage in stages.items()}
        # what only comes from what is in error has been reported
        sound = {*in_rounds({name: parents & stages.keys() for name, parents in above.items()})}
        if waiting := [name for name in stages if name not in sound]:
            message = f"the stages {', '.join(waiting)} come from each other"
            self.problems.add(("stages", waiting[0], "from"), message)
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
        measured = measurers_of(place, stage.measure, self.definition.paths, self.problems)
        if len(measured) < len(stage.measure):
            self.incomplete.add(name)
        sources = tuple(views)
        for source in sources:
            made = [(self._sized, None), *measured]
            wrong = add_measured(views[source], made, columns[source], self._taken)
            self.problems.add((*place, "measure"), *wrong)
            if LICENCE in self._taken and source in self.definition.pipeline.sources:
                columns[source][LICENCE] = licence_column(self.definition.pipeline, source, columns[source])
        arriving = Arriving(name, views, columns, self.heads, name in self.incomplete)
        self._measured_columns(place, measured, arriving)
        before = {s: self.texts.before(s, parents) if chain else View(s) for s in sources}
        sql = [] if REMOVED in stage.derive else sql_of(stage, self.definition.paths)
        add_removed_share(sql, before, self._sized, arriving)
        self._file_columns(place, stage, arriving)
        self._derive(place, stage.derive, arriving)
        rules = rules_of(
            place,
            stage.keep,
            columns,
            self.definition.paths,
            self.problems,
            implied=licence_rule(self.definition.pipeline, self._allowed_licences, name),
            incomplete=name in self.incomplete,
        )
        verb = self._verb(place, stage)
        earlier = against_source(name)
        against = {earlier: View(earlier)} if verb and verb.against else {}
        needed, own = self._read(
            verb, place, Arriving(name, views, columns, self.heads, name in self.incomplete), against
        )
        removed = {s: found for s in sources if (found := self.texts.removed(s, views[s], parents))}
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
            late_of(parents, columns, {s: (*own.get(s, ()), *removed.get(s, ())) for s in {*own, *removed}}),
            against,
            removed,
        )

    def _calibrate(self) -> None:
        """Adds what moves the thresholds of stages, and moves those of which it is known by how much."""
        above = {name: {name: view} for name, view in self.texts.sources.items()}
        above |= {name: stage.views for name, stage in self.stages.items()}
        for name, written in self.definition.pipeline.stages.items():
            stage, settings = self.stages.get(name), written.calibrate
            if stage is None or settings is None or name in self.incomplete:
                continue
            result = calibration_name(name)
            below = partial(self.texts.extend, chain=self.chains[name])
            report = self.problems.inside(("stages", name, "calibrate"))
            if making := calibration_of(stage, settings, above, below, report):
                self.texts.makings[result] = making
                if result in self.texts.made:
                    self.stages[name] = with_calibration(stage, self.texts.made[result])

    def _imply_stages(self) -> None:
        """Adds stages before the outputs and before what models are made of.

        They leave out what is protected, and measure texts that the last verb has cut.
        """
        outputs = self.definition.pipeline.outputs
        read: list[tuple[str, Location]] = [
            (o.from_, ("outputs", name, "from")) for name, o in outputs.items()
        ]
        for name, making in self.texts.makings.items():
            if making.is_model:
                place = tuple(name.split("."))
                read += [(one, place) for names in making.inputs.values() for one in names]
        held = {source for protection in self.protections for source in protection.against}
        for name, location in read:
            if name not in self.stages and name not in self.texts.sources:
                continue  # which has been reported
            sources = self.stages[name].sources if name in self.stages else (name,)
            if self.protections and held.issuperset(sources):
                self.problems.add(location, f"all documents of {name!r} are protected, none would be left")
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
        for name, making in self.texts.makings.items():
            if making.maker.makes == "sample":
                read = [self.implied.get(one, one) for names in making.inputs.values() for one in names]
                sources = {one: self.stages[one].sources if one in self.stages else (one,) for one in read}
                self.texts.makings[name] = with_hosts(making, sources, self.heads)
        for name, model in self.definition.pipeline.models.items():
            sample = self.texts.makings.get(f"{model_name(name)}.sample")
            if model.recall and sample and (problem := unknown_hosts(model.recall, sample, self.implied)):
                self.problems.add(("models", name, model.recall.word, "rich_hosts"), problem)

    def _find_scores(self) -> None:
        """Has quantiles know the columns that they count."""
        for name, model in self.definition.pipeline.models.items():
            if (counted := model.quantiles) is None or (result := model_name(name)) not in self.texts.makings:
                continue
            if not self.incomplete.intersection(counted.from_):
                for part, message in score_problems(counted, self.stages, self.texts.sources):
                    self.problems.add(("models", name, counted.word, part), message)
            self.texts.makings[result] = with_scores(
                self.texts.makings[result], counted, self.stages, self.implied
            )

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
                inherited = self.texts.below(above, source) if above else self.texts.sources[source]
                view = self.texts.extend(inherited, chain)
                if views.setdefault(source, view).key != view.key and name not in self.incomplete:
                    message = "arrives here after two different chains of transforms; use two outputs"
                    self.problems.add(location, f"{source} {message}")
                known = columns.setdefault(source, {})
                for column, entry in (above.columns[source] if above else {}).items():
                    if is_carried(entry) or isinstance(entry, Identity) or is_removed_share(entry):
                        continue  # each stage takes those that it reads
                    if known.setdefault(column, entry).key != entry.key:
                        message = f"arrives here with two kinds of {column!r}; rename one"
                        self.problems.add(location, f"{source} {message} (a measured one with `as`)")
        if name not in self.incomplete and (found := list(clashing_types(columns))):
            self.problems.add(location, *found)
            self.incomplete.add(name)
        return views, columns

    def _transforms(self, place: Location, uses: Sequence[Use]) -> tuple[Transform, ...]:
        paths = self.definition.paths
        made = [
            self.problems.attempt((*place, "transform", index), partial(registry.transform, *use, paths))
            for index, use in enumerate(map(registry.name_and_settings, uses))
        ]
        return tuple(transform for transform in made if transform is not None)

    @cached_property
    def _sized(self) -> Measurer:
        return size_measurer(self.definition.pipeline.tokens, self.definition.paths, self.problems)

    @cached_property
    def _taken(self) -> frozenset[str]:
        """Names that no column of a measurer can have."""
        return RESERVED | {LICENCE} if uses_licences(self.definition.pipeline) else RESERVED

    @cached_property
    def _allowed_licences(self) -> dict[str, tuple[str, ...]]:
        return allowed_licences(self.definition.pipeline)

    def _derive(self, place: Location, expressions: Mapping[str, str], arriving: Arriving) -> None:
        problem = self.problems.inside((*place, "derive"))
        if not add_derived(expressions, arriving, self.definition.paths, problem):
            self.incomplete.add(arriving.stage)

    def _measured_columns(
        self, place: Location, measured: Iterable[tuple[Measurer, str | None]], arriving: Arriving
    ) -> None:
        """Checks that the files of all that arrives have the columns which are measured in place of texts."""
        if arriving.views.keys() <= self.sources.keys():
            for name in sorted({built.column for built, _ in measured if built.column}):
                self.problems.add((*place, "measure"), *column_problems(name, arriving))

    def _file_columns(self, place: Location, stage: Stage, arriving: Arriving) -> None:
        """Adds the columns of files that the stage's SQL reads."""
        if not arriving.views.keys() <= self.sources.keys():
            return  # a source is in error, so that nobody knows which columns its files have
        known = {name for columns in arriving.columns.values() for name in columns}
        for index, entry in enumerate(stage.keep):
            with suppress(DefinitionError):  # told where rules are checked
                sql = [rule.predicate for rule in resolve_rules([entry], self.definition.paths, known)]
                own = clashes(sql, arriving) if isinstance(entry, dict) else []
                self.problems.add(
                    (*place, "keep", index), *own, *add_file_columns(sql, stage.derive, arriving)
                )
        sql = list(stage.derive.values())
        self.problems.add(
            (*place, "derive"), *clashes(sql, arriving), *add_file_columns(sql, stage.derive, arriving)
        )

    def _verb(self, place: Location, stage: Stage) -> Verb | None:
        if stage.verb is None:
            return None
        name, settings = stage.verb
        location: Location = (*place, name)
        verb = self.problems.attempt(location, partial(registry.verb, name, settings, self.definition.paths))
        if verb and verb.parts and not self.definition.is_broken(*map(str, location)):
            self.problems.add(location, *part_problems(verb.parts, stage.from_))
        return verb and verb.for_family(self.definition.pipeline.tokens.family)

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
        needed = needed_columns(verb, arriving, self.problems.inside(location))
        return needed, own_measurements(verb, {**arriving.views, **against})

    def _earlier(self, outputs: Mapping[str, Place]) -> None:
        """What a verb looks at is another run's output."""
        for name, stage in self.stages.items():
            if stage.verb and stage.verb.against:
                location = ("stages", name, stage.verb.name, "against")
                make = partial(earlier_folder, stage.verb.against, self.definition.paths)
                earlier = str(self.problems.attempt(location, make))
                if earlier in map(str, outputs.values()):
                    self.problems.add(location, "this pipeline writes there itself")
