"""Which results are there."""

from refinery.run.state import State, states
from tests.run.planning import plan_of


def test_what_is_missing_is_counted(data_repository, refinery):
    """Nothing is there before a run and everything after; a file that is gone is missing of its result alone."""
    definition = data_repository / "pipeline.yaml"
    fresh = states(plan_of(definition))
    assert all(state.missing == state.parts > 0 for state in fresh.values())
    assert refinery("run", definition, "-q")[0] == 0
    done = states(plan_of(definition))
    assert done == {name: State(state.parts, 0) for name, state in fresh.items()}
    plan = plan_of(definition)
    planned = plan.shards[1]
    gone = {
        "sources.crawl": planned.record_file,
        "sources.crawl.language": next(planned.folder.glob("measured-language-*")),
        "stages.screened": planned.decision_file(plan.decision_key("screened", "crawl")),
        "stages.unique.dedup": planned.verb_file(plan.outcome_key("unique")),
        "outputs.unique": data_repository / "out" / "manifest.json",
    }
    for name, file in gone.items():
        content = file.read_bytes()
        file.unlink()
        assert [one for one, state in states(plan_of(definition)).items() if state.missing] == [name]
        file.write_bytes(content)
