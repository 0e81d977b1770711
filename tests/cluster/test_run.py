"""`refinery run` on a Ray cluster: the bytes of the local run, whoever dies, and clear errors."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.models.train import train_relevance
from tests.conftest import CHINESE, PIPELINE, document, output_hashes
from tests.ray_cluster import COMMAND

MEASURED = (
    PIPELINE.replace(
        "measure: [language, signals]",
        "measure: [language, signals, {relevance: {model: {file: models/domain}}}]",
    )
    .replace(
        'words >= 50"', 'words >= 50"\n      - on_topic: "relevance >= 0"\n      - judged: "court <> \'\'"'
    )
    .replace('*.parquet"}', '*.parquet", join: {path: courts.csv, on: id, columns: {court: string}}}')
)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A trained relevance model."""
    folder = tmp_path_factory.mktemp("models")
    examples = {
        "positive": [document(n) for n in range(90)],
        "negative": [CHINESE[n % 6] * 5 for n in range(90)],
    }
    for name, texts in examples.items():
        rows = [{"text": f"{text} {n}"} for n, text in enumerate(texts)]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    train_relevance([folder / "positive.parquet"], [folder / "negative.parquet"], folder / "domain")
    return folder / "domain"


@pytest.fixture
def repository(data_repository, model) -> Path:
    """The data repository with a relevance model and a table of courts beside its definition."""
    shutil.copytree(model, data_repository / "models" / "domain")
    courts = [f"en{n},court {n % 3}" for n in range(40) if n % 4]
    (data_repository / "courts.csv").write_text("\n".join(["id,court", *courts]))
    (data_repository / "pipeline.yaml").write_text(MEASURED, encoding="utf-8")
    return data_repository


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="ray-") as made:
        yield Path(made)


def copy_of(repository: Path, name: str) -> Path:
    """A definition that writes to a folder of its own."""
    file = repository / f"{name}.yaml"
    file.write_text(MEASURED.replace("path: out}", f"path: out-{name}}}"))
    return file


def history(work: Path) -> list[bytes]:
    """What is kept of rows for later runs to be compared with."""
    return [file.read_bytes() for file in sorted(work.glob("pipelines/tiny/history/*.parquet"))]


def test_two_runs_at_once_give_the_bytes_of_a_run_on_this_machine(cluster, command, repository):
    """Data, decisions and history, RAY_ADDRESS being enough; logs name units and workers, the status the end."""
    local = ("run", copy_of(repository, "local"), "-q", "--work", "w-local", "--workers", 1)
    code, _, err = command(*local, cwd=repository)
    assert code == 0, err
    given = {"one": (), "two": ("--executor", "ray", "--address", cluster.address)}
    begun = [
        subprocess.Popen(
            [*COMMAND, "run", str(copy_of(repository, name)), "-q", "--work", f"w-{name}", *options],
            cwd=repository,
            env={**os.environ, "RAY_ADDRESS": cluster.address},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, options in given.items()
    ]
    try:
        ended = [process.communicate(timeout=300)[1] for process in begun]
    finally:
        for process in begun:
            process.kill()
    assert [process.returncode for process in begun] == [0, 0], ended
    expected = output_hashes(repository / "out-local")
    expected.pop(".refinery-output.json")
    assert {"data-00000.parquet", "decisions-00000.parquet"} <= expected.keys()
    joined = pq.read_table(repository / "out-local" / "data-00000.parquet").column("court").to_pylist()
    assert {*joined} == {"court 0", "court 1", "court 2"}
    kept = history(repository / "w-local")
    assert kept
    for name in given:
        found = output_hashes(repository / f"out-{name}")
        found.pop(".refinery-output.json")
        assert found == expected
        assert history(repository / f"w-{name}") == kept
        work = repository / f"w-{name}" / "pipelines" / "tiny"
        assert "model.bin" in {file.name for file in (work / "models").glob("*/*")}
        (log,) = (work / "logs").glob("run-*.jsonl")
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        units = [line for line in lines if line["event"] == "unit_ended" and line["phase"] == "measure"]
        assert {Path(line["unit"]).name for line in units} == {"0.parquet", "1.parquet", "2.parquet"}
        assert all(line["worker"] and line["seconds"] > 0 and line["peak_memory"] > 0 for line in units)
    code, out, _ = command("status", repository / "out-one", "--json", cwd=repository)
    assert code == 2  # the work folder is elsewhere than beside the definition
    code, out, _ = command("status", "w-one", "--json", cwd=repository)
    assert (code, [one["state"] for one in json.loads(out)]) == (0, ["finished"])


def test_a_killed_driver_is_told_and_the_same_command_goes_on(cluster, command, repository):
    """After kill -9 the status says died; the second run finishes, with what was measured before."""
    run = ["run", str(copy_of(repository, "again")), "-q", "--executor", "ray", "--address", cluster.address]
    process = subprocess.Popen([*COMMAND, *run], cwd=repository)
    records = repository / ".refinery" / "shards"
    end = time.monotonic() + 60
    while not list(records.glob("*/*/record.json")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    code, out, _ = command("status", ".", cwd=repository)
    assert code == 1
    assert out.startswith("died: tiny")
    code, _, err = command(*run, cwd=repository)
    assert code == 0, err
    code, out, _ = command("status", "out-again", cwd=repository)
    assert (code, out.partition(":")[0]) == (0, "finished")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:9", "127.0.0.1:9: no Ray cluster answers: Connection refused"),
        ("nonsense", "nonsense: not an address of a Ray cluster"),
        ("ray://127.0.0.1:10001", "Ray Client is not supported"),
    ],
)
def test_an_address_that_does_not_answer(command, data_repository, address, message):
    """Exit code 2 with one line, in seconds."""
    code, _, err = command(
        "run", "pipeline.yaml", "-q", "--executor", "ray", "--address", address, cwd=data_repository
    )
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_cluster_that_crashed_is_not_waited_for(command, data_repository, short_folder):
    """Ray's note of it is told to be stale, and the run starts a cluster of its own."""
    (short_folder / "ray").mkdir()
    (short_folder / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    code, _, err = command(
        "run",
        "pipeline.yaml",
        "-q",
        "--executor",
        "ray",
        cwd=data_repository,
        RAY_ADDRESS="",
        RAY_TMPDIR=str(short_folder),
    )
    assert code == 0, err
    assert "no Ray cluster answers: Connection refused; starting a cluster for this run" in err
    assert (data_repository / "out.records" / "manifest.json").exists()
