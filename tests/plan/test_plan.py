"""Keys: what is done again, and what is not, when sources change."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from refinery.plan.plan import shard_key
from refinery.sources.documents import Shard, SourceSpec
from refinery.storage.marks import OWNER, records_of
from tests.conftest import PIPELINE, decisions, document, output_hashes, read_files, write_parquet
from tests.run.planning import plan_of

TWO = PIPELINE.replace(
    '  crawl: {path: "crawl/*.parquet"}\n',
    '  notes: {path: "notes/*.parquet"}\n  crawl: {path: "crawl/*.parquet"}\n',
).replace("from: crawl", "from: [crawl, notes]")


def rows(start: int, stop: int, prefix: str) -> list[dict[str, object]]:
    return [{"id": f"{prefix}{n}", "text": document(n), "year": n} for n in range(start, stop)]


def duplicates_of(folder: Path) -> dict[object, object]:
    return {r["id"]: r["duplicate_of_id"] for r in decisions(folder).values() if r["rule"] == "dedup.exact"}


def test_an_unrelated_source_does_not_move_the_duplicates_of(tmp_path, refinery):
    """Cached dedup results still name the right document after another source has got a shard."""
    write_parquet(tmp_path / "crawl" / "0.parquet", rows(0, 12, "a"))
    write_parquet(tmp_path / "crawl" / "1.parquet", rows(6, 18, "b"))
    write_parquet(tmp_path / "notes" / "0.parquet", rows(100, 104, "n"))
    text = TWO.replace("from: [crawl, notes]", "from: crawl")
    other = "  noted:\n    from: notes\n    measure: [signals]\n    keep: [{some: 'words > 5'}]\n"
    text = text.replace("outputs:\n", f"{other}outputs:\n  noted: {{from: noted, path: out-notes}}\n")
    (tmp_path / "pipeline.yaml").write_text(text)
    assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
    expected = duplicates_of(tmp_path / "out")
    assert expected == {f"b{n}": f"a{n}" for n in range(6, 12)}
    write_parquet(tmp_path / "notes" / "1.parquet", rows(200, 204, "m"))
    (tmp_path / "out.records" / "manifest.json").unlink()
    assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
    assert duplicates_of(tmp_path / "out") == expected


def test_a_shard_that_moves_to_another_source_is_judged_anew(tmp_path, refinery):
    """Trust follows the source a file belongs to now."""
    write_parquet(tmp_path / "crawl" / "0.parquet", rows(0, 5, "a"))
    write_parquet(tmp_path / "crawl" / "9.parquet", rows(0, 5, "moved"))
    write_parquet(tmp_path / "notes" / "9.parquet", rows(100, 105, "n"))
    text = TWO.replace("from: [crawl, notes]", "from: [notes, crawl]")
    (tmp_path / "pipeline.yaml").write_text(text)
    assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
    assert set(duplicates_of(tmp_path / "out")) == {f"moved{n}" for n in range(5)}
    (tmp_path / "crawl" / "9.parquet").rename(tmp_path / "notes" / "0.parquet")
    assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
    assert set(duplicates_of(tmp_path / "out")) == {f"a{n}" for n in range(5)}


def test_what_was_read_without_a_manifest_is_read_again_with_it(tmp_path, refinery):
    """An output read as a source while a run replaces it: the columns that refinery made do not stay carried on."""
    rows = "".join(json.dumps({"id": n, "text": document(n), "shade": 9}) + "\n" for n in range(5))
    folder = tmp_path / "crawl"
    folder.mkdir()
    (folder / "data-00000.jsonl").write_text(rows)
    records_of(folder).mkdir()
    (records_of(folder) / OWNER).write_text("{}")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("crawl/*.parquet", "crawl"))

    def columns() -> set[str]:
        assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
        return set(pq.read_schema(tmp_path / "out" / "data-00000.parquet").names)

    assert "shade" in columns()
    (records_of(folder) / "manifest.json").write_text(json.dumps({"made_columns": ["shade"]}))
    assert "shade" not in columns()


def test_a_file_that_broke_is_told_though_all_else_is_cached(data_repository, refinery):
    """A new unreadable file makes new decisions, not "nothing to do"."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    (data_repository / "crawl" / "8.parquet").write_bytes(b"PAR1 and then nothing")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0
    assert "1 file could not be read" in err
    assert "8.parquet" in str(read_files(data_repository / "out", "rejects").column("path").to_pylist())


