"""Cutting an output into files; those that a killed run had finished are taken over."""

import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.executors.local import InProcess
from refinery.run import output_files
from refinery.run.folder import claim, staging
from refinery.run.output_files import in_batches, scatter_bytes
from refinery.run.run import execute
from refinery.run.written_before import CheckTask, find_staged, is_whole
from refinery.storage.sealed import sealed_json
from refinery.watch.events import silent
from tests.conftest import PIPELINE, decisions, document, output_hashes, write_parquet
from tests.run.planning import plan_of


def test_finished_files_are_known_by_their_receipts(tmp_path):
    """A staged file counts when its receipt and its bytes agree, staged or moved; a torn one does not."""
    staged, folder = tmp_path / ".staging-1", tmp_path / "out"
    staged.mkdir()
    folder.mkdir()
    file = staged / "data-00000.parquet"
    file.write_bytes(b"12345")
    assert find_staged(folder, staged, [file.name]) == []
    digest = hashlib.sha256(b"12345").hexdigest()
    (staged / "data-00000.parquet.json").write_bytes(sealed_json([3, 5, digest]))
    (found,) = find_staged(folder, staged, [file.name])
    assert (found.rows, found.bytes, found.sha256) == (3, 5, digest)
    assert is_whole(CheckTask(folder, staged, found))
    file.rename(folder / file.name)
    assert find_staged(folder, staged, [file.name]) == [found]
    assert is_whole(CheckTask(folder, staged, found))
    (folder / file.name).write_bytes(b"12346")
    assert not is_whole(CheckTask(folder, staged, found))
    (folder / file.name).write_bytes(b"123")
    assert find_staged(folder, staged, [file.name]) == []


def test_a_run_goes_on_from_staged_files(data_repository, refinery):
    """A run that fails while writing leaves its files; the next one writes only the others."""
    text = PIPELINE.replace("path: out}", "path: out, shard_bytes: 20000}")
    (data_repository / "pipeline.yaml").write_text(text)
    plan = plan_of(data_repository / "pipeline.yaml")
    (data_repository / "out.records").mkdir()
    claim(data_repository / "out", "tiny", "unique")
    staged = staging(data_repository / "out", plan.output_key("unique"))
    third = staged / "data-00002.parquet"
    third.mkdir(parents=True)  # a file cannot take this place
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert (code, "data-00002.parquet" in err) == (1, True)
    first, second = (staged / f"data-0000{n}.parquet" for n in range(2))
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in (first, second)]
    third.rmdir()
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    after = [data_repository / "out" / file.name for file in (first, second)]
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in after] == before
    resumed = output_hashes(data_repository / "out")
    fresh = text.replace("path: out,", "path: fresh,")
    (data_repository / "fresh.yaml").write_text(fresh)
    assert refinery("run", data_repository / "fresh.yaml", "-q")[0] == 0
    expected = output_hashes(data_repository / "fresh")
    assert {k: v for k, v in resumed.items() if k.startswith("d")} == {
        k: v for k, v in expected.items() if k.startswith("d")
    }


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30), st.integers(1, 5), st.integers(1, 5))
def test_scattered_files_of_one_folder_hold_the_same_shards(sizes, slots, others):
    """Every shard is in one batch; runs with other numbers of slots never write other batches to one folder."""
    folders: dict[int, list[range]] = {}
    for count in (slots, others):
        size = scatter_bytes(sizes, count)
        batches = list(in_batches(sizes, size))
        assert [n for batch in batches for n in batch] == list(range(len(sizes)))
        assert folders.setdefault(size, batches) == batches


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=2000), st.sampled_from([1, 16, 1600]))
def test_an_output_file_is_gathered_from_a_bounded_number_of_files(sizes, slots):
    """However much text there is and however many units run at a time."""
    batches = list(in_batches(sizes, scatter_bytes(sizes, slots)))
    assert len(batches) <= output_files.SCATTER_UNITS + 1


NAMES = ("parquet", "jsonl", "screened")


def test_one_stage_can_have_several_outputs(data_repository, refinery):
    """Each has a name of its own, which its manifest, its funnel and the status say; the documents are the same."""
    text = PIPELINE.replace(
        "  unique: {from: unique, path: out}",
        "  parquet: {from: unique, path: out/parquet}\n  jsonl: {from: unique, path: out/jsonl, format: jsonl}\n"
        "  screened: {from: screened, path: out/screened}",
    )
    file = data_repository / "pipeline.yaml"
    file.write_text(text)
    code, out, err = refinery("run", file)
    assert code == 0, err
    assert all(f"tiny: {name}" in out for name in NAMES)
    manifests = {
        n: orjson.loads((data_repository / "out" / f"{n}.records" / "manifest.json").read_bytes())
        for n in NAMES
    }
    assert {n: m["output"] for n, m in manifests.items()} == {n: n for n in NAMES}
    assert [list(manifests[n]["stages"]) for n in NAMES] == [["screened", "unique"]] * 2 + [["screened"]]
    assert manifests["parquet"]["kept"] == manifests["jsonl"]["kept"] != manifests["screened"]["kept"]
    status = orjson.loads((data_repository / ".refinery" / "pipelines" / "tiny" / "status.json").read_bytes())
    assert status["outputs"] == {n: str(data_repository / "out" / n) for n in NAMES}
    two = [decisions(data_repository / "out" / n) for n in ("parquet", "jsonl")]
    assert two[0] == two[1]
    assert "crawl (3 shards) -> screened, unique -> parquet, jsonl, screened" in refinery("check", file)[1]
    assert "Nothing to do" in refinery("run", file)[2]


class Wide(InProcess):
    """This process, as if it were many workers."""

    slots = 16


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_little_that_is_left_of_much_is_read_by_all_workers_and_written_the_same(tmp_path, form):
    """Fewer files than workers, of a small part of the text: the units that read are more than those that write."""
    for number in range(12):
        rows = [{"id": f"{number}-{n}", "text": document(10 * number + n)} for n in range(6)]
        rows[2:2] = [{"id": f"{number}-short-{n}", "text": "short " * n + f"{number}{n}"} for n in range(4)]
        write_parquet(tmp_path / "crawl" / f"{number}.parquet", rows)
    outputs, phases = [], []
    for executor in (InProcess(), Wide()):
        out = f"path: out{executor.slots}, format: {form}, shard_bytes: 200, shuffle: null}}"
        text = PIPELINE.replace("words >= 50", "bytes <= 30").replace("path: out}", out)
        text = text.replace("lang = 'en' AND lang_score >= 0.5", "bytes >= 0")
        (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
        (manifest,) = execute(plan_of(tmp_path / "pipeline.yaml"), executor, silent).values()
        outputs.append(output_hashes(tmp_path / f"out{executor.slots}"))
        phases.append(set(manifest.seconds))
        assert (manifest.kept.documents, len(manifest.files)) == (48, 3)
    assert outputs[0] == outputs[1]
    few = set() if form == "parquet" else {"scatter"}  # rows move between files of JSON Lines
    assert [{"scatter"} & found for found in phases] == [few, {"scatter"}]
