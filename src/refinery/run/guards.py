"""Guards: what a run does not do in silence. Each is a share, judged where it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refinery.definition.values import as_percentage
from refinery.errors import RunError, counted
from refinery.filters.language_codes import UNDETERMINED
from refinery.filters.rules import languages_judged
from refinery.plan.licences import RULE as LICENCES
from refinery.sources.lineage import lineage_of
from refinery.storage.tables import read_batches, read_rows, read_table
from refinery.watch.events import Subject

if TYPE_CHECKING:
    from refinery.definition.guards import Action, Guards, Limit
    from refinery.definition.models import Pipeline
    from refinery.filters.verb import Removal
    from refinery.plan.graph import ResolvedStage
    from refinery.plan.plan import PlannedShard
    from refinery.run.context import Run
    from refinery.run.counts import Decided
    from refinery.run.manifest import PartAccount
    from refinery.run.outcome import Numbered

FEW = 100  # a run is not stopped for fewer documents, but warns
FEW_DUPLICATES = 1000  # nor for fewer duplicates; those of one document are nothing to tell then


@dataclass(frozen=True)
class Trip:
    """A share that a guard is about: of a number of documents, in a sentence about a part of the definition."""

    guard: str
    of: Subject
    count: int
    total: int
    sentence: str

    @property
    def share(self) -> float:
        """Of nothing it is nothing."""
        return self.count / self.total if self.total else 0.0


def judge(run: Run, trips: Iterable[Trip]) -> None:
    """Warns of the shares that are above a limit; raises RunError, with all of them, where a run is to stop."""
    stops = []
    for trip, limit, action in acting(run.plan.graph.definition.pipeline.guards, trips):
        if action == "warn":
            run.warn(trip.of, trip.sentence)
        else:
            stops.append(f"{trip.of.kind} {trip.of.name}: {trip.sentence}; {_advice(trip, limit)}")
    if stops:
        raise RunError("\n".join(stops))


def acting(guards: Guards, trips: Iterable[Trip]) -> Iterator[tuple[Trip, Limit, Action]]:
    """The shares that are above a limit, with that and what it calls for."""
    for trip in trips:
        limit: Limit | None = getattr(guards, trip.guard)
        action = limit and limit.action(trip.share)
        if limit and action:
            least = FEW_DUPLICATES if trip.guard == "dedup_loss" else FEW
            few = trip.count < least and trip.guard != "budget_missed"
            yield trip, limit, "warn" if few else action


def _advice(trip: Trip, limit: Limit) -> str:
    share = as_percentage(limit.stop or 0)
    return f"`guards: {{{trip.guard}: {share}}}` stops the run; write `{{warn: {share}}}` or another share to go on"


def judged_alike(manifest: Mapping[str, Any], pipeline: Pipeline) -> bool:
    """Whether an output was made under the guards that the definition has now; they are in no result's key."""
    written = manifest["definition"]
    guards = pipeline.guards.model_dump(mode="json", exclude_defaults=True)
    trusted = {name for name, source in pipeline.sources.items() if source.trusted}
    before = {name for name, source in written["sources"].items() if source.get("trusted")}
    return bool(written.get("guards", {}) == guards and before == trusted)


def rejected(run: Run, sources: Iterable[str]) -> Iterable[Trip]:
    """The rejected rows of sources that have been read; raises RunError for a source without a document."""
    for name in sources:
        shards = run.plan.of(name)
        records = [run.records[planned.number] for planned in shards]
        documents, wrong = sum(r.documents for r in records), sum(r.rejected for r in records)
        reasons, skipped = Counter[str](), Counter[str]()
        for record in records:
            reasons.update(record.reasons)
            skipped.update(record.skipped)
        counts = ", ".join(f"{reason} {count:,}" for reason, count in (reasons + skipped).most_common(5))
        rows = documents + wrong
        if not documents:
            raise RunError(f"source {name}: {_nothing(rows, len(shards), counts)}{_first(run, shards)}")
        sentence = f"{wrong:,} of {rows:,} rows were rejected ({counts}){_first(run, shards)}"
        yield Trip("rejected", Subject("source", name), wrong, rows, sentence)
        if cut := reasons["truncated_file"]:
            run.warn(
                Subject("source", name), f"{cut:,} files end early or are damaged: what follows there is lost"
            )
        yield from _unreadable(run, name)


