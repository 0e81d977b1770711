"""The files that results consist of in the folders of shards."""

from __future__ import annotations

from refinery.plan.plan import DOCUMENTS, RECORD, REJECTS, Plan
from refinery.plan.result import Kind, Result


def shard_files(plan: Plan, result: Result) -> dict[str, tuple[str, ...]]:
    """By source, the names of a result's files in the folder of each shard, called alike in every shard of a source.

    None for what lies in a folder of its own.
    """
    if result.kind is Kind.DOCUMENTS:
        return {result.of.name: (DOCUMENTS, REJECTS, RECORD)}
    if result.kind in {Kind.MEASUREMENT, Kind.ARRIVAL}:
        return {source: (_measured(plan, source, key),) for source, key in result.parts.items()}
    if result.kind is Kind.DECISION:
        return {s: (f"decided-{key}.parquet", f"decided-{key}.json") for s, key in result.parts.items()}
    if result.kind is Kind.OUTCOME:
        stage = plan.graph.stages[result.of.name]
        kinds = ("dropped", *["cut"][: stage.cuts], *["repeats"][: stage.repeats])
        return dict.fromkeys(stage.sources, tuple(f"{kind}-{result.key}.parquet" for kind in kinds))
    return {}


def _measured(plan: Plan, source: str, key: str) -> str:
    return next(m.file for m in plan.graph.measurements(source) if m.key == key)
