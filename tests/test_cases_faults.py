"""Unwritable places, full disks, wrong models and definitions: one message, an exit code, finished work kept."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fasttext
import pytest

from refinery.models.model_file import BUILT_IN
from refinery.storage.marks import records_of
from tests.cases import define, lines, run, write_jsonl
from tests.conftest import PIPELINE, document, write_parquet

COMMAND = (sys.executable, "-c", "from refinery.cli import main; main()", "run", "-q", "--workers", "1")


def started(folder: Path, file: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """`refinery run` in a process of its own."""
    command = [*COMMAND, str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)


def data_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.parquet"))}


def test_a_run_on_fewer_shards_leaves_nothing_of_the_run_before(tmp_path, refinery):
    """The output holds exactly the files of its manifest, and no document of a shard that is gone."""
    for number in range(4):
        write_jsonl(
            tmp_path / "in" / f"{number}.jsonl",
            [{"id": f"{number}-{n}", "text": document(n)} for n in range(10)],
        )
    output = {"shard_bytes": 5000}
    files = len(run(refinery, tmp_path, output=output).manifest["files"])
    for number in (1, 3):
        (tmp_path / "in" / f"{number}.jsonl").unlink()
    second = run(refinery, tmp_path, output=output)
    assert len(second.manifest["files"]) < files
    named = {file["path"] for file in second.manifest["files"]}
    assert {file.name for file in second.output.iterdir()} == named
    beside = {file.name for file in records_of(second.output).iterdir()}
    assert beside == {
        "README.md",
        "decisions-00000.parquet",
        "manifest.json",
        ".refinery-output.json",
        ".lock",
    }
    assert set(second.rows) == {f"{number}-{n}" for number in (0, 2) for n in range(10)}
    (tmp_path / "in" / "2.jsonl").write_text("")
    write_jsonl(tmp_path / "in" / "0.jsonl", ["broken", *lines(2)])
    third = run(refinery, tmp_path, output=output)
    assert set(third.rows) == {"d0", "d1"}
    assert (tmp_path / "out.records" / "rejects-00000.parquet").exists()
    write_jsonl(tmp_path / "in" / "0.jsonl", lines(3))
    assert set(run(refinery, tmp_path, output=output).rows) == {"d0", "d1", "d2"}
    assert not (tmp_path / "out.records" / "rejects-00000.parquet").exists()


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


def test_a_file_size_limit_stops_the_run_at_once_and_the_next_one_goes_on(tmp_path):
    """Exit code 1, the folder and the cause are named, nothing is marked done that is not; then as if undisturbed."""
    rows = [{"id": f"d{n}", "text": os.urandom(600).hex()} for n in range(100)]
    for name in ("limited", "free"):
        write_parquet(tmp_path / name / "in" / "0.parquet", rows[:10])
        write_parquet(tmp_path / name / "in" / "1.parquet", rows)
        define(tmp_path / name)
    failed = started(tmp_path / "limited", Path("case.yaml"), preexec_fn=limit_files)
    assert failed.returncode == 1, failed.stderr
    assert "File too large while writing" in failed.stderr
    assert "then run the same command again" in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not (tmp_path / "limited" / "out.records" / "manifest.json").exists()
    assert list((tmp_path / "limited" / ".refinery").rglob("record.json"))
    for name in ("limited", "free"):
        assert started(tmp_path / name, Path("case.yaml")).returncode == 0
    assert data_files(tmp_path / "limited" / "out") == data_files(tmp_path / "free" / "out")
    assert not list((tmp_path / "limited").rglob("*.tmp"))


def test_a_work_folder_that_is_removed_in_mid_run_ends_the_run_in_words(tmp_path):
    """The folder is named, the exit code is 1, and the same command then does all of it."""
    rows = [{"id": f"d{n}", "text": document(n % 50, 400)} for n in range(3000)]
    write_parquet(tmp_path / "in" / "0.parquet", rows)
    define(tmp_path)
    begun = subprocess.Popen([*COMMAND, "case.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while begun.poll() is None and not [*(tmp_path / ".refinery").glob("shards/*/*")]:
        os.sched_yield()
    shutil.rmtree(tmp_path / ".refinery", ignore_errors=True)
    _, err = begun.communicate(timeout=100)
    assert begun.returncode == 1 and f"{tmp_path}/.refinery/" in err
    assert "Traceback" not in err and err.count("\n") == 1
    assert started(tmp_path, Path("case.yaml")).returncode == 0


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A filesystem of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small filesystem is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("full", ["work", "output"])
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(tmp_path, refinery, small_disk, full):
    """Whether the work folder or the output is on it: exit code 1, bytes free, no leftover; then a whole output."""
    rows = [{"id": f"d{n}", "text": os.urandom(1500).hex()} for n in range(300)]
    write_parquet(tmp_path / "in" / "0.parquet", rows)
    output = {"path": "disk/out" if full == "output" else "out"}
    stage = {"measure": ["signals"], "dedup": {"near": {}}}
    if full == "work":
        (small_disk / "filler").write_bytes(b"x" * 190_000)
    work = ("--workers", 1, "--work", small_disk / "work" if full == "work" else tmp_path / "work")
    failed = run(refinery, tmp_path, *work, stage=stage, output=output, expect=1)
    assert f"{small_disk}/" in failed.err
    assert "No space left on device" in failed.err
    assert "bytes free" in failed.err
    assert not list(small_disk.rglob("*.tmp"))
    assert not (failed.output / "manifest.json").exists()
    (small_disk / "filler").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    ran = run(refinery, tmp_path, *work, stage=stage, output=output)
    assert len(ran.rows) == 300


def test_a_place_that_cannot_be_written(tmp_path, refinery):
    """A file where the folder should be, for the output or the work folder: exit code 1, place and reason."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    (tmp_path / "file").write_text("mine")
    for output, place in (("file", "file"), ("file/out", "file/out.records")):
        ran = run(refinery, tmp_path, output={"path": output}, expect=1)
        assert f"{tmp_path}/{place}: cannot be written: " in ran.err
    ran = run(refinery, tmp_path, "--work", tmp_path / "file" / "work", expect=1)
    assert f"{tmp_path}/file/work: cannot be written: Not a directory" in ran.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_disk(tmp_path, refinery, small_disk):
    """Found before any work."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    ran = run(refinery, tmp_path, output={"path": "disk/out"}, expect=1)
    assert f"{small_disk}/out.records: cannot be written: Read-only file system" in ran.err
    assert not list((tmp_path / ".refinery").rglob("record.json"))


@pytest.mark.parametrize(
    "name", ["measured-*.parquet", "documents.parquet", "decided-*.parquet", "dropped-*.parquet"]
)
def test_a_damaged_work_folder_is_mended(tmp_path, refinery, name):
    """A file cut off or taken away behind the run's back: the user is told, it is made again."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(5))
    stage = {"dedup": {"exact": True}}
    before = data_files(run(refinery, tmp_path, stage=stage).output)
    for damage in (lambda file: file.write_bytes(file.read_bytes()[:100]), Path.unlink):
        shutil.rmtree(tmp_path / "out")
        for file in (tmp_path / ".refinery").rglob(name):
            damage(file)
        code, _, err = refinery("run", tmp_path / "case.yaml", "--workers", 1, "--json")
        assert code == 0, err
        assert ("it is made again" in err) or damage is Path.unlink
        assert data_files(tmp_path / "out") == before


