"""What a plan is made of, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from refinery.plan.plan import Plan


def results(plan: Plan) -> pl.DataFrame:
    """A row for each result of a plan, those that it is made of first: whether it is there, and why not.

    Columns: `result` and its `kind`; `parts`, mostly shards, of which `missing` would be made by a run; `why`: the
    settings that differ from the last run. The work folder is looked at now.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (base / "crawl.jsonl").write_text('{"text": "A text."}')
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "*.jsonl"}},
    ...     stages={"short": {"from": "crawl", "keep": [{"few": "tokens < 9"}]}},
    ...     outputs={"short": {"from": "short", "path": "out"}},
    ...     base=base,
    ... )
    >>> refinery.results(refinery.plan(pipeline)).filter(kind="decision").select("result", "parts", "missing").rows()
    [('stages.short', 1, 1)]
    """
    import polars as pl

    from refinery.plan.contents import contents_of
    from refinery.plan.derivations import noted_derivations, reasons
    from refinery.run.make import with_usable
    from refinery.run.state import states

    plan = with_usable(plan)
    why = reasons(plan.results, noted_derivations(plan.work, plan.graph.name))
    rows = [
        (name, plan.results[name].kind.value, state.parts, state.missing, [*map(str, why[name])])
        for name, state in states(plan, contents_of(plan.work).present).items()
    ]
    schema = {"result": pl.String, "kind": pl.String, "parts": pl.Int64, "missing": pl.Int64}
    return pl.DataFrame(rows, {**schema, "why": pl.List(pl.String)}, orient="row")
