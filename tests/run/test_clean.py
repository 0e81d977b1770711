"""`refinery clean`: exactly what no pipeline needs goes."""

import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pyarrow.parquet as pq
import pytest
from rich.filesize import decimal

import refinery as api
from refinery.errors import RunError
from refinery.plan.contents import kind_of
from refinery.plan.needs import needs_of
from refinery.plan.plan import MADE, MODELS
from refinery.run import clean
from refinery.run.clean import LOGS, unneeded
from refinery.run.nodes import copy_files
from refinery.storage.claims import CLAIMS, claim
from refinery.storage.commit import temporary_name
from refinery.storage.lock import hold
from refinery.storage.marks import records_of
from refinery.storage.place import files_below
from refinery.storage.sealed import sealed_json
from tests.conftest import PIPELINE, document, make_data_repository, output_hashes, write_parquet
from tests.run.planning import plan_of
from tests.storage.leftover import leave


def files(work, *kinds):
    """Files of the work folder by name, with their time stamps."""
    kinds = kinds or ("shards", "verbs")
    found = (file for kind in kinds for file in (work / kind).rglob("*") if file.is_file())
    return {str(file.relative_to(work)): file.stat().st_mtime_ns for file in found}


def edit(definition, old, new):
    text = definition.read_text()
    assert old in text
    definition.write_text(text.replace(old, new))


def made_from_nothing(refinery, work, *definitions):
    """The files of a new work folder after runs that write their outputs anew."""
    for definition in definitions:
        for manifest in definition.parent.glob("*.records/manifest.json"):
            manifest.unlink()
        code, _, err = refinery("run", definition, "-q", "--work", work)
        assert code == 0, err
    return files(work).keys()


