"""The resolved definition: which views of which sources reach each stage, and what is measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from refinery.definition.load import Definition
from refinery.definition.outputs import Output
from refinery.filters.carried import Carried
from refinery.plan.fingerprint import fingerprint
from refinery.sources.column_settings import Join
from refinery.sources.documents import SourceSpec
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.calibration.account import Calibration
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.rules import Rule
    from refinery.filters.verb import Verb
    from refinery.models.maker import Maker
    from refinery.models.text_tokens import TextTokens

RESERVED = frozenset({"text", "id", "lineage", "source"})  # columns that every output or every rule has
OWN_OUTPUT = "narrow the source's path or write elsewhere"


@dataclass(frozen=True)
class VerbCut:
    """What a stage's verb cuts out of the texts that it keeps, a step between transforms.

    outcome: the key of the verb's outcome, which says what goes; empty until the shards are known.
    """

    stage: str
    outcome: str = ""
    name: str = "cut"
    version: int = 1
    speed: float = 500e6
    files: tuple[str, ...] = ()
    counter: None = None
    rules: tuple[str, ...] = ()

    @property
    def settings(self) -> Mapping[str, object]:
        """The outcome; the stage's name is part of no key."""
        return {"outcome": self.outcome}


@dataclass(frozen=True)
class View:
    """A source's text after a chain of transforms, and of what verbs cut out of it."""

    source: str
    transforms: tuple[Transform | VerbCut, ...] = ()

    @property
    def uncounted(self) -> View:
        """Without what depends on the other documents of the source: the same whatever is added to it."""
        return View(self.source, tuple(one for one in self.uncut.transforms if one.counter is None))

    @property
    def uncut(self) -> View:
        """Without what verbs cut."""
        return View(self.source, tuple(one for one in self.transforms if not isinstance(one, VerbCut)))

    @property
    def is_cut(self) -> bool:
        """Whether a verb cuts its texts: they are known only once it has decided."""
        return any(isinstance(one, VerbCut) for one in self.transforms)

    @cached_property
    def key(self) -> str:
        """Fingerprint of the chain; the source's content is not part of it."""
        return fingerprint([(t.name, t.version, t.settings) for t in self.transforms])


@dataclass(frozen=True)
class Measurement:
    """A measurer on a view: the thing that is computed once and cached by `key`."""

    view: View
    measurer: Measurer

    @cached_property
    def key(self) -> str:
        """Fingerprint of view and measurer."""
        return fingerprint(self.view.key, self.measurer.name, self.measurer.version, self.measurer.settings)

    @property
    def late(self) -> bool:
        """Whether it is made of what comes to a stage alone: it is costly, or needs what the run makes before."""
        return self.measurer.costly or bool(self.measurer.models) or self.view.is_cut

    @property
    def file(self) -> str:
        """The name of its file in a shard's folder."""
        return f"measured-{self.measurer.name}-{self.key}.parquet"


def measurement_of(view: View, measurer: Measurer) -> Measurement:
    """A measurer on a view; what measures a column of the files is on the source itself, whatever is transformed."""
    return Measurement(View(view.source) if measurer.column else view, measurer)


@dataclass(frozen=True)
class Measured:
    """A column of a measurement, which calls it `original`."""

    measurement: Measurement
    original: str
    type: pa.DataType

    @cached_property
    def key(self) -> str:
        """Fingerprint of all that its values depend on but the documents."""
        typed = () if pa.types.is_null(self.type) else (str(self.type),)
        read_as = typed if isinstance(self.measurement.measurer, Carried) else ()
        return fingerprint(self.measurement.key, self.original, *read_as)

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What must be measured for it."""
        return (self.measurement,)

    def on(self, view: View) -> Measured:
        """The same column of another view."""
        return replace(self, measurement=measurement_of(view, self.measurement.measurer))


@dataclass(frozen=True)
class Derived:
    """A column that SQL computes, a row at a time, of other columns: `inputs`, by the names that they have in it.

    written: the SQL as the definition has it, where suggestions of models have become numbers by now.
    """

    expression: str
    inputs: Mapping[str, Column]
    type: pa.DataType
    written: str = field(default="", compare=False)

    @cached_property
    def key(self) -> str:
        """Fingerprint of all that its values depend on but the documents."""
        return fingerprint(self.expression, {name: column.key for name, column in self.inputs.items()})

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What must be measured for it."""
        return tuple(m for column in self.inputs.values() for m in column.measurements)

    def on(self, view: View) -> Derived:
        """The same column of another view."""
        return replace(self, inputs={name: column.on(view) for name, column in self.inputs.items()})


