"""The files of results."""

from refinery.executors.local import InProcess
from refinery.plan.files import shard_files
from refinery.run.run import execute
from tests.conftest import PIPELINE
from tests.run.planning import plan_of


def test_all_files_are_of_one_result(data_repository):
    """What a run leaves in the folders of shards is what its results consist of, each file once."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(
        PIPELINE.replace(
            "outputs:\n", "  best: {from: unique, mix: {tokens: 2k, shares: {unique: 100%}}}\noutputs:\n"
        )
    )
    plan = plan_of(definition)
    execute(plan, InProcess(), lambda _: None)
    named = [
        str(planned.folder / name)
        for result in plan.results.values()
        for source, names in shard_files(plan, result).items()
        for planned in plan.of(source)
        for name in names
    ]
    assert len(named) == len(set(named))
    assert set(named) == {str(file) for file in (plan.work / "shards").rglob("*") if file.is_file()}
