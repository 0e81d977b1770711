"""Damaged files are removed with what belongs to them, and the work is begun again."""

import pytest

from refinery.errors import DamagedFile
from refinery.run.repair import repair
from refinery.watch.events import silent
from tests.run.planning import plan_of


@pytest.fixture
def plan(data_repository):
    found = plan_of(data_repository / "pipeline.yaml")
    found.shards[0].folder.mkdir(parents=True)
    return found


def damaged(files):
    """Work that finds one damaged file after the other."""
    left = list(files)

    def work() -> str:
        if left:
            raise DamagedFile(str(left.pop(0)), "its checksum does not match")
        return "done"

    return work


def test_a_file_goes_with_what_depends_on_it(plan):
    """Without its record a shard is read again, without its tallies decided again; all else stays."""
    planned = plan.shards[0]
    decided = planned.decision_file("key")
    everything = {planned.documents_file, planned.rejects_file, planned.record_file, decided}
    everything |= {decided.with_suffix(".json"), planned.verb_file("key")}
    for file, gone in (
        (planned.documents_file, {planned.documents_file, planned.record_file}),
        (planned.rejects_file, {planned.rejects_file, planned.record_file}),
        (decided, {decided, decided.with_suffix(".json")}),
        (planned.verb_file("key"), {planned.verb_file("key")}),
    ):
        for one in everything:
            one.write_bytes(b"x")
        assert repair(plan, silent, damaged([file])) == "done"
        assert set(planned.folder.iterdir()) == everything - gone


def test_what_making_again_does_not_mend_is_told(plan, tmp_path):
    """A file outside of the run's folders, and one that is damaged again."""
    file = plan.shards[0].documents_file
    foreign = tmp_path / "crawl" / "0.parquet"
    for files in ([foreign], [file, file]):
        with pytest.raises(DamagedFile) as raised:
            repair(plan, silent, damaged(files))
        assert raised.value.place == str(files[-1])
    assert foreign.exists()


def test_scratch_of_the_verbs_is_made_again_three_times(plan):
    """Another file of it each time: a disk or memory that damages whatever is written there."""
    scratch = plan.own / "verbs" / "key"
    with pytest.raises(DamagedFile) as raised:
        repair(plan, silent, damaged(scratch / f"{n}.bin" for n in range(1000)))
    assert raised.value.place == str(scratch / "3.bin")


def test_any_number_of_files_is_mended(plan):
    """What befell a whole folder is mended in one run."""
    file = plan.shards[0].documents_file
    assert repair(plan, silent, damaged(file.with_name(str(n)) for n in range(1000))) == "done"