def _unreadable(run: Run, source: str) -> Iterable[Trip]:
    """The files of a source that cannot be read at all: no row of them could be rejected."""
    listed = run.plan.listed[source]
    if listed.broken:
        count, (path, problem) = len(listed.broken), listed.broken[0]
        files = count + len({shard.relative_path for shard in listed.unpacked()})
        sentence = f"{count:,} of {files:,} files cannot be read; the first: {path}: {problem}"
        yield Trip("rejected", Subject("source", source), count, files, sentence)


def _nothing(rows: int, shards: int, counts: str) -> str:
    if rows:
        return f"none of its {rows:,} rows is a document ({counts})"
    return f"no document in its {counted(shards, 'shard')}" + (f" ({counts})" if counts else "")


def _first(run: Run, shards: Sequence[PlannedShard]) -> str:
    """The first rejected row, with what was found."""
    for planned in shards:
        if run.records[planned.number].rejected:
            found = next(read_batches(planned.rejects_file)).slice(0, 1).to_pylist()[0]
            detail = f"{found['reason']}: {found['detail']}" if found["detail"] else found["reason"]
            return f"; the first: {_place(planned, found['row'])}: {detail}"
    return ""


def _place(planned: PlannedShard, row: int) -> str:
    """The file below the source's root and the row in it, of a row of a shard."""
    lineage, rows = lineage_of(planned.shard), np.array([row])
    return f"{lineage.path_of(rows)[0].as_py()}, row {lineage.row_in_file(rows)[0]}"


def place_of_document(shards: Sequence[Numbered], document: int) -> str:
    """The same of a document by its number through shards."""
    shard = next(shard for shard in shards if shard.start <= document < shard.stop)
    at = document - shard.start
    _, rows = next(read_rows(shard.planned.documents_file, ["row"], at, at + 1))
    return _place(shard.planned, rows.column(0)[0].as_py())


def duplicates_of_one(stage: str, found: Iterable[tuple[Removal, str]]) -> Iterable[Trip]:
    """Documents of a source that go for one document; found: with the place of that, in words."""
    for removal, place in found:
        if removal.count >= FEW_DUPLICATES:
            counts = f"{removal.count:,} of {removal.arrived:,} documents of {removal.source!r}"
            advice = "an error page or a template is better dropped by a rule"
            sentence = f"{counts} {removal.how} ({place}): {advice}"
            of = Subject("stage", stage)
            yield Trip("duplicates_of_one", of, removal.count, removal.arrived, sentence)


def losses(run: Run, stage: ResolvedStage, decided: Sequence[Decided]) -> Iterable[Trip]:
    """What a stage takes of a source: as duplicates, and of a trusted one by each rule."""
    sources = run.plan.graph.definition.pipeline.sources
    for source in stage.sources:
        tallies = [run.tallies[stage.name, planned.number] for planned in run.plan.of(source)]
        came, passed = (sum(getattr(t, part).documents for t in tallies) for part in ("arrived", "kept"))
        gone = sum(one.duplicates.get((stage.name, source), 0) for one in decided)
        of, these = Subject("stage", stage.name), f"documents of {source!r}"
        yield Trip("dedup_loss", of, gone, passed, f"{gone:,} of {passed:,} {these} go as duplicates")
        dropped = Counter[str]()
        for tally in tallies if source in sources and sources[source].trusted else ():
            # what may not be written is no sign of a rule that is wrong
            dropped.update({r: found.dropped.documents for r, found in tally.rules.items() if r != LICENCES})
        for rule, count in dropped.items():
            sentence = f"the rule {rule} drops {count:,} of {came:,} {these}, which is trusted"
            yield Trip("trusted_loss", of, count, came, sentence)


