"""Looking at what a run did: documents with the values that decided on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.api.pipeline import Pipeline
from refinery.errors import InputError, nearest

if TYPE_CHECKING:
    from refinery.api.runs import Roots
    from refinery.definition.load import Definition
    from refinery.plan.plan import Plan
    from refinery.report.diff import Diff
    from refinery.report.document import Document
    from refinery.report.explain import Explanation
    from refinery.run.history import PastRun
    from refinery.storage.place import Place
    from refinery.watch.status import Status

    Runs = str | Path | Pipeline | Definition | Plan

_LIMITED = re.compile(r"-limit-(\d+)$")  # the end of the name of a pipeline of a sample


def show(
    run: Runs,
    *,
    dropped_by: str | None = None,
    kept: bool = False,
    near: str | None = None,
    where: str | None = None,
    n: int = 20,
    seed: int = 0,
    output: str | None = None,
    limit: int | None = None,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> list[Document]:
    """A seeded sample of the documents of a run, each with its text, what became of it and the values that decided.

    run: a definition, its plan, an output folder, or a work folder in which one pipeline ran; dropped_by: a rule, a
    rule set, a stage, or a reason of rejects; near: a column, for the documents closest to the limit that a rule sets
    to it, or `COLUMN=NUMBER`; where: SQL over what is measured and the columns of decisions; output: on the way to
    which one, by default the first; limit: as the run had it. Raises RunError when the run is not finished,
    DefinitionError for what cannot be asked, InputError for a rule that dropped nothing.

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
    >>> _ = refinery.run(pipeline, workers=1, progress=False)
    >>> [(one.text, one.rule, one.duplicate_of["row"]) for one in refinery.show(pipeline, dropped_by="dedup")]
    [('a text', 'dedup.exact', 0)]
    """
    from refinery.report.document import read_found
    from refinery.report.sample import Choice, choose

    plan, name = finished_run(run, output, work, roots, limit)
    choice = Choice(dropped_by, kept, near, where, n, seed)
    return read_found(plan, name, choose(plan, name, choice), choice.columns)


def explain(
    run: Runs,
    document: str,
    *,
    source: str | None = None,
    output: str | None = None,
    limit: int | None = None,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> Explanation:
    """All that was measured and decided on one document: each rule with its values, and the document kept instead.

    document: an id, `PATH:ROW` below the source's root, or a text, which is measured here as if it were one of
    `source` (by default the first). run, output: as in `show`. Raises InputError for an id that no document has.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> lines = ['{"text": "A text.", "id": "a"}', '{"text": "Far too short", "id": "b"}']
    >>> _ = (base / "crawl.jsonl").write_text("\\n".join(lines))
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "crawl.jsonl"}},
    ...     stages={"short": {"from": "crawl", "keep": [{"few": "bytes < 10"}]}},
    ...     outputs={"short": {"from": "short", "path": "out"}},
    ...     base=base,
    ... )
    >>> _ = refinery.run(pipeline, workers=1, progress=False)
    >>> [(rule.limit, rule.values, rule.passed) for rule in refinery.explain(pipeline, "b").stages[0].rules]
    [('bytes < 10', {'bytes': 13}, False)]
    """
    from refinery.report import explain as explaining
    from refinery.report.explain_text import explain_text

    plan, name = finished_run(run, output, work, roots, limit)
    if found := explaining.find_document(plan, name, document):
        return explaining.explain(plan, name, found)
    there = plan.graph.stage_of(name).sources
    if len(document.split()) < 2 and document.isascii():
        hint = "give an id, PATH:ROW, or a text of more than a word"
        raise InputError(document, f"no document of {', '.join(there)} has this id", hint)
    if source is not None and source not in there:
        raise InputError(source, f"no source of {name}{nearest(source, there)}")
    return explain_text(plan, name, source or there[0], document)


def diff(
    before: str | Path,
    after: str | Path | None = None,
    *,
    seed: int = 0,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> Diff:
    """What two runs differ in: the definition by field, and the documents that moved, with what moved them.

    before, after: definitions or folders as in `show`, each with `@N` behind it for its run N, else the last one; one
    alone: its last two runs. Raises InputError for a run that is not in the history.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (base / "crawl.jsonl").write_text('{"text": "A text."}\\n{"text": "Far too short"}')
    >>> for limit in (20, 10):
    ...     _ = (base / "tiny.yaml").write_text(
    ...         "refinery: 1\\nname: tiny\\nsources: {crawl: {path: crawl.jsonl}}\\n"
    ...         f"stages: {{short: {{from: crawl, keep: [{{few: 'bytes < {limit}'}}]}}}}\\n"
    ...         "outputs: {short: {from: short, path: out}}\\n"
    ...     )
    ...     _ = refinery.run(base / "tiny.yaml", workers=1, progress=False)
    >>> found = refinery.diff(base / "tiny.yaml")
    >>> found.changed, [(move.after, move.documents) for move in found.outputs[0].moves]
    (('stages.short: keep.few: bytes < 20 -> bytes < 10',), [('dropped by short: few', 1)])
    """
    from refinery.report.diff import compare_runs

    if after is None:
        name, runs, number = _history(before, work, roots)
        numbers = [run.number for run in runs]
        last = numbers.index(number)
        if last == 0:
            raise InputError(name, f"run {number} is the first that is known: there is none before it")
        earlier, later = (name, runs[last - 1]), (name, runs[last])
    else:
        earlier, later = (_past(run, work, roots) for run in (before, after))
    names = f"{earlier[0]} run {earlier[1].number}", f"{later[0]} run {later[1].number}"
    return compare_runs(earlier[1], later[1], names, seed)


def _past(run: str | Path, work: str | Path | None, roots: Roots | None) -> tuple[str, PastRun]:
    name, runs, number = _history(run, work, roots)
    return name, next(one for one in runs if one.number == number)


def _history(run: str | Path, work: str | Path | None, roots: Roots | None) -> tuple[str, list[PastRun], int]:
    """The name of a pipeline, its runs, and the number of the one that is meant; raises InputError."""
    from refinery.api import runs
    from refinery.run.history import past_runs
    from refinery.storage.url import redact

    text, at, number = str(run).rpartition("@")
    if not at or not number.isdigit():
        text, number = str(run), ""
    folder = runs.place_of(text)
    if not isinstance(folder, Path) or folder.is_dir():
        definition, found, _ = _definition_of(folder)
        where = runs.place_of(work) if work else found
    else:
        definition = Path(text)
        where = runs.place_of(work) if work else definition.absolute().parent / ".refinery"
    name = runs.load(definition, roots=roots).pipeline.name
    known = past_runs(where, name)
    if not known:
        raise InputError(text, f"no run of {name} is kept in {redact(str(where))}", "run it, or give --work")
    wanted = int(number) if number else known[-1].number
    if wanted not in {one.number for one in known}:
        there = ", ".join(f"{one.number} ({_when(one)})" for one in known)
        raise InputError(str(run), f"run {wanted} of {name} is not kept", f"there is {there}")
    return name, known, wanted


def _when(run: PastRun) -> str:
    return max(manifest.started for manifest in run.outputs.values())


def finished_run(
    run: Runs, output: str | None, work: str | Path | None, roots: Roots | None, limit: int | None
) -> tuple[Plan, str]:
    """The plan of a run with all that it made, and the output that is asked for; raises InputError, RunError."""
    from refinery.run.finished import finished

    plan, written = planned_run(run, work, roots, limit)
    outputs = plan.graph.outputs
    name = output or written or next(iter(outputs), None)
    if name is None:
        raise InputError(plan.graph.name, "it has no output")
    if name not in outputs:
        raise InputError(f"output {name}", f"{plan.graph.name} has no such output{nearest(name, outputs)}")
    return finished(plan, name), name


def planned_run(
    run: Runs, work: str | Path | None, roots: Roots | None, limit: int | None
) -> tuple[Plan, str | None]:
    """The plan of a run, and the output whose folder was given."""
    from refinery.api import runs
    from refinery.plan.plan import Plan

    if isinstance(run, Plan):
        return run, None
    if not isinstance(run, str | Path):
        return runs.plan(run, work=work, roots=roots, limit=limit), None
    folder = runs.place_of(run)
    if isinstance(folder, Path) and not folder.is_dir():
        return runs.plan(Path(run), work=work, roots=roots, limit=limit), None
    definition, found, limited = _definition_of(folder)
    plan = runs.plan(definition, work=work or str(found), roots=roots, limit=limit or limited)
    written = (name for name, path in plan.graph.output_paths.items() if path == folder)
    return plan, next(written, None)


def _definition_of(folder: Place) -> tuple[Path, Place, int | None]:
    """The definition of the one pipeline that ran in a folder, its work folder, and its limit; raises InputError."""
    from refinery.plan.needs import noted_needs
    from refinery.storage.url import redact
    from refinery.watch.find_status import USUAL, find_status

    every = find_status(folder)
    known = [one for one in every if not _LIMITED.search(one.pipeline)] or every
    works = {one.pipeline: _work_of(folder, one) for one in known}
    files = {name: noted_needs(at)[name].definition for name, at in works.items()}
    if len(files) > 1:
        several = ", ".join(f"{name} ({file})" for name, file in sorted(files.items()))
        raise InputError(
            redact(str(folder)), f"several pipelines ran here: {several}", "give the definition of one"
        )
    ((name, file),) = files.items()
    if works[name] == folder / USUAL and (Path(str(folder)) / Path(file).name).is_file():
        file = str(folder / Path(file).name)
    if not Path(file).is_file():
        raise InputError(
            file, "the definition that ran here is no file any more, or a program made it", "give its plan"
        )
    limited = _LIMITED.search(known[0].pipeline)
    return Path(file), works[name], int(limited[1]) if limited else None


def _work_of(folder: Place, status: Status) -> Place:
    """The work folder of a pipeline: in a copied folder its own, not that of the original, which the status names."""
    from refinery.storage.place import place_of
    from refinery.storage.work_folder import pipeline_folder
    from refinery.watch.find_status import USUAL

    beside = folder / USUAL
    there = Path(str(pipeline_folder(beside, status.pipeline)))
    return beside if isinstance(folder, Path) and there.is_dir() else place_of(status.work)
