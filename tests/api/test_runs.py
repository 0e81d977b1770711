"""A definition loaded, checked, planned and run."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import refinery
from refinery.api.runs import place_of, work_folder
from refinery.errors import DefinitionError, InputError, RunError
from refinery.plan.resolve import resolve
from refinery.watch.events import RunEnded, UnitEnded
from tests.conftest import PIPELINE, output_hashes


def test_a_definition_comes_as_a_path_or_loaded(data_repository):
    """A text, a Path, what `load` gave: the same plan."""
    file = data_repository / "pipeline.yaml"
    for given in (file, str(file), refinery.load(file)):
        assert [shard.shard.relative_path for shard in refinery.plan(given).shards] == [
            "0.parquet",
            "1.parquet",
            "2.parquet",
        ]


def test_roots_count_from_the_current_directory(data_repository, monkeypatch):
    """Of `load`, as on the command line; a loaded definition takes none."""
    file = data_repository / "pipeline.yaml"
    file.write_text(
        PIPELINE.replace("name: tiny", "name: tiny\nroots: {data: nowhere}").replace('"crawl/', '"{data}/')
    )
    monkeypatch.chdir(data_repository)
    loaded = refinery.load("pipeline.yaml", roots={"data": Path("crawl")})
    assert len(refinery.check(loaded).shards) == 3
    assert len(refinery.plan(file, roots={"data": "crawl"}).shards) == 3
    with pytest.raises(DefinitionError, match="give them to `load`"):
        refinery.plan(loaded, roots={"data": "crawl"})
    with pytest.raises(DefinitionError, match="has no root 'dta'"):
        refinery.check(file, roots={"dta": "crawl"})


def test_check_finds_a_folder_that_is_not_ours(data_repository):
    """Before anything is run."""
    (data_repository / "out").mkdir()
    (data_repository / "out" / "letter.txt").write_text("Dear Sir")
    with pytest.raises(InputError, match="not empty"):
        refinery.check(data_repository / "pipeline.yaml")


def test_the_work_folder_lies_beside_the_definition(data_repository, monkeypatch):
    """Unless another is given, which counts from the current directory; a store that cannot hold it is refused."""
    monkeypatch.chdir(data_repository.parent)
    graph = resolve(refinery.load(data_repository / "pipeline.yaml"))
    assert work_folder(None, graph) == data_repository / ".refinery"
    assert work_folder("w", graph) == data_repository.parent / "w"
    with pytest.raises(InputError):
        work_folder("https://host/folder", graph)
    assert place_of("file:///data/a") == Path("/data/a")


def test_a_run_gives_its_outputs(data_repository):
    """By name, with the counts of the manifest; events go to a listener, and to nobody with `progress=False`."""
    events = []
    outputs = refinery.run(data_repository / "pipeline.yaml", workers=1, progress=events.append)
    assert outputs["unique"].manifest.kept.documents == 40
    assert isinstance(events[-1], RunEnded)
    assert any(isinstance(event, UnitEnded) for event in events)


def test_a_plan_is_run_as_it_is(data_repository, tmp_path):
    """In its work folder; another one cannot be given any more."""
    planned = refinery.plan(data_repository / "pipeline.yaml", work=tmp_path / "w")
    assert refinery.run(planned, workers=1, progress=False)["unique"].plan is planned
    assert (tmp_path / "w" / "shards").exists()
    with pytest.raises(DefinitionError, match="give them to `plan`"):
        refinery.run(planned, work=tmp_path)


def test_progress_says_nothing_when_it_is_not_wanted(data_repository, capfd):
    """False: not a word; True: lines on standard error where no terminal is."""
    refinery.run(data_repository / "pipeline.yaml", workers=1, progress=False)
    assert capfd.readouterr() == ("", "")
    refinery.run(data_repository / "pipeline.yaml", workers=1)
    assert "up to date" in capfd.readouterr().err


def test_what_fails_is_raised(data_repository):
    """An output without documents; executors that do not exist; the folder is free again afterwards."""
    file = data_repository / "pipeline.yaml"
    file.write_text(PIPELINE.replace("words >= 50", "words >= 50000"))
    with pytest.raises(RunError):
        refinery.run(file, workers=1, progress=False)
    file.write_text(PIPELINE)
    assert refinery.run(file, workers=1, progress=False)["unique"].manifest.kept.documents == 40
    with pytest.raises(DefinitionError, match="executor"):
        refinery.run(file, executor="cloud")  # type: ignore[arg-type]


def test_a_script_needs_no_guard(data_repository):
    """A program that calls `run` with workers at its top level is not run again in each of them."""
    script = data_repository / "script.py"
    script.write_text(
        "import refinery\nprint('begun')\n"
        "outputs = refinery.run('pipeline.yaml', workers=2, progress=False)\n"
        "print(outputs['unique'].manifest.kept.documents, __file__ is not None, __spec__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(refinery.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, script],
        check=False,
        cwd=data_repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("begun\n40 True None\n", "", 0)
    before = output_hashes(data_repository / "out")
    refinery.run(data_repository / "pipeline.yaml", work=data_repository / "w", workers=1, progress=False)
    assert output_hashes(data_repository / "out") == before


def test_git_leaves_the_work_folder_alone(data_repository):
    """Whichever of plan and run makes it; a check makes none."""
    file, work = data_repository / "pipeline.yaml", data_repository / ".refinery"
    refinery.check(file)
    assert not work.exists()
    refinery.plan(file)
    assert (work / ".gitignore").read_text() == "*\n"


def test_a_plan_of_a_check_knows_what_a_run_knew_of_files(data_repository):
    """A change that keeps size and looked-at blocks is known from the work folder alone: another identity."""
    file, large = data_repository / "pipeline.yaml", data_repository / "crawl" / "large.jsonl"
    file.write_text(PIPELINE.replace("crawl/*.parquet", "crawl/*"))
    large.write_text("".join(f'{{"id": "{n:06}", "text": "A text of a large file."}}\n' for n in range(6000)))
    os.utime(large, (1, 1))
    refinery.run(file, workers=1, progress=False)
    content = large.read_text()
    large.write_text(content[:10_000] + content[10_000:11_000].replace("large", "small") + content[11_000:])
    os.utime(large, (2, 2))
    planned = refinery.plan(file).shards
    assert planned[-1].shard.identity == refinery.check(file).shards[-1].shard.identity
    assert "-" in planned[-1].shard.identity


def test_a_sample_of_no_document_is_none(tmp_path):
    """Said, not taken for the whole."""
    (tmp_path / "a.jsonl").write_text('{"text": "A text."}')
    (tmp_path / "p.yaml").write_text(
        "refinery: 1\nname: p\nsources: {a: {path: a.jsonl}}\n"
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
    )
    with pytest.raises(refinery.DefinitionError, match="at least 1 document of each source, got 0"):
        refinery.plan(tmp_path / "p.yaml", limit=0)


def test_a_plan_leaves_the_collector_as_it_was(data_repository):
    """Whether it is on or off, and whether the plan can be made."""
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            refinery.plan(data_repository / "pipeline.yaml")
            with pytest.raises(DefinitionError):
                refinery.plan(data_repository / "missing.yaml")
            assert gc.isenabled() == enabled
        finally:
            gc.enable()
