"""The whole run, from files to files."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import PIPELINE, document, write_parquet


def output_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file that a run wrote for good, the manifest (with its times) left out."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != "manifest.json"
    }


def decisions(folder: Path) -> dict[str, dict[str, object]]:
    """The decisions by document id."""
    return {str(row["id"]): row for row in pq.read_table(folder / "decisions.parquet").to_pylist()}


def test_every_document_is_kept_or_dropped_with_its_reason(data_repository, refinery):
    """The decisions name stage and rule for each document, and the output holds just the kept ones."""
    code, out, err = refinery("run", data_repository / "pipeline.yaml", "--workers", 1)
    assert (code, err.count("Traceback")) == (0, 0), err
    found = decisions(data_repository / "out")
    assert len(found) == 61
    outcome = {name: (row["outcome"], row["stage"], row["rule"]) for name, row in found.items()}
    assert outcome["en3"] == ("kept", None, None)
    assert outcome["zh1"] == ("dropped", "screened", "english")
    assert outcome["short2"] == ("dropped", "screened", "long_enough")
    copies = [outcome[f"copy{n}"] for n in range(6)] + [outcome[f"en{n}"] for n in range(6)]
    assert sorted(c[2] or "" for c in copies) == [""] * 6 + ["dedup.exact"] * 6
    written = pq.read_table(data_repository / "out" / "data-00000.parquet")
    assert sorted(written.column("id").to_pylist()) == sorted(n for n, o in outcome.items() if o[0] == "kept")
    assert written.schema.field("year").type == "int64"
    assert "screened" in out


def test_the_twin_of_a_duplicate_is_recorded(data_repository, refinery):
    """A dropped duplicate names the document that was kept in its place, by id and by place."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    found = decisions(data_repository / "out")
    for row in found.values():
        if row["rule"] == "dedup.exact":
            twin = found[row["twin_id"]]
            assert twin["outcome"] == "kept"
            assert (twin["path"], twin["row"]) == (row["twin_path"], row["twin_row"])
            assert row["id"].removeprefix("copy").removeprefix("en") == twin["id"].removeprefix(
                "copy"
            ).removeprefix("en")


