"""Damaged files are removed with what belongs to them, and the work is begun again."""

import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from refinery.errors import DamagedFile
from refinery.run.repair import repair
from refinery.storage.lock import hold
from refinery.storage.sealed import sealed_json
from refinery.storage.write import write_table
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


def test_what_another_run_has_made_again_stays(plan):
    """The work is begun again with it; if that finds it damaged still, it goes all the same."""
    planned = plan.shards[0]
    schema = pa.schema([("a", pa.int64())])
    write_table(planned.documents_file, [], schema)
    planned.record_file.write_bytes(sealed_json({}))
    for file in (planned.documents_file, planned.record_file):
        assert repair(plan, silent, damaged([file])) == "done"
        assert planned.record_file.exists()
        assert file.exists()
    assert repair(plan, silent, damaged([planned.documents_file] * 2)) == "done"
    assert not planned.documents_file.exists()


def test_one_run_at_a_time_removes(plan):
    """Who holds the work folder, as one that cleans does, is waited for."""
    told = []
    file = plan.shards[0].documents_file
    with ThreadPoolExecutor(1) as pool:
        with hold(plan.work):
            waiting = pool.submit(repair, plan, told.append, damaged([file]))
            while len(told) < 2:
                time.sleep(0.001)
            assert not waiting.done()
        assert waiting.result(timeout=30) == "done"
    assert f"{plan.work}: another run is working here" in told[1].message
