"""Labels of people: a sample to label, a cut from the labels, scores compared by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.errors import DefinitionError

if TYPE_CHECKING:
    from refinery.api.look import Runs
    from refinery.api.runs import Roots
    from refinery.labels.compare import Comparison
    from refinery.labels.threshold import Threshold
    from refinery.report.label_sample import LabelSample


def label(
    run: Runs,
    column: str | Sequence[str],
    out: str | Path,
    *,
    near: float | None = None,
    n: int = 200,
    seed: int = 0,
    chars: int = 2000,
    stage: str | None = None,
    output: str | None = None,
    limit: int | None = None,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> LabelSample:
    """Draws documents of a run for people to label, stratified over a column, and writes them as CSV or JSON Lines.

    run, output, limit: as in `show`; column: a number of each document, of several the first makes the strata and the
    others stand beside it, for `compare`; near: a cut about which more is drawn, by default the number that the first
    rule compares the column with; stage: whose documents are drawn as they came to it, by default the first with such
    a rule; chars: of each text. The same seed draws the same documents, however files are cut. Raises DefinitionError
    for what cannot be asked, InputError for a file that is there and where no document has a value.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (base / "crawl.jsonl").write_text("\\n".join(f'{{"text": "{"a" * n}"}}' for n in range(1, 41)))
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "crawl.jsonl"}},
    ...     stages={"long": {"from": "crawl", "keep": [{"long": "chars >= 21"}]}},
    ...     outputs={"long": {"from": "long", "path": "out"}},
    ...     base=base,
    ... )
    >>> _ = refinery.run(pipeline, workers=1, progress=False)
    >>> sample = refinery.label(pipeline, "chars", base / "labels.csv", n=20)
    >>> len(sample.rows), sample.documents, sample.near
    (20, 40, 21.0)
    """
    from refinery.api.look import finished_run
    from refinery.labels.file import LEAST, MOST_CHARS, kind_of, refuse_existing, write_rows
    from refinery.report.label_sample import Request, draw_sample

    if n < LEAST:
        raise DefinitionError(f"n: {n} documents; {LEAST} labels are needed to tell anything")
    if not 1 <= chars <= MOST_CHARS:
        raise DefinitionError(
            f"chars: expected 1 to {MOST_CHARS}, what a cell of a spreadsheet holds, got {chars}"
        )
    kind_of(out)
    refuse_existing(Path(out))
    columns = (column,) if isinstance(column, str) else tuple(dict.fromkeys(column))
    if not columns:
        raise DefinitionError("column: name one")
    plan, name = finished_run(run, output, work, roots, limit)
    sample = draw_sample(plan, name, Request(columns, near, n, seed, chars, stage))
    write_rows(Path(out), sample.rows, columns)
    return sample


def threshold(
    labels: str | Path,
    *,
    column: str | None = None,
    precision: float | None = None,
    beta: float | None = None,
) -> Threshold:
    """The cut of a score that labels support: the lowest of a precision, or with `beta` the one of greatest F-beta.

    labels: a file of `label` with yes or no in its column `label`; column: by default what it was drawn over;
    precision: by default 0.9, with `beta` none. `rule` of what is found is SQL to paste, None where no cut reaches
    the precision. Raises InputError with the line of what is wrong in the file, for fewer than 20 labels and where
    all are the same.

    >>> import pathlib, tempfile, refinery
    >>> rows = [f'{{"stratum": 1, "stratum_documents": 900, "row": {n}, "score": {n / 100}, "label": {int(n >= 45)}}}'
    ...         for n in range(90)]
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels.jsonl"
    >>> _ = file.write_text("\\n".join(rows))
    >>> refinery.threshold(file, precision=1).rule
    'score >= 0.45'
    """
    from refinery.labels.file import read_labels
    from refinery.labels.threshold import find_threshold

    return find_threshold(read_labels(labels), column, precision, beta)


def compare(
    labels: str | Path | None = None,
    columns: Sequence[str] = (),
    *,
    run: Runs | None = None,
    gold_hosts: str | Path | Sequence[str] | None = None,
    stage: str | None = None,
    output: str | None = None,
    limit: int | None = None,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> Comparison:
    """How well scores rank what people want: AUC, average precision, precision at 90 % recall, and what they share.

    labels: a file of `label` with yes or no in its column `label`; columns: of it, by default all scores. run: a run
    that measures them, as in `label`, whose `speeds` are timed on a sample of its texts; gold_hosts: hosts or sites
    that are all of the domain, or a file of them, for recall in the run without labels (`gold`); stage, output,
    limit: as in `label`. Raises InputError as `threshold` does, and for a column that is not there, DefinitionError
    for what cannot be asked.

    >>> import pathlib, tempfile, refinery
    >>> rows = [f'{{"stratum": 1, "stratum_documents": 900, "row": {n}, "score": {n}, "label": {int(n >= 45)}}}'
    ...         for n in range(90)]
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels.jsonl"
    >>> _ = file.write_text("\\n".join(rows))
    >>> refinery.compare(file).scores[0].auc.value
    1.0
    """
    from refinery.api.look import finished_run
    from refinery.labels.compare import Comparison, compare_scores
    from refinery.labels.file import read_labels
    from refinery.labels.gold_hosts import gold_hosts_of
    from refinery.report.compare_run import gold_recall, speeds

    if run is None:
        of_run = {"gold_hosts": gold_hosts, "stage": stage, "output": output, "limit": limit}
        if asked := [name for name, value in of_run.items() if value is not None]:
            raise DefinitionError(f"{asked[0]}: it is of the documents of a run: name one with `run`")
        if labels is None:
            raise DefinitionError("labels: give a file of them, or name a run with `run`")
    if labels is None and not columns:
        raise DefinitionError("column: name one, or give labels")
    found = Comparison() if labels is None else compare_scores(read_labels(labels), columns)
    if run is None:
        return found
    hosts = gold_hosts_of(gold_hosts or ())
    names = [score.column for score in found.scores] or [*dict.fromkeys(columns)]
    plan, name = finished_run(run, output, work, roots, limit)
    gold = gold_recall(plan, name, names, hosts, stage) if hosts else None
    return replace(found, speeds=speeds(plan, name, names, stage), gold=gold)