@dataclass(frozen=True)
class Identity:
    """What a document is known by, as a text: nothing is measured."""

    key: str
    type: pa.DataType = field(default_factory=pa.string)
    measurements: tuple[Measurement, ...] = ()

    def on(self, view: View) -> Self:
        """The same of another view."""
        return self


@dataclass(frozen=True)
class PathColumn(Identity):
    """The path of each document's file below its source's root, which its lineage tells."""

    key: str = "lineage.path"


@dataclass(frozen=True)
class IdColumn(Identity):
    """The id of each document, NULL where it is minted."""

    key: str = "documents.id"


Column = Measured | Derived | PathColumn | IdColumn
Columns = dict[str, dict[str, Column]]  # by source, then by the name that a stage gives it


@dataclass(frozen=True)
class ResolvedStage:
    """A stage with everything looked up.

    needed: columns that its verb reads; own: what is measured for its verb alone. Both are by source, and tell of the
    documents too that the verb looks at and never drops; against: the sources of those, with the view of their text.
    removed: by source, what the rules of its transforms remove, and of those of the source where that arrives itself;
    compared: the views of texts that its verb reads, where they are others than those that go on; calibration: what
    moved the thresholds of its rules, None before that is known.
    """

    name: str
    parents: tuple[str, ...]
    sources: tuple[str, ...]  # in trust order
    views: dict[str, View]  # by source
    columns: Columns
    rules: tuple[Rule, ...]
    verb: Verb | None
    needed: Columns
    own: dict[str, tuple[Measurement, ...]]
    late: dict[str, tuple[Measurement, ...]]  # by source, measured on what arrives here alone
    against: dict[str, View]
    removed: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)
    compared: Mapping[str, View] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def cuts(self) -> bool:
        """Whether its verb may cut passages out of what it keeps."""
        return self.verb is not None and self.verb.cuts

    @property
    def repeats(self) -> bool:
        """Whether its verb may have what it keeps written more than once."""
        return self.verb is not None and self.verb.repeats


@dataclass(frozen=True)
class Making:
    """Files that the run makes of documents.

    view: the text that is counted, None for others; columns: what is read of each input, by its name.
    """

    maker: Maker
    view: View | None = None
    columns: Mapping[str, Columns] = field(default_factory=dict)

    @property
    def is_model(self) -> bool:
        """Whether it is made of texts that nothing protected may be among."""
        return self.view is None and self.maker.makes != "calibration"

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """By part, the stages or sources whose documents it reads: of a count, the source of its view."""
        parts = self.maker.inputs
        return dict.fromkeys(parts, (self.view.source,)) if self.view else parts


