"""A plan as its last run left it, to look at what was measured and decided."""

from __future__ import annotations

from refinery.errors import RunError
from refinery.plan.contents import contents_of
from refinery.plan.derivations import noted_derivations, reasons
from refinery.plan.plan import Plan
from refinery.plan.result import decision_name, outcome_name
from refinery.run.make import with_found
from refinery.run.records import read_shard_records
from refinery.run.state import states


def with_rows(plan: Plan) -> Plan:
    """The plan with the models and counts that are there and the first row of each shard; raises DamagedFile."""
    records = read_shard_records(plan.shards)
    return with_found(plan).with_first_rows({number: record.rows for number, record in records.items()})


def finished(plan: Plan, output: str) -> Plan:
    """As `with_rows`; raises RunError unless all decisions on the way to an output are there, with what differs."""
    found = with_rows(plan)
    stages = [found.graph.stages[name] for name in found.graph.ancestors(found.graph.stage_of(output).name)]
    names = {decision_name(stage.name) for stage in stages}
    names |= {name for stage in stages if (name := outcome_name(stage))}
    state = states(found, contents_of(found.work).present)
    if missing := [name for name in names if state[name].missing]:
        before = noted_derivations(found.work, found.graph.name)
        why = reasons(found.results, before) if before else {}
        changed = list(dict.fromkeys(str(reason) for name in sorted(missing) for reason in why.get(name, ())))
        since = f"it has changed since it was run ({'; '.join(changed[:3])})" if changed else "it was not run"
        file = found.graph.definition.source.file
        raise RunError(f"{file or found.graph.name}: {since}; run it, then look again")
    return found