def run(refinery, definition, *arguments):
    code, _, err = refinery("run", definition, "-q", *arguments)
    assert code == 0, err


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository whose work folder has seen another threshold, and a copy of it as it was made."""
    folder, copy = (tmp_path_factory.mktemp("clean") / name for name in ("repository", "copy"))
    definition = make_data_repository(folder) / "pipeline.yaml"
    api.run(definition, workers=1, progress=False)
    edit(definition, "words >= 50", "words >= 40")
    api.run(definition, workers=1, progress=False)
    shutil.copytree(folder, copy)
    return folder, copy


@pytest.fixture
def changed(made):
    """The repository as it was made, in its place: the work folder tells where things lie."""
    folder, copy = made
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    return folder


@pytest.fixture
def used(changed, refinery):
    """One whose work folder has seen other thresholds, settings and files."""
    definition = changed / "pipeline.yaml"
    edit(definition, "similarity: 0.8", "similarity: 0.8, num_perm: 64")
    run(refinery, definition)
    table = pq.read_table(changed / "crawl" / "1.parquet")
    pq.write_table(table.slice(1), changed / "crawl" / "1.parquet")
    write_parquet(changed / "crawl" / "9.parquet", [{"id": "x", "text": document(99), "year": 1}])
    run(refinery, definition)
    (changed / "crawl" / "9.parquet").unlink()
    run(refinery, definition)
    return changed


def test_what_is_left_is_what_a_run_from_nothing_makes(used, refinery):
    """No file more and none less; what is listed first is what is removed, and the next run makes nothing again."""
    definition, work = used / "pipeline.yaml", used / ".refinery"
    before, kept = files(work), made_from_nothing(refinery, used / "fresh", definition)
    code, out, _ = refinery("clean", definition)
    assert code == 0
    assert files(work) == before
    orphans = before.keys() - kept
    size = sum((work / name).stat().st_size for name in orphans)
    assert f"in {len(orphans)} files. Nothing was removed" in out
    for kind in ("shards of files", "measurements with", "decisions by"):
        assert kind in out
    code, out, _ = refinery("clean", definition, "--force")
    assert code == 0
    assert f"in {len(orphans)} files." in out
    assert size > 1000
    assert files(work) == {name: stamp for name, stamp in before.items() if name in kept}
    assert not [
        folder for folder in (work / "shards").rglob("*") if folder.is_dir() and not any(folder.iterdir())
    ]
    after, output = files(work), output_hashes(used / "out")
    (used / "out.records" / "manifest.json").unlink()
    run(refinery, definition)
    assert files(work) == after
    assert output_hashes(used / "out") == output
    assert "All of it is needed." in refinery("clean", definition)[1]


def test_what_another_pipeline_needs_stays(used, refinery):
    """Two definitions in one work folder: cleaning for one keeps what the other has noted, until it is given up."""
    definition, other, work = used / "pipeline.yaml", used / "other.yaml", used / ".refinery"
    text = PIPELINE.replace("name: tiny", "name: other").replace("path: out", "path: other")
    other.write_text(text.replace("words >= 50", "words >= 70"))
    run(refinery, other)
    both = made_from_nothing(refinery, used / "both", definition, other)
    code, out, _ = refinery("clean", definition, "--force")
    assert code == 0
    assert f"known: other ({other})" in out
    assert files(work).keys() == both
    shutil.rmtree(work / "pipelines" / "other")
    assert "Removed: " in refinery("clean", definition, "--force")[1]
    assert files(work).keys() == made_from_nothing(refinery, used / "alone", definition)


def test_needs_that_cannot_be_read_stop_it(changed, refinery):
    """Then nothing is removed; a run of that pipeline notes them anew."""
    definition, note = changed / "pipeline.yaml", changed / ".refinery" / "pipelines" / "tiny" / "needs.json"
    whole, before = note.read_bytes(), files(changed / ".refinery")
    for damaged in (whole[:-20], whole.replace(b"documents", b"dokuments"), b"[]", b""):
        note.write_bytes(damaged)
        code, _, err = refinery("clean", definition, "--force")
        assert code == 2
        assert "needs.json: damaged" in err
        assert files(changed / ".refinery") == before
    run(refinery, definition)
    assert note.read_bytes() == whole


def test_what_killed_runs_left_goes(changed, refinery):
    """Temporary files, scratch of verbs, staging folders; the output that stands is left alone."""
    definition, work, out = changed / "pipeline.yaml", changed / ".refinery", changed / "out"
    refinery("clean", definition, "--force")
    shard = next((work / "shards").glob("*/*"))
    left = [leave(shard, "record.json", b"x" * 100)]
    for name in ("tiny", "other"):
        own = work / "pipelines" / name
        left += [own / "verbs" / "0f" / "dedup" / "a.spill", own / "units" / "write.bin"]
    left += [records_of(out) / f".staging-{'ab' * 8}" / "data-00000.parquet"]
    for file in left[1:]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 100)
    assert "600 bytes in 6 files: what runs left that were killed" in " ".join(
        refinery("clean", definition)[1].split()
    )
    assert refinery("clean", definition, "--force")[0] == 0
    assert not any(file.exists() for file in left)
    assert (records_of(out) / "manifest.json").exists()
    assert not left[-1].parent.exists()


def test_what_the_next_run_goes_on_with_stays(changed, refinery):
    """Files staged by a run of this very output that was killed are no leftovers."""
    definition, out = changed / "pipeline.yaml", changed / "out"
    refinery("clean", definition, "--force")

    plan = plan_of(definition)
    staged = records_of(out) / f".staging-{plan.output_key('unique')[:16]}" / "data-00000.parquet"
    (records_of(out) / "manifest.json").unlink()
    staged.parent.mkdir()
    staged.write_bytes(b"begun")
    assert "All of it is needed." in refinery("clean", definition, "--force")[1]
    assert staged.exists()


def test_copies_of_models_go(changed, refinery):
    """They are for one run on a cluster, and the next one makes its own; the models themselves stay."""
    definition, work = changed / "pipeline.yaml", changed / ".refinery"
    refinery("clean", definition, "--force")
    model = changed / "net" / "model.onnx"
    model.parent.mkdir()
    model.write_bytes(b"x" * 100)
    copies = work / "pipelines" / "tiny" / MODELS
    (shipped,) = copy_files([(str(model),)], copies).values()
    assert "100 bytes in 1 file: copies of models" in refinery("clean", definition)[1]
    assert (shipped.folder / shipped.name).exists()
    assert refinery("clean", definition, "--force")[0] == 0
    assert not copies.exists()
    assert model.exists()


def test_logs_but_for_the_last_runs_go(changed, refinery):
    """The newest stay, whatever is removed."""
    definition, logs = changed / "pipeline.yaml", changed / ".refinery" / "pipelines" / "tiny" / "logs"
    refinery("clean", definition, "--force")
    for number in range(LOGS + 3):
        (logs / f"run-20200101T0000{number:02}000000Z.jsonl").write_text("{}\n")
    real = {file.name for file in logs.iterdir() if "2020" not in file.name}
    assert refinery("clean", definition, "--force")[0] == 0
    left = sorted(file.name for file in logs.iterdir())
    assert len(left) == LOGS
    assert real <= set(left)
    assert (
        all(name.startswith(f"run-20200101T0000{LOGS + 2}") for name in left if "2020" in name)
        or len(real) < LOGS
    )


def test_strange_files_stay(changed, refinery):
    """What refinery did not name is not its to remove."""
    work = changed / ".refinery"
    shard = next((work / "shards").glob("*/*"))
    mine = [
        work / "notes.txt",
        work / "shards" / "readme.md",
        shard / "notes.txt",
        work / "pipelines" / "tiny" / "logs" / "mine.jsonl",
        work / "pipelines" / "tiny" / MODELS / "mine" / "model.bin",
    ]
    mine[-1].parent.mkdir(parents=True)
    for file in mine:
        file.write_text("mine")
    assert refinery("clean", changed / "pipeline.yaml", "--force")[0] == 0
    assert all(file.read_text() == "mine" for file in mine)


@pytest.mark.parametrize("place", [".refinery/pipelines/tiny", "out.records"])
def test_nothing_goes_while_a_run_works(changed, refinery, place):
    """The pipeline's folder and outputs are held as by a run."""
    before = files(changed / ".refinery")
    with hold(changed / place):
        code, _, err = refinery("clean", changed / "pipeline.yaml", "--force")
    assert code == 1
    assert "another run is working here" in err
    assert files(changed / ".refinery") == before