@dataclass(frozen=True)
class Graph:
    """The resolved definition; stages in an order in which parents come first.

    sources: those of benchmarks among them; views: of each source, as stages get it; makings: models and counts, by
    the name of the result; implied: stages and sources that outputs and models do not read themselves, each with the
    stage that is read in its place, since nothing protected may go on, or its verb cuts texts; positions: of each
    source of an output that is split, what its documents' splits follow from, by the names that verbs have for it;
    tokens: of outputs that are token ids, what makes them; cuts: by stage, the outcomes of verbs that cut.
    """

    definition: Definition
    sources: dict[str, SourceSpec]
    views: dict[str, View]
    makings: dict[str, Making]
    stages: dict[str, ResolvedStage]
    outputs: dict[str, Output]
    output_paths: dict[str, Place]
    implied: dict[str, str]
    positions: dict[str, dict[str, Measured | PathColumn]]
    tokens: Mapping[str, TextTokens] = field(default_factory=dict)
    cuts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.definition.pipeline.name

    def stage_of(self, output: str) -> ResolvedStage:
        """The stage whose documents an output holds, as the last stage that is implied leaves them."""
        written = self.outputs[output].from_
        return self.stages[self.implied.get(written, written)]

    def repeating(self, stage: str) -> ResolvedStage | None:
        """The stage whose verb repeats documents, of a stage and those above; there is one at most."""
        return next((one for name in self.ancestors(stage) if (one := self.stages[name]).repeats), None)

    def inputs_of(self, making: Making) -> Mapping[str, tuple[str, ...]]:
        """By part, the stages or sources that are read for it: of a model those without what is protected."""
        if not making.is_model:
            return making.inputs
        return {
            part: tuple(self.implied.get(name, name) for name in names)
            for part, names in making.inputs.items()
        }

    def joins(self, source: str) -> tuple[Join, ...]:
        """The tables that a source joins; an earlier run is a source without any."""
        return self.sources[source].joins if source in self.sources else ()

    def measurements(self, source: str) -> tuple[Measurement, ...]:
        """Everything that is measured on a source, each once; an earlier run is a source of its own."""
        return self._measurements.get(source, ())

    @cached_property
    def _measurements(self) -> dict[str, tuple[Measurement, ...]]:
        found: dict[str, dict[str, Measurement]] = {}  # by source and key
        for stage in self.stages.values():
            for source in {**stage.columns, **stage.needed, **stage.own, **stage.removed}:
                seen = (*stage.columns.get(source, {}).values(), *stage.needed.get(source, {}).values())
                measured = (m for column in seen for m in column.measurements)
                more = (*stage.own.get(source, ()), *stage.removed.get(source, ()))
                for measurement in (*measured, *more):
                    found.setdefault(source, {}).setdefault(measurement.key, measurement)
        for columns in (seen for making in self.makings.values() for seen in making.columns.values()):
            for source, read in columns.items():
                for measurement in (m for column in read.values() for m in column.measurements):
                    found.setdefault(source, {}).setdefault(measurement.key, measurement)
        for source, positions in self.positions.items():
            here = found.setdefault(source, {})
            for measurement in (m for position in positions.values() for m in position.measurements):
                # last, so that a split renames nothing that is measured without it
                here[measurement.key] = here.pop(measurement.key, measurement)
        return {source: tuple(here.values()) for source, here in found.items()}

    def parents(self, stage: ResolvedStage, source: str) -> tuple[str, ...]:
        """From where a source's documents come to a stage: stages above it, or the source itself."""
        return tuple(
            name
            for name in stage.parents
            if name == source or (name in self.stages and source in self.stages[name].sources)
        )

    def ancestors(self, stage: str) -> tuple[str, ...]:
        """The stages above `stage` and itself, parents first."""
        wanted = {stage}
        for name in reversed(self.stages):
            if name in wanted:
                wanted.update(parent for parent in self.stages[name].parents if parent in self.stages)
        return tuple(name for name in self.stages if name in wanted)

    def protected_sources(self, stage: str) -> tuple[str, ...]:
        """The sources of what is kept out of a stage by `protect`."""
        seen = (source for name in self.ancestors(stage) for source in self.stages[name].against)
        return tuple(dict.fromkeys(source for source in seen if source in self.sources))


def against_source(stage: str) -> str:
    """The name under which the earlier run that a stage's verb looks at is read."""
    return f"against:{stage}"


def measurer_key(measurer: Measurer) -> str:
    """Fingerprint of a measurer, whatever it measures."""
    return fingerprint(measurer.name, measurer.version, measurer.settings)