def test_two_pipelines_or_outputs_never_share_a_folder(tmp_path, refinery):
    """Another pipeline's output is refused, and so are two outputs in one place, or one in the other."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    file = define(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert refinery("run", file, "-q")[0] == 0
    before = data_files(tmp_path / "out")
    other = tmp_path / "other.yaml"
    other.write_text(text.replace('"name": "case"', '"name": "other"'), encoding="utf-8")
    code, _, err = refinery("run", other, "-q")
    assert code == 2
    assert f"{tmp_path}/out: belongs to" in err
    for place in ("out", "out/inner", "./out/", "../" + tmp_path.name + "/out"):
        two = text.replace('"stages": {', '"stages": {"more": {"from": "crawl"}, ')
        two = two.replace('"outputs": {', f'"outputs": {{"more": {{"from": "more", "path": "{place}"}}, ')
        other.write_text(two, encoding="utf-8")
        code, _, err = refinery("run", other, "-q")
        assert (code, err.count("is written there too")) == (2, 1)
    assert data_files(tmp_path / "out") == before


def test_a_pipeline_never_reads_its_own_output(tmp_path, refinery):
    """A folder that holds the output is refused at once; a pattern that matches it, once it does."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    for path in (".", "./", str(tmp_path)):
        refused = run(refinery, tmp_path, source={"path": path}, expect=2)
        assert "outputs.corpus.path: it lies in the source 'crawl', which would read it" in refused.err
    ran = run(refinery, tmp_path, source={"path": "*/*"})
    before = data_files(ran.output)
    again = run(refinery, tmp_path, source={"path": "*/*"}, expect=2)
    assert f"{tmp_path}/out/data-00000.parquet: source crawl reads what this pipeline writes" in again.err
    assert data_files(ran.output) == before