def test_a_run_waits_for_no_clean_that_lost_the_folder(changed, monkeypatch):
    """Once the folder may be another's, nothing more is removed."""

    removed = []
    monkeypatch.setattr(clean, "AT_ONCE", 1)
    monkeypatch.setattr(clean, "remove_files", removed.extend)

    def lost():
        if removed:
            raise RunError("another run has taken over the folder")

    with pytest.raises(RunError):
        clean._remove((changed / "a", changed / "b"), [lambda: None, lost])
    assert removed == [changed / "a"]


def test_a_file_that_cannot_be_read_now_is_noted(changed, refinery):
    """What was measured on it is said to count as not needed."""
    (changed / "crawl" / "2.parquet").write_bytes(b"PAR1")
    code, _, err = refinery("clean", changed / "pipeline.yaml")
    assert code == 0
    assert "note: what was measured on 2.parquet of crawl counts as not needed" in err


def test_on_a_store(data_repository, bucket, s3_server, refinery):
    """Work folder and output as objects: the orphans go, the rest stays, and nothing is made again."""
    definition = data_repository / "pipeline.yaml"
    edit(definition, "path: out", f"path: {bucket}/out")
    for work, words in (("work", 50), ("work", 45), ("fresh", 45)):
        definition.write_text(definition.read_text().replace("words >= 50", f"words >= {words}"))
        s3_server.client().delete_object(Bucket=bucket.removeprefix("s3://"), Key="out.records/manifest.json")
        assert refinery("run", definition, "-q", "--work", f"{bucket}/{work}")[0] == 0

    def shards(work):
        return {name for name in s3_server.objects(f"{bucket}/{work}") if name.startswith("shards/")}

    assert shards("fresh") < shards("work")
    assert "No pipeline needs" in refinery("clean", definition, "--work", f"{bucket}/work")[1]
    assert refinery("clean", definition, "--work", f"{bucket}/work", "--force")[0] == 0
    assert shards("work") == shards("fresh")
    assert not [name for name in s3_server.objects(bucket) if name.endswith(".lock")]