def test_minted_ids_and_lineage_follow_the_path_of_the_source(tmp_path, refinery):
    """Another pattern over the same file gives other relative paths, and ids and lineage that agree with them."""
    write_parquet(tmp_path / "crawl" / "deep" / "0.parquet", [{"text": document(n)} for n in range(5)])
    for pattern in ("crawl/deep/*.parquet", "crawl/**/*.parquet"):
        (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("crawl/*.parquet", pattern))
        assert refinery("run", tmp_path / "pipeline.yaml", "-q")[0] == 0
        written = pq.read_table(tmp_path / "out" / "data-00000.parquet")
        assert set(written.column("id").to_pylist()) == set(decisions(tmp_path / "out"))


def test_what_ranks_is_measured_on_every_branch(tmp_path, refinery):
    """A source that went around the measuring stage is not ranked last for want of a number."""
    write_parquet(tmp_path / "crawl" / "0.parquet", rows(0, 10, "a"))
    write_parquet(tmp_path / "notes" / "0.parquet", rows(100, 110, "n"))
    text = TWO.replace("from: [crawl, notes]", "from: crawl").replace(
        "from: screened", "from: [notes, screened]"
    )
    text = text.replace(
        "outputs:\n  unique: {from: unique, path: out}",
        "  best:\n    from: unique\n    select: {tokens: 2500, by: words}\n"
        "outputs:\n  best: {from: best, path: out, measurements: [words]}",
    )
    (tmp_path / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", tmp_path / "pipeline.yaml", "-q")
    assert code == 0, err
    kept = pq.read_table(tmp_path / "out" / "data-00000.parquet")
    assert None not in kept.column("words").to_pylist()
    assert any(name.startswith("n") for name in kept.column("id").to_pylist())


def test_another_root_remakes_nothing(tmp_path, refinery):
    """A copy of the corpus elsewhere: no file of the work folder is made again, and outputs have the same bytes."""
    for number in range(2):
        texts = [{"text": document(5 * number + n // 2)} for n in range(10)]  # ids are minted
        write_parquet(tmp_path / "here" / "crawl" / f"{number}.parquet", texts)
    (tmp_path / "here" / "crawl" / "9.parquet").write_bytes(b"PAR1 and then nothing")
    text = PIPELINE.replace("crawl/*.parquet", "{data}/crawl/*.parquet").replace(
        "path: out", 'path: "{data}/out"'
    )
    file = tmp_path / "pipeline.yaml"
    file.write_text(text.replace("name: tiny", "name: tiny\nroots: {data: here}"))

    def made() -> dict[str, int]:
        found = (tmp_path / ".refinery" / "shards").rglob("*")
        return {str(f): f.stat().st_mtime_ns for f in found if f.is_file()}

    assert refinery("run", file, "-q")[0] == 0
    before = made()
    assert any("measured-minhash" in name for name in before)
    assert any("dropped-" in name for name in before)
    shutil.copytree(tmp_path / "here" / "crawl", tmp_path / "there" / "crawl")
    shutil.rmtree(tmp_path / "here" / "crawl")
    code, _, err = refinery("run", file, "-q", "--root", f"data={tmp_path}/there")
    assert code == 0, err
    assert made() == before
    assert output_hashes(tmp_path / "there" / "out") == output_hashes(tmp_path / "here" / "out")
    lineage = pq.read_table(tmp_path / "there" / "out" / "data-00000.parquet").column("lineage").to_pylist()
    assert {place["path"] for place in lineage} == {"0.parquet", "1.parquet"}


def test_a_plan_is_shown_in_short(data_repository):
    """Whatever the number of shards: its name, and how much there is."""
    plan = plan_of(data_repository / "pipeline.yaml")
    assert repr(plan) == f"Plan('tiny', 3 shards, {len(plan.results)} results, outputs: unique)"


def test_another_release_makes_nothing_again(data_repository, refinery):
    """Results are keyed by what makes them, never by the package's version: a new release leaves every file alone."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    results = data_repository / ".refinery" / "shards"

    def times() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in results.rglob("*") if file.is_file()}

    before = times()
    assert {"measured", "decided", "dropped"} <= {file.name.partition("-")[0] for file in before}
    (data_repository / "out.records" / "manifest.json").unlink()
    code = (
        "import importlib.metadata as packages\nversion = packages.version\n"
        "packages.version = lambda name: '99.0' if name == 'refinery' else version(name)\n"
        "from refinery.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, "run", data_repository / "pipeline.yaml", "-q", "--workers", "1"]
    subprocess.run(command, check=True, timeout=100)
    assert json.loads((data_repository / "out.records" / "manifest.json").read_bytes())["refinery"] == "99.0"
    assert times() == before


def made(work: Path) -> dict[str, int]:
    """What lies in the folders of shards, with the time when it was made."""
    found = (file for file in (work / "shards").rglob("*") if file.is_file())
    return {str(file.relative_to(work)): file.stat().st_mtime_ns for file in found}


def test_neither_time_nor_place_of_files_makes_anything_again(tmp_path, refinery):
    """Touched, copied to another root in another order, moved back: what is measured and decided stays."""
    one, other = tmp_path / "one" / "crawl", tmp_path / "other" / "crawl"
    for number in range(3):
        write_parquet(one / f"{number}.parquet", rows(4 * number, 4 * number + 4, "a"))
    lines = [json.dumps({"id": f"b{n}", "text": document(n, 200), "year": n}) for n in range(300)]
    (one / "large.jsonl").write_text("\n".join(lines))
    text = PIPELINE.replace("sources:", "roots: {data: one}\nsources:").replace(
        "crawl/*.parquet", "{data}/crawl/*"
    )
    (tmp_path / "pipeline.yaml").write_text(text)

    def run(*arguments: str) -> dict[str, int]:
        (tmp_path / "out.records" / "manifest.json").unlink(missing_ok=True)
        assert refinery("run", tmp_path / "pipeline.yaml", "-q", *arguments)[0] == 0
        return made(tmp_path / ".refinery")

    before, output = run(), output_hashes(tmp_path / "out")
    for number, file in enumerate(one.iterdir()):
        os.utime(file, (number, number))
    assert run() == before
    other.mkdir(parents=True)
    for file in sorted(one.iterdir(), reverse=True):
        shutil.copyfile(file, other / file.name)
    assert run("--root", f"data={other.parent}") == before
    assert output_hashes(tmp_path / "out") == output
    content = (other / "large.jsonl").read_bytes()
    (other / "large.jsonl").write_bytes(
        content[:20_000] + b"#" + content[20_001:]
    )  # in no block that is looked at
    assert run("--root", f"data={other.parent}").keys() > before.keys()


SHARD = Shard("s", "/data/a.jsonl", "a.jsonl", "jsonl", 0, -1, 0, None, 1, "identity")
SPEC = SourceSpec("s", ("/data",))


@pytest.mark.parametrize(
    "shard",
    [
        {"identity": "other"},
        {"start": 1},
        {"stop": 5},
        {"format": "warc"},
        {"relative_path": "b.jsonl"},
        {"made": ("words",)},
        {"limit": 9},
    ],
)
def test_what_is_made_of_a_shard_follows_from_its_content_and_cut(shard):
    """Each of these is another shard."""
    assert shard_key(replace(SHARD, **shard), SPEC) != shard_key(SHARD, SPEC)


@pytest.mark.parametrize(
    "spec", [{"name": "t"}, {"text": "body"}, {"id": "uid"}, {"binary_text": True}, {"max_document_bytes": 5}]
)
def test_what_is_made_of_a_shard_follows_from_how_it_is_read(spec):
    """Each of these reads other documents, or by another name."""
    assert shard_key(SHARD, replace(SPEC, **spec)) != shard_key(SHARD, SPEC)


def test_what_is_made_of_an_archive_follows_from_the_format_of_its_files():
    """It is said of them: what was read as text is read again as JSON Lines."""
    archive = replace(SHARD, format="tar")
    assert shard_key(archive, replace(SPEC, format="text")) != shard_key(archive, SPEC)


def test_what_is_made_of_a_shard_has_no_place_time_or_number():
    """Nor does it matter what is to happen to rejects, or how many shards there are."""
    shard = replace(SHARD, path="s3://b/a.jsonl", stamp="5", index=7, part=2, parts=3, first_row=9)
    assert shard_key(shard, replace(SPEC, path=("s3://b",), on_error="fail")) == shard_key(SHARD, SPEC)


def test_a_check_leaves_nothing_behind(data_repository, refinery):
    """What a plan finds out about files is kept for the run; a check makes no work folder."""
    assert refinery("check", data_repository / "pipeline.yaml")[0] == 0
    assert not (data_repository / ".refinery").exists()
    assert refinery("plan", data_repository / "pipeline.yaml")[0] == 0
    assert len(list((data_repository / ".refinery" / "files").iterdir())) == 1
