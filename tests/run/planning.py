"""The plan that a run of a definition has, for tests of its parts."""

from pathlib import Path

from refinery.definition.load import load
from refinery.plan.plan import Plan, make_plan
from refinery.plan.resolve import resolve
from refinery.sources.shards import SHARD_BYTES


def plan_of(definition: Path, shard_bytes: int = SHARD_BYTES) -> Plan:
    """As the command line makes it."""
    return make_plan(resolve(load(definition)), definition.parent / ".refinery", shard_bytes=shard_bytes)