def part_missed(stage: str, part: str, account: PartAccount) -> Trip:
    """The tokens that a part of a mix gives less than its share asks for."""
    there, most = account.tokens - account.held_out, account.most_repeats
    given = min(account.filled, account.exposures)  # some may go below the mix
    if there * most < account.wanted:
        times = f"at most {most} times" if most > 1 else "once"
        takes = f"; its share takes {-(-account.wanted // there):,} times" if there else ""
        why = f"{there:,} unique ones are there, each written {times}{takes}"
    elif account.exposures < account.filled:
        why = "some of what it gave is dropped below"
    else:
        why = "the next document is larger than what is left"
    sentence = f"the part {part!r} gives {given:,} of its {account.wanted:,} tokens: {why}"
    missed = max(account.wanted - given, 0)
    return Trip("budget_missed", Subject("stage", stage), missed, account.wanted, sentence)


def budget_missed(stage: ResolvedStage, decided: Sequence[Decided]) -> Iterable[Trip]:
    """The tokens that a stage keeps less than it is asked for."""
    budget = stage.verb.budget if stage.verb else None
    if stage.verb is None or budget is None:
        return
    every = [one for part in decided for one in (part.kept, part.repeated)]
    kept = sum(one[stage.name].tokens for one in every if stage.name in one)
    gone = Counter[str]()
    for one in decided:
        for (name, _), rules in one.verbs.items():
            gone.update(
                {rule: tally.dropped.documents for rule, tally in rules.items() if name == stage.name}
            )
    spent = gone.pop(f"{stage.verb.name}.tokens", 0)  # all below the first that would overspend
    others = [f"{count:,} documents go by {rule}" for rule, count in sorted(gone.items()) if count]
    ends = ["the next best document is larger than what is left"] if spent else []
    why = " and ".join([*ends, *others]) or "no more arrive"
    sentence = f"it has {kept:,} of the {budget:,} tokens that are asked for: {why}"
    yield Trip("budget_missed", Subject("stage", stage.name), max(budget - kept, 0), budget, sentence)


def warn_of_unjudged(run: Run, stage: ResolvedStage) -> None:
    """Tells where most documents of a stage pass since no rule judges their language."""
    tallies = [run.tallies[stage.name, planned.number] for planned in run.plan.reaching(stage)]
    arrived, unjudged = sum(t.arrived.documents for t in tallies), sum(t.unjudged for t in tallies)
    if 2 * unjudged > arrived:
        languages = sorted(languages_judged(rule.predicate for rule in stage.rules) - {UNDETERMINED})
        named = ", ".join(f"'{code}'" for code in languages)
        run.warn(
            Subject("stage", stage.name),
            f"no rule judges {unjudged:,} of its {arrived:,} documents ({unjudged / arrived:.0%}): its rule sets are"
            f" for {', '.join(languages)}, and other languages pass them;"
            f' put a rule first that drops these: `- language: "lang IN ({named})"`',
        )


def warn_of_nulls(run: Run, source: str, keys: Container[str]) -> None:
    """Tells where measurers gave up on documents of a source; keys: of measurements that have been made."""
    for measurement in run.plan.graph.measurements(source):
        meaning = measurement.measurer.null_means
        if not meaning or measurement.late or measurement.key not in keys:
            continue
        found = Counter[str]()
        for planned in run.plan.of(source):
            table = read_table(planned.measurement_file(measurement))
            found.update({name: table[name].null_count for name in table.column_names})
        for name, count in (+found).items():
            these = counted(count, "document")
            run.warn(Subject("source", source), f"{name} is NULL of {these}: {meaning}")


def warn_of_empty_sources(run: Run, output: str, stage: ResolvedStage) -> None:
    """Tells the sources of which the rules leave nothing on the way to an output."""
    for source in stage.sources:
        tallies = [run.tallies[stage.name, planned.number] for planned in run.plan.of(source)]
        if not any(tally.kept.documents for tally in tallies):
            run.warn(Subject("output", output), f"no document of the source {source} passes the rules")
