"""Which results are there."""

from refinery.plan.contents import contents_of
from refinery.plan.plan import Plan
from refinery.run import state
from refinery.run.state import State
from tests.run.planning import plan_of


def states(plan: Plan) -> dict[str, State]:
    return state.states(plan, contents_of(plan.work).present)


def test_what_is_missing_is_counted(data_repository, refinery):
    """Nothing is there before a run and everything after; a file that is gone is missing of its result alone."""
    definition = data_repository / "pipeline.yaml"
    fresh = states(plan_of(definition))
    assert all(one.missing == one.parts > 0 for one in fresh.values())
    assert refinery("run", definition, "-q")[0] == 0
    done = states(plan_of(definition))
    assert done == {name: State(one.parts, 0) for name, one in fresh.items()}
    plan = plan_of(definition)
    planned = plan.shards[1]
    gone = {
        "sources.crawl": planned.record_file,
        "sources.crawl.language": next(planned.folder.glob("measured-language-*")),
        "stages.screened": planned.decision_file(plan.decision_key("screened", "crawl")),
        "stages.unique.dedup": planned.verb_file(plan.outcome_key("unique")),
        "outputs.unique": data_repository / "out.records" / "manifest.json",
    }
    for name, file in gone.items():
        content = file.read_bytes()
        file.unlink()
        assert [one for one, found in states(plan_of(definition)).items() if found.missing] == [name]
        file.write_bytes(content)
