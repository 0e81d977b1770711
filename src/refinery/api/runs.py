"""A definition loaded, checked, planned and run."""

from __future__ import annotations

import gc
import os.path
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from refinery.api.pipeline import Pipeline
from refinery.errors import DefinitionError, InputError
from refinery.executors.limits import check_address_space

Roots = Mapping[str, str | Path]

if TYPE_CHECKING:
    from refinery.api.output import Output
    from refinery.definition.load import Definition
    from refinery.plan.graph import Graph
    from refinery.plan.plan import Plan
    from refinery.storage.place import Place
    from refinery.watch.events import Listener


def load(definition: str | Path | Pipeline | Definition, *, roots: Roots | None = None) -> Definition:
    """A definition from its YAML file, or of a Pipeline; no source is looked at.

    roots: folders or URLs that stand in place of the definition's roots of the same names; relative ones count from
    the current directory. What is wrong with parts of its form is kept in `problems` for `check`, which finds what
    else is wrong; raises DefinitionError when nothing is left.

    >>> import refinery
    >>> print(sorted(refinery.load("pipelines/medical-en.yaml").pipeline.stages))
    ['clean', 'corpus', 'english', 'medical', 'other', 'screened', 'unique']
    """
    from refinery.definition import load as loading
    from refinery.definition.load import Definition
    from refinery.definition.yaml import YamlFile

    if isinstance(definition, Definition):
        if roots:
            raise DefinitionError("roots: the definition is loaded; give them to `load`")
        return definition
    given = {name: str(place_of(path)) for name, path in (roots or {}).items()}
    if isinstance(definition, Pipeline):
        return loading.load_content(
            YamlFile("", definition.content()), Path(definition.base).absolute(), given
        )
    return loading.load(Path(definition), given)


def check(definition: str | Path | Pipeline | Definition, *, roots: Roots | None = None) -> Plan:
    """Checks every name, column, model, path and the heads of all files; gives the plan of a run in no work folder.

    Raises DefinitionError or InputError with all that was found, each with its place.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (base / "crawl.jsonl").write_text('{"text": "A text."}')
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "crawl.jsonl"}},
    ...     stages={"unique": {"from": "crawl", "dedup": {"by": "pmid"}}},
    ...     outputs={"unique": {"from": "unique", "path": "out"}},
    ...     base=base,
    ... )
    >>> refinery.check(pipeline)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    refinery.errors.DefinitionError: stages.unique.dedup.by.0: no measurer before this makes the column 'pmid'...
    """
    from refinery.run.folder import refuse_foreign

    planned = _plan(definition, None, roots, keep=False)
    for name, folder in planned.graph.output_paths.items():
        refuse_foreign(folder, planned.graph.name, name)
    return planned


def plan(
    definition: str | Path | Pipeline | Definition,
    *,
    work: str | Path | None = None,
    roots: Roots | None = None,
    limit: int | None = None,
) -> Plan:
    """What a run would do.

    limit: for a first look, of a sample of so many documents of each source, with outputs of its own beside those of
    the whole, as OUTPUT-limit-N; work: folder or URL of measurements and decisions, by default `.refinery` beside the
    definition; roots: as in `load`. Raises DefinitionError or InputError with all that is wrong, each with its place.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (base / "crawl.jsonl").write_text('{"text": "A text."}')
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "*.jsonl"}},
    ...     stages={"unique": {"from": "crawl", "dedup": {"exact": True}}},
    ...     outputs={"unique": {"from": "unique", "path": "out"}},
    ...     base=base,
    ... )
    >>> [planned.shard.relative_path for planned in refinery.plan(pipeline).shards]
    ['crawl.jsonl']
    """
    return _plan(definition, work, roots, limit=limit)