def test_lineage_leads_back_to_the_source_row(data_repository, refinery):
    """Each output row says which row of which file it was."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    for row in pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist():
        place = row["lineage"]
        source = pq.read_table(data_repository / "crawl" / place["path"]).to_pylist()[place["row"]]
        assert (source["id"], source["year"]) == (row["id"], row["year"])


@pytest.mark.parametrize("shuffle", ["", ", shuffle: 7"])
def test_one_and_two_workers_write_the_same_bytes(data_repository, refinery, shuffle):
    """Worker count never shows in the output, shuffled or not."""
    text = PIPELINE.replace("{path: out}", f"{{path: out, shard_bytes: 10000{shuffle}}}")
    for workers in (1, 2):
        (data_repository / f"p{workers}.yaml").write_text(text.replace("out,", f"out{workers},"))
        code, _, err = refinery(
            "run",
            data_repository / f"p{workers}.yaml",
            "--workers",
            workers,
            "--work",
            data_repository / f"w{workers}",
            "-q",
        )
        assert code == 0, err
    first = output_hashes(data_repository / "out1")
    assert first == output_hashes(data_repository / "out2")
    assert len(first) > 4


def test_shuffle_keeps_every_document_once(data_repository, refinery):
    """A shuffled output holds the same documents in another order."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    plain = pq.read_table(data_repository / "out" / "data-00000.parquet").column("id").to_pylist()
    text = PIPELINE.replace("{path: out}", "{path: shuffled, shuffle: 3}")
    (data_repository / "s.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "s.yaml", "-q")
    assert code == 0, err
    mixed = pq.read_table(data_repository / "shuffled" / "data-00000.parquet").column("id").to_pylist()
    assert mixed != plain
    assert sorted(mixed) == sorted(plain)


def test_a_second_run_computes_nothing(data_repository, refinery):
    """Unchanged, the same command touches no file of the work folder or the output."""
    refinery("run", data_repository / "pipeline.yaml", "-q")

    def times() -> dict[str, int]:
        return {str(f): f.stat().st_mtime_ns for f in data_repository.rglob("*") if f.is_file()}

    before = times()
    code, _, err = refinery("run", data_repository / "pipeline.yaml")
    assert code == 0
    assert "up to date" in err
    changed = {name for name, time in times().items() if before.get(name) != time}
    assert {Path(name).name for name in changed} <= {".refinery-output.json"}


def measured(folder: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in (folder / ".refinery").rglob("measured-*.parquet")}


def test_a_changed_threshold_measures_nothing(data_repository, refinery):
    """Only decisions are made again; the output follows the new threshold."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 3"))
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    assert measured(data_repository) == before
    assert decisions(data_repository / "out")["short2"]["outcome"] == "kept"


def test_an_added_shard_is_measured_alone(data_repository, refinery):
    """Measurements of the other shards stay as they are."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    write_parquet(data_repository / "crawl" / "9.parquet", [{"id": "new", "text": document(999), "year": 1}])
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    after = measured(data_repository)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    assert decisions(data_repository / "out")["new"]["outcome"] == "kept"


def test_kill_at_random_moments_then_the_same_command(data_repository, tmp_path):
    """Killed with SIGKILL again and again, the run ends in the bytes of an undisturbed one."""
    command = [
        sys.executable,
        "-c",
        "from refinery.cli import main; main()",
        "run",
        "pipeline.yaml",
        "-q",
        "--workers",
        "2",
    ]
    subprocess.run(command, cwd=data_repository, check=True)
    expected = output_hashes(data_repository / "out")
    for folder in (".refinery", "out"):
        (data_repository / folder).rename(data_repository / f"{folder}-undisturbed")
    chosen = random.Random(5)
    for _ in range(6):
        process = subprocess.Popen(command, cwd=data_repository, start_new_session=True)
        try:
            process.wait(timeout=chosen.uniform(0.3, 3.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    subprocess.run(command, cwd=data_repository, check=True)
    assert output_hashes(data_repository / "out") == expected


def test_manifest_adds_up(data_repository, refinery):
    """For every stage: arrived = kept + dropped; the files listed are the files there."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    manifest = json.loads((data_repository / "out" / "manifest.json").read_bytes())
    for stage in manifest["stages"].values():
        dropped = sum(rule["dropped"]["documents"] for rule in stage["rules"].values())
        assert stage["arrived"]["documents"] == stage["kept"]["documents"] + dropped
    assert manifest["stages"]["screened"]["arrived"]["documents"] == 61
    for file in manifest["files"]:
        content = (data_repository / "out" / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])


def test_a_foreign_output_folder_is_refused(data_repository, refinery):
    """A folder with anything else in it is left alone, with exit code 2."""
    (data_repository / "out").mkdir()
    (data_repository / "out" / "thesis.txt").write_text("mine")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 2
    assert "thesis.txt" in err
    assert [file.name for file in (data_repository / "out").iterdir()] == ["thesis.txt"]


def test_no_document_left(data_repository, refinery):
    """An empty corpus is a failed run that says which rules took the documents, not an empty folder."""
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 50000"))
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "no document is left of 61 read" in err
    assert "screened: long_enough dropped 51" in err
    assert not (data_repository / "out" / "manifest.json").exists()


def test_own_output_as_input(data_repository, refinery):
    """Run on its own output, a pipeline removes nothing and gives the same columns."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    again = PIPELINE.replace("crawl/*.parquet", "out/data-*.parquet").replace("{path: out}", "{path: again}")
    (data_repository / "again.yaml").write_text(again)
    code, _, err = refinery("run", data_repository / "again.yaml", "-q")
    assert code == 0, err
    first = pq.read_table(data_repository / "out" / "data-00000.parquet")
    second = pq.read_table(data_repository / "again" / "data-00000.parquet")
    assert second.schema.equals(first.schema)
    assert second.drop_columns(["lineage"]).equals(first.drop_columns(["lineage"]))


def test_against_an_earlier_run(data_repository, refinery):
    """What an earlier run kept is dropped with its match, and the earlier corpus is untouched."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = output_hashes(data_repository / "out")
    rows = [{"id": f"seen{n}", "text": document(n), "year": 1} for n in range(10)]
    rows += [{"id": f"fresh{n}", "text": document(500 + n), "year": 1} for n in range(10)]
    write_parquet(data_repository / "later" / "0.parquet", rows)
    text = PIPELINE.replace("crawl/*", "later/*").replace("{path: out}", "{path: out2}")
    (data_repository / "later.yaml").write_text(text.replace("exact: true,", "exact: true, against: out,"))
    code, _, err = refinery("run", data_repository / "later.yaml", "-q")
    assert code == 0, err
    found = decisions(data_repository / "out2")
    assert {n for n, row in found.items() if row["outcome"] == "kept"} == {f"fresh{n}" for n in range(10)}
    assert found["seen4"]["rule"] == "dedup.against"
    assert found["seen4"]["twin_id"] in {"en4", "copy4"}
    assert output_hashes(data_repository / "out") == before


def test_branches_and_unions(data_repository, refinery):
    """A stage may feed several, a union takes each document once, and two outputs have two accounts."""
    sizes = sorted(len(document(n).encode()) for n in range(40))
    text = PIPELINE.replace(
        "  unique:\n    from: screened\n",
        f"  short:\n    from: screened\n    keep: [{{fewer: 'bytes < {sizes[25]}'}}]\n"
        f"  long:\n    from: screened\n    keep: [{{more: 'bytes >= {sizes[15]}'}}]\n"
        "  unique:\n    from: [long, short]\n",
    ).replace("outputs:\n", "outputs:\n  short: {path: out-short}\n")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    stages = json.loads((data_repository / "out" / "manifest.json").read_bytes())["stages"]
    both = stages["short"]["kept"]["documents"] + stages["long"]["kept"]["documents"]
    assert both > stages["unique"]["arrived"]["documents"] == stages["screened"]["kept"]["documents"]
    short = decisions(data_repository / "out-short")
    assert {row["rule"] for row in short.values() if row["stage"] == "short"} == {"fewer"}


def test_select_spends_the_budget_on_the_best(data_repository, refinery):
    """The token budget is filled in the order of the ranking."""
    text = PIPELINE.replace(
        "outputs:\n  unique:",
        "  best:\n    from: unique\n    select: {tokens: 2500, by: words}\noutputs:\n  best:",
    )
    text = text.replace("{path: out}", "{path: out, measurements: [words, tokens]}")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    written = pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist()
    tokens = sum(row["tokens"] for row in written)
    assert 2500 - max(row["tokens"] for row in written) < tokens <= 2500
    found = decisions(data_repository / "out")
    assert {row["rule"] for row in found.values() if row["stage"] == "best"} == {"select.tokens"}