def test_status_tells_the_size_of_the_work_folder(changed, refinery):
    """As the run found it when it last looked, by kind; `plan` tells it as it is now."""
    code, out, _ = refinery("status", changed)
    assert code == 0
    assert f"work folder: {changed / '.refinery'}, " in out
    (found,) = orjson.loads(refinery("status", changed, "--json")[1])
    out = refinery("plan", changed / "pipeline.yaml")[1]  # which may note more of the files by now
    by_kind = Counter()
    for name, size in files_below(changed / ".refinery").items():
        by_kind[kind_of(name)] += size
    assert found["work_bytes"]["measurements"] == by_kind["measurements"] > 0
    assert f"work folder: {changed / '.refinery'}, {decimal(by_kind.total())} (measurements " in " ".join(
        out.split()
    )


def test_what_a_run_of_another_pipeline_works_with_stays(changed, refinery):
    """Its scratch and copies of models, as long as it holds its folder, and what any process writes just now."""
    definition, work = changed / "pipeline.yaml", changed / ".refinery"
    refinery("clean", definition, "--force")
    own = work / "pipelines" / "other"
    with hold(own):
        left = [own / "verbs" / "0f" / "a.spill", own / MODELS / ("ab" * 16) / "model.bin"]
        left.append(next((work / "shards").glob("*/*")) / temporary_name("record.json"))
        for file in left:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x" * 100)
        assert "All of it is needed." in refinery("clean", definition, "--force")[1]
    assert all(file.exists() for file in left)
    assert "200 bytes in 2 files" in refinery("clean", definition, "--force")[1]
    assert [file for file in left if file.exists()] == left[2:]


def test_claims_of_runs_that_are_gone_go(changed, refinery):
    """And those of others stay."""
    definition, claims = changed / "pipeline.yaml", changed / ".refinery" / CLAIMS
    (claims / ("ab" * 16)).write_bytes(b"")
    with claim(changed / ".refinery", "other", ["cd" * 16]):
        refinery("clean", definition, "--force")
        assert [file.name for file in claims.iterdir()] == ["cd" * 16]


def test_models_and_counts_that_nobody_needs_go(changed, refinery):
    """Those that a pipeline has noted stay."""
    definition, work = changed / "pipeline.yaml", changed / ".refinery"
    refinery("clean", definition, "--force")
    for key in ("ab" * 16, "cd" * 16):
        (work / MADE / key).mkdir(parents=True)
        (work / MADE / key / "model.bin").write_bytes(b"x" * 100)
    other = replace(needs_of(plan_of(definition)), pipeline="other", made=("ab" * 16,))
    (work / "pipelines" / "other").mkdir()
    (work / "pipelines" / "other" / "needs.json").write_bytes(sealed_json(other))
    assert "100 bytes in 1 file: models and counts" in refinery("clean", definition, "--force")[1]
    assert [file.name for file in (work / MADE).iterdir()] == ["ab" * 16]


def test_another_that_cleans_is_waited_for(changed):
    """And told of; then there is nothing left to remove."""
    plan, told = plan_of(changed / "pipeline.yaml"), []
    with ThreadPoolExecutor(1) as pool:
        with hold(plan.work):
            waiting = pool.submit(clean.clean, plan, told.append, force=True)
            while not told:
                time.sleep(0.001)
            assert not waiting.done()
        assert waiting.result(timeout=30).removed
    assert "another run is working here" in told[0]


def test_what_is_kept_beside_a_measurement_is_needed_as_long_as_that_is():
    """By the name of the measurement's file."""
    folder = f"shards/ab/{'ab' * 16}"
    names = [f"{folder}/measured-{name}.parquet" for name in ("x", "x.kept", "y.kept")]
    found = [name for name, _ in unneeded(names, {names[0]}, ())]
    assert found == names[2:]