def run(
    definition: str | Path | Pipeline | Definition | Plan,
    *,
    work: str | Path | None = None,
    roots: Roots | None = None,
    workers: int | None = None,
    executor: Literal["auto", "local", "ray"] = "auto",
    address: str | None = None,
    progress: bool | Listener = True,
) -> dict[str, Output]:
    """Runs a definition, or a plan, and gives its outputs by name; what an earlier run finished is not done again.

    workers: processes on this machine, by default one a core, fewer for little work; executor, address: where units
    of work run, see docs/cluster.md; progress: whether it is shown (lines that are drawn anew in a terminal or a
    notebook, plain ones on standard error elsewhere), or a function that gets the events; work, roots: as in `plan`,
    for a plan none.
    Raises DefinitionError or InputError for what is wrong with definition or sources, RunError for a run that fails.
    An interrupted run goes on where it was when it is called again.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> lines = ['{"text": "A text."}', '{"text": "Another."}', '{"text": "a text"}']
    >>> _ = (base / "crawl.jsonl").write_text("\\n".join(lines))
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "crawl.jsonl"}},
    ...     stages={"unique": {"from": "crawl", "dedup": {"exact": True}}},
    ...     outputs={"unique": {"from": "unique", "path": "out"}},
    ...     base=base,
    ... )
    >>> output = refinery.run(pipeline, workers=1, progress=False)["unique"]
    >>> output.manifest.kept.documents
    2
    >>> output.decisions().filter(outcome="dropped").select("row", "rule", "duplicate_of_row").collect().rows()
    [(2, 'dedup.exact', 0)]
    """
    from refinery.api.output import Output
    from refinery.executors.choose import Kind, choose
    from refinery.executors.limits import WORKER, is_limited
    from refinery.run.cost import worker_memory, workers_worth
    from refinery.run.run import execute
    from refinery.watch.show import show

    planned = _planned(definition, work, roots)
    memory = worker_memory(planned) if is_limited() else WORKER
    units = len(planned.shards) if workers else workers_worth(planned)
    chosen = choose(Kind(executor), workers, address, units, memory)
    shown = show(quiet=not progress) if isinstance(progress, bool) else nullcontext(progress)
    try:
        with shown as listener:
            manifests = execute(planned, chosen, listener)
    finally:
        chosen.close()
    return {name: Output(name, manifest, planned) for name, manifest in manifests.items()}


def place_of(path: str | Path) -> Place:
    """The place that a path or URL names, without `..`; relative paths count from the current directory."""
    from refinery.storage import place
    from refinery.storage.url import is_url, local_path

    text = str(path)
    return place.place_of(text) if is_url(text) else Path(os.path.abspath(local_path(text)))  # noqa: PTH100  (links stay)


def work_folder(work: str | Path | None, graph: Graph) -> Place:
    """Where measurements and decisions lie; raises InputError for a store that cannot hold them."""
    from refinery.storage.place import refuse_as_folder
    from refinery.storage.url import is_url, redact

    if work is None:
        return (graph.definition.base / ".refinery").absolute()
    refused = refuse_as_folder(str(work)) if is_url(str(work)) else ""
    if refused:
        raise InputError(redact(str(work)), refused)
    return place_of(work)


def _planned(
    definition: str | Path | Pipeline | Definition | Plan, work: str | Path | None, roots: Roots | None
) -> Plan:
    from refinery.plan.plan import Plan

    if not isinstance(definition, Plan):
        return plan(definition, work=work, roots=roots)
    if work is not None or roots:
        raise DefinitionError("work, roots: the plan is made; give them to `plan`")
    return definition


def _require_text(*folders: Place) -> None:
    """Raises InputError for a folder to write to whose path is not text: records could not name files in it."""
    for folder in folders:
        try:
            str(folder).encode()
        except UnicodeEncodeError:
            problem = "its path has bytes that are not UTF-8, and results lie there"
            raise InputError(str(folder), problem, "rename the folder, or choose another one") from None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Without the collector of cycles, which would visit the objects of a plan of many files again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _plan(
    definition: str | Path | Pipeline | Definition,
    work: str | Path | None,
    roots: Roots | None,
    *,
    keep: bool = True,
    limit: int | None = None,
) -> Plan:
    """keep: what is found out about files is kept in the work folder."""
    check_address_space()
    from refinery.plan.inputs import source_problems
    from refinery.plan.plan import make_plan
    from refinery.plan.reading import sound_sources
    from refinery.plan.resolve import resolve
    from refinery.sources.find import listed_once

    with listed_once(), _without_collector():
        loaded = load(definition, roots=roots)
        loaded = loaded.limited(limit) if limit is not None else loaded
        try:
            graph = resolve(loaded)
        except DefinitionError as error:
            found = source_problems(loaded, sound_sources(loaded))
            raise DefinitionError(*error.problems, *found) from None
        folder = work_folder(work, graph)
        _require_text(folder, *graph.output_paths.values())
        return make_plan(graph, folder, keep=keep)