def wrong_models(folder: Path) -> None:
    (folder / "page.bin").write_bytes(b"<!DOCTYPE html><html><body>Not found</body></html>")
    (folder / "cut.ftz").write_bytes(BUILT_IN.read_bytes()[:400_000])
    (folder / "empty.bin").write_bytes(b"")
    (folder / "folder.bin").mkdir()
    (folder / "text.txt").write_text("__label__a some words\n__label__b other words\n" * 20)
    small = {"dim": 4, "minCount": 1, "bucket": 50, "verbose": 0, "thread": 1}
    fasttext.train_unsupervised(str(folder / "text.txt"), **small).save_model(str(folder / "vectors.bin"))
    fasttext.train_supervised(str(folder / "text.txt"), **small).save_model(str(folder / "labels.bin"))


def test_models_of_the_wrong_kind(tmp_path, refinery):
    """A page, a cut-off file, an empty one, a folder, word vectors, none at all: each named, exit code 2, at once."""
    wrong_models(tmp_path)
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    expected = {
        "page.bin": "not a usable fastText model",
        "cut.ftz": "truncated or damaged",
        "empty.bin": "not a usable fastText model",
        "folder.bin": "folder.bin",
        "vectors.bin": "not a usable fastText model",
        "missing.bin": "missing.bin",
    }
    measure = [{"language": {"model": {"file": name}}} for name in expected]
    measure += [{"relevance": {"model": {"file": name}, "as": f"r{n}"}} for n, name in enumerate(expected)]
    ran = run(refinery, tmp_path, stage={"measure": measure}, expect=2)
    told = ran.err.splitlines()
    for place, name in enumerate([*expected, *expected]):
        (line,) = [line for line in told if f"measure.{place}: " in line]
        assert name in line
        assert expected[name] in line
    assert len(told) == 2 * len(expected)
    assert not (tmp_path / ".refinery").exists()


def test_a_model_without_the_label_that_is_asked_for(tmp_path, refinery):
    """The labels that it has are listed."""
    wrong_models(tmp_path)
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    measure = [{"relevance": {"model": {"file": "labels.bin"}, "label": "medical"}}]
    ran = run(refinery, tmp_path, stage={"measure": measure}, expect=2)
    assert "labels.bin" in ran.err
    assert "'medical'" in ran.err


@pytest.mark.parametrize("name", ["text", "id", "lineage", "source"])
def test_a_measured_column_cannot_take_a_name_that_is_taken(tmp_path, refinery, name):
    """Neither by `as` nor as the name of a pattern: a line of the definition, not a failure in the write pass."""
    wrong_models(tmp_path)
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(2))
    measure = [
        {"relevance": {"model": {"file": "labels.bin"}, "label": "a", "as": name}},
        {"patterns": {name: "a+"}},
    ]
    for number, use in enumerate(measure):
        ran = run(refinery, tmp_path, stage={"measure": [use]}, output={"measurements": [name]}, expect=2)
        assert f"makes a column {name!r}" in ran.err, number
        assert "choose another" in ran.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected a mapping"),
        (b"- a\n- b\n", "expected a mapping"),
        (b"\x89PNG\r\n\x1a\n\x00", "pipeline.yaml"),
        (b"refinery: 1\nname: [\n", "not valid YAML"),
        (b"refinery: 1\nname: x\n", "the key 'sources' is missing"),
        (b"PAR1\x00\x00", "pipeline.yaml"),
        (b"refinery: 1\nname: x\nsources: {}\nstages: {}\noutputs: {}\n", "sources"),
        (b"refinery: 1\n<<: *nothing\n", "not valid YAML"),
        (b"a: &a [*a]\n", "pipeline.yaml"),
    ],
)
def test_a_lone_bad_definition(tmp_path, refinery, content, expected):
    """Whatever the file holds: exit code 2 and lines that begin with its name, from run, check and plan."""
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(content)
    for command in ("run", "check", "plan"):
        code, _, err = refinery(command, file)
        assert code == 2
        assert expected in err
        assert all(line.startswith(str(file)) for line in err.splitlines())


def test_a_definition_that_is_a_folder_or_missing(tmp_path, refinery):
    """Exit code 2, one line."""
    for place in (tmp_path, tmp_path / "none.yaml", tmp_path / "none" / "p.yaml"):
        code, _, err = refinery("run", place)
        assert (code, err.count("\n")) == (2, 1)
        assert err.startswith(f"{place}: ")


def test_a_definition_saved_by_a_windows_editor(data_repository, refinery):
    """A byte order mark and CRLF are no mistake."""
    content = b"\xef\xbb\xbf" + PIPELINE.replace("\n", "\r\n").encode()
    (data_repository / "pipeline.yaml").write_bytes(content)
    code, _, err = refinery("check", data_repository / "pipeline.yaml")
    assert (code, err) == (0, "")


def test_an_empty_environment(data_repository):
    """Without HOME, PATH or a locale, from another folder: the run needs nothing but local paths."""
    ran = started(data_repository, data_repository / "pipeline.yaml", env={})
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (data_repository / "out.records" / "manifest.json").exists()
