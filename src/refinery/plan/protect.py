"""What a definition protects: the sources that hold it, how it is compared, and the stages that leave it out.

A stage is implied before each output and before each stage or source that a model learns from: it compares the text
of all that arrives with all that is protected, and drops what is a copy. Texts are compared without what transforms
take away because other documents have it: of a crawl that is another thing than of a few held-out documents. The
stage has the name of what it protects, with a prefix that no name of a user's can have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from refinery.dedup.protect import Protect
from refinery.definition.load import Definition
from refinery.definition.protections import NearCopies, Overlap, Protected
from refinery.errors import DefinitionError, InputError, nearest
from refinery.plan.graph import Graph, View
from refinery.plan.problems import Report
from refinery.sources.documents import SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import SourceShards
from refinery.storage.url import redact

PREFIX = "protect:"
_WORD = r"[\p{L}\p{N}]"  # of a text without one nothing could be found
Compared = tuple[bool, NearCopies | None, Overlap | None]  # exact, near, overlap


@dataclass(frozen=True)
class Protection:
    """What is compared in one way, and the sources that hold it with the view of their text."""

    verb: Protect
    against: dict[str, View]


def benchmark_source(name: str, column: str) -> str:
    """The name under which a column of a benchmark is read."""
    return f"{PREFIX}{name}.{column}"


def protected_stage(name: str, number: int) -> str:
    """The name of the stage that leaves out of a stage or source what the protection of this number holds."""
    return f"{PREFIX}{name}" + (f".{number + 1}" if number else "")


def benchmark_specs(definition: Definition, report: Report) -> dict[str, SourceSpec]:
    """How the columns of benchmarks are read, a source each; `report` is told what is wrong with a path."""
    specs: dict[str, SourceSpec] = {}
    for name, entry in definition.pipeline.protect.items():
        try:
            path = tuple(definition.paths.expand(path) for path in entry.benchmark)
        except DefinitionError as error:
            for message in error.problems:
                report(("protect", name, "benchmark"), message)
            continue
        if path:
            for column in entry.columns:
                source = benchmark_source(name, column)
                specs[source] = SourceSpec(name=source, path=path, text=column, on_error="fail")
    return specs


def protections(definition: Definition, views: Mapping[str, View], report: Report) -> list[Protection]:
    """Everything that is protected, what is compared alike together; `report` is told of sources that there are not.

    views: of all sources, those of benchmarks among them.
    """
    found: dict[Compared, Protection] = {}
    for name, entry in definition.pipeline.protect.items():
        for source in entry.from_:
            if message := _source_problem(source, definition):
                report(("protect", name, "from"), message)
        sources = entry.from_ or [benchmark_source(name, column) for column in entry.columns]
        against = {source: views[source].uncounted for source in sources if source in views}
        for compared in _compared(entry):
            before = found.get(compared, Protection(Protect({}, *compared), {}))
            protected = {**before.verb.protected, name: tuple(against)}
            found[compared] = Protection(
                replace(before.verb, protected=protected), {**before.against, **against}
            )
    return sorted(found.values(), key=lambda one: one.verb.cuts)


def _compared(entry: Protected) -> Iterator[Compared]:
    """How what is protected is compared, in one stage or, if passages are cut, in two: out of what is no copy."""
    overlap = entry.overlap
    if overlap and overlap.cuts:
        if entry.exact or entry.near:
            yield entry.exact, entry.near, None
        yield False, None, overlap
    else:
        yield entry.exact, entry.near, overlap


def _source_problem(source: str, definition: Definition) -> str:
    sources = definition.names("sources")
    if source in sources:
        return ""
    if source in definition.names("stages"):
        return f"{source!r} is a stage, and what is protected is a source as a whole"
    return f"no source {source!r}{nearest(source, sources)}"


def refuse_incomplete(graph: Graph, listed: Mapping[str, SourceShards]) -> None:
    """Raises InputError for a protected source with an unreadable file or without documents.

    Comparing with less than all would pass for protection. Looked at are the beginnings of its files, up to a text.
    """
    against = dict.fromkeys(source for stage in graph.stages.values() for source in stage.against)
    for name in filter(graph.sources.__contains__, against):
        spec, found = graph.sources[name], listed[name]
        for path, problem in found.broken[:1]:
            raise InputError(path, problem, f"`protect` compares with all of {name}")
        if problem := _lack_of_text(spec, found):
            raise InputError(", ".join(redact(path) for path in spec.path), problem)


def _lack_of_text(spec: SourceSpec, listed: SourceShards) -> str:
    detail = "they are empty"
    if spec.joins:  # which are not there yet
        spec = replace(spec, joins=(), where=None)
    for shard in listed.unpacked():
        for batch in read_documents(shard, spec):
            if pc.any(pc.match_substring_regex(batch.text, _WORD)).as_py():
                return ""
            if len(batch.rows):
                detail = "no letter and no digit in any of its texts"
            for reject in batch.rejects[:1]:
                detail = reject.detail or reject.reason
    columns = " or ".join(map(repr, spec.texts))
    return f"no text in the column {columns}, which `protect` compares with ({spec.name}): {detail}"
