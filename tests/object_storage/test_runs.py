"""Whole runs with sources, work folder and output on an object store, by the command in a process of its own."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from refinery.storage import retry
from refinery.storage.lock import hold
from refinery.storage.place import place_of
from tests.conftest import PIPELINE, document, output_hashes, write_parquet
from tests.fault_proxy import faulty
from tests.models.domains import MEDICAL, OTHER, documents
from tests.s3_server import ACCESS_KEY, SECRET_KEY
from tests.sources import archives

REFINERY = str(Path(sys.executable).with_name("refinery"))
ALL = ("503", "500", "reset", "cut", "short", "slow", "cut_upload", "lost_answer")


@pytest.fixture
def repository(data_repository, bucket, s3_server, refinery):
    """The data repository with a finished local run, its sources in the bucket and a pipeline of URLs."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    client = s3_server.client()
    for file in (data_repository / "crawl").iterdir():
        client.put_object(
            Bucket=bucket.removeprefix("s3://"), Key=f"crawl/{file.name}", Body=file.read_bytes()
        )
    text = PIPELINE.replace('"crawl/*.parquet"', f'"{bucket}/crawl/*.parquet"').replace(
        "path: out}", f"path: {bucket}/out}}"
    )
    (data_repository / "s3.yaml").write_text(text)
    return data_repository


# Hooks of os.fork are silent in a driver that has used a client.
HOOKED = """
import os, sys
from refinery.storage import object_store
def before():
    used = object_store.client.cache_info().currsize
    print(f"FORK after a client was used: {used}", file=sys.stderr, flush=True)
os.register_at_fork(before=before)
sys.argv = ["refinery", *sys.argv[1:]]
from refinery.cli import main
main()
"""


def command(repository, bucket, *arguments, program=(REFINERY,)):
    return [*program, "run", str(repository / "s3.yaml"), "-q", "--work", f"{bucket}/work", *arguments]


def run(repository, bucket, *arguments, program=(REFINERY,), **environment):
    return call(command(repository, bucket, *arguments, program=program), **environment)


def call(words, **environment):
    return subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def same_as_local(repository, bucket, s3_server):
    """Whether the output is that of the local run, with nothing beside it."""
    stored = s3_server.objects(f"{bucket}/out") | s3_server.objects(f"{bucket}/out.records")
    assert "manifest.json" in stored
    found = {
        name: hashlib.sha256(body).hexdigest() for name, body in stored.items() if name != "manifest.json"
    }
    local = {name: digest for name, digest in output_hashes(repository / "out").items() if name != ".lock"}
    return found == local


def test_a_definition_with_roots_runs_there_as_it_is(repository, bucket, s3_server, refinery):
    """`--root` takes a bucket in place of the folder in the definition: the bytes are those of a local run."""
    text = PIPELINE.replace("crawl/*", "{data}/crawl/*").replace("path: out", 'path: "{data}/out"')
    file = repository / "roots.yaml"
    file.write_text(text.replace("name: tiny", "name: tiny\nroots: {data: ./}"))
    code, _, err = refinery("run", file, "-q", "--root", f"data={bucket}", "--work", f"{bucket}/work")
    assert (code, err) == (0, "")
    assert same_as_local(repository, bucket, s3_server)


def test_the_bytes_are_those_of_a_local_run(repository, bucket, s3_server):
    """Data, decisions and owner have the same sha256; no lease, no staged file is left; a second run does nothing.

    Two workers are at work, and the driver does not fork; one worker's bytes are those of a run through faults.
    """
    done = run(repository, bucket, "--workers", "2", program=(sys.executable, "-c", HOOKED))
    assert (done.returncode, done.stderr) == (0, "")
    assert same_as_local(repository, bucket, s3_server)
    assert not [name for name in s3_server.objects(bucket) if name.endswith(".lock")]
    before = s3_server.objects(f"{bucket}/out"), s3_server.objects(f"{bucket}/out.records")
    assert run(repository, bucket).returncode == 0
    assert before == (s3_server.objects(f"{bucket}/out"), s3_server.objects(f"{bucket}/out.records"))


def test_models_are_made_there(tmp_path, bucket, s3_server, refinery):
    """Examples, model and card lie on the store: the bytes are those of a local run; then nothing is to do."""
    for name, sentences in (("seeds", MEDICAL), ("crawl", (*OTHER, *MEDICAL[:1]))):
        rows = [{"id": f"{name}{n}", "text": text} for n, text in enumerate(documents(sentences, 100, 1))]
        write_parquet(tmp_path / name / "0.parquet", rows)
    sources = '{seeds: {path: "seeds/*"}, crawl: {path: "crawl/*"}}'
    model = "{m: {train: {positive: seeds, negative: crawl, dim: 4, buckets: 1000}}}"
    stage = "{from: crawl, measure: [{relevance: {model: m}}], keep: [some: 'relevance > 0.01']}"
    for name in ("local", "store"):
        (tmp_path / f"{name}.yaml").write_text(
            f"refinery: 1\nname: tiny\nsources: {sources}\nmodels: {model}\nstages: {{some: {stage}}}\n"
            f"outputs: {{some: {{from: some, path: {name}}}}}\n"
        )
    work = f"{bucket}/work"
    code, out, warned = refinery("run", tmp_path / "local.yaml", "-q")
    assert (code, out) == (0, "") and warned.startswith(
        "warning: model m: topic and source cannot be told apart"
    )
    store = refinery("run", tmp_path / "store.yaml", "-q", "--work", work, "--workers", 2)
    assert store == (0, "", warned)
    assert output_hashes(tmp_path / "store") == output_hashes(tmp_path / "local")
    made = {name.rpartition("/")[2] for name in s3_server.objects(f"{work}/made")}
    assert made == {"model.bin", "card.json", "card.md", "record.json"}
    code, _, err = refinery("run", tmp_path / "store.yaml", "--work", work)
    assert code == 0 and "up to date" in err


def test_rejects_do_not_tell_where_a_source_lies(repository, bucket, s3_server, refinery, tmp_path):
    """Two folders and a bucket with the same damaged file: the same rejects, by paths below the source's root."""
    damaged = (repository / "crawl" / "0.parquet").read_bytes()[:-100]
    (repository / "crawl" / "3.parquet").write_bytes(damaged)
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key="crawl/3.parquet", Body=damaged)
    shutil.copytree(repository / "crawl", tmp_path / "moved" / "crawl")
    shutil.copy(repository / "pipeline.yaml", tmp_path / "moved")
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    assert refinery("run", tmp_path / "moved" / "pipeline.yaml", "-q")[0] == 0
    assert refinery("run", repository / "s3.yaml", "-q", "--work", f"{bucket}/work")[0] == 0
    assert output_hashes(tmp_path / "moved" / "out") == output_hashes(repository / "out")
    assert same_as_local(repository, bucket, s3_server)
    (reject,) = pq.read_table(repository / "out.records" / "rejects-00000.parquet").to_pylist()
    assert (reject["path"], reject["reason"], reject["row"]) == ("3.parquet", "unreadable", None)


def test_a_run_through_faults_gives_the_same_bytes(repository, bucket, s3_server):
    """Every tenth request fails, in eight ways in turn."""
    with faulty(s3_server, every=10, kinds=ALL, cut_at=300) as proxy:
        done = run(repository, bucket, "--workers", "1", **s3_server.environment(proxy.endpoint))
    assert (done.returncode, done.stderr) == (0, "")
    assert same_as_local(repository, bucket, s3_server)
    assert sum(proxy.faults.values()) >= 40
    assert len(proxy.faults) >= 6


def test_a_killed_run_goes_on(repository, bucket, s3_server):
    """kill -9 after more and more requests, then the same command: the bytes of the local run."""
    for requests in (60, 150, 300):
        with faulty(s3_server) as proxy:
            process = subprocess.Popen(
                command(repository, bucket, "--workers", "1"),
                env={**os.environ, **s3_server.environment(proxy.endpoint)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while process.poll() is None and len(proxy.requests) < requests:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = run(repository, bucket, "--workers", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert same_as_local(repository, bucket, s3_server)


def test_a_second_driver_stops(repository, bucket, s3_server):
    """Two drivers on one work folder: the second says who works there; the first goes on to the same bytes."""
    with hold(place_of(f"{bucket}/work/pipelines/tiny")):
        second = run(repository, bucket, "--workers", "1")
    assert second.returncode == 1
    assert (
        f"{bucket}/work/pipelines/tiny: another run is working here (process {os.getpid()} on "
        in second.stderr
    )
    assert not s3_server.objects(f"{bucket}/out")


KILLED = """
import os, signal, sys, threading
from refinery.storage.commit import commit_file
from refinery.storage import retry
import s3fs.core
s3fs.core.calculate_chunksize = lambda *_, **__: 5 * 2**20
with commit_file(sys.argv[1]) as file:
    for _ in range(23):
        file.write(os.urandom(2**20))
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before", "single", "parts"])
def test_a_killed_writer_leaves_nothing_to_read(moment, bucket, s3_server, tmp_path):
    """kill -9 before the upload, in the middle of a put, and between the parts of a large one."""
    slow = {"every": 1, "kinds": ("503",), "methods": ("PUT",)}
    if moment == "parts":
        slow["path"] = "partNumber=4"  # the others have gone up
    with faulty(s3_server, **slow) as proxy:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, f"{bucket}/a.bin", moment],
            env={**os.environ, **s3_server.environment(proxy.endpoint), "TMPDIR": str(tmp_path)},
        )
        while process.poll() is None and not proxy.faults:
            time.sleep(0.005)
        process.kill()
        process.wait()
    assert s3_server.objects(bucket) == {}
    assert list(tmp_path.iterdir()) == []
    uploads = s3_server.client().list_multipart_uploads(Bucket=bucket.removeprefix("s3://"))
    assert len(uploads.get("Uploads", [])) == (moment != "before")  # for the bucket's lifecycle rule to end


def test_an_output_on_a_store_is_a_source_and_a_corpus_to_compare_with(repository, bucket, refinery):
    """`path: s3://.../out` reads its documents alone; `dedup.against` it drops them all but what is new."""
    assert refinery("run", repository / "s3.yaml", "-q", "--work", f"{bucket}/work")[0] == 0
    again = PIPELINE.replace('"crawl/*.parquet"', f'"{bucket}/out"').replace("path: out}", "path: again}")
    (repository / "again.yaml").write_text(again)
    assert refinery("run", repository / "again.yaml", "-q", "--work", f"{bucket}/again")[0] == 0
    assert (repository / "again" / "data-00000.parquet").exists()
    against = PIPELINE.replace("exact: true,", f"exact: true, against: {bucket}/out,").replace(
        "path: out}", "path: third}"
    )
    (repository / "against.yaml").write_text(against)
    code, _, err = refinery("run", repository / "against.yaml", "-q")
    assert code == 1
    assert "no document is left" in err


def test_nothing_forks_after_a_client_was_used(repository, bucket, s3_server):
    """Nor for a page extractor, in the process that reads and writes too."""
    pages = [archives.record("response", archives.response(archives.page(document(n)))) for n in range(3)]
    s3_server.client().put_object(
        Bucket=bucket.removeprefix("s3://"), Key="crawl/a.warc.gz", Body=archives.members(*pages)
    )
    pipeline = (repository / "s3.yaml").read_text().replace("/crawl/*.parquet", "/crawl/*.warc.gz")
    (repository / "s3.yaml").write_text(pipeline)
    done = run(repository, bucket, "--workers", "1", program=(sys.executable, "-c", HOOKED))
    assert (done.returncode, done.stderr) == (0, "")


def test_secrets_are_nowhere(repository, bucket, s3_server, refinery, proxied, monkeypatch):
    """Keys in the environment and a login in a URL are in no file of a run and in nothing that it prints."""
    printed: list[str] = []
    assert refinery("run", repository / "s3.yaml", "--work", f"{bucket}/work")[0] == 0
    login = (repository / "s3.yaml").read_text().replace("s3://", f"s3://{ACCESS_KEY}:TOPSECRET@")
    (repository / "login.yaml").write_text(login)
    source_alone = login.replace(f"path: s3://{ACCESS_KEY}:TOPSECRET@", "path: s3://")
    (repository / "source.yaml").write_text(source_alone)
    for verb, file in (("plan", "login"), ("run", "login"), ("plan", "source"), ("run", "source")):
        code, out, err = refinery(verb, repository / f"{file}.yaml")
        assert code == 2
        printed += [out, err]
    proxy = proxied()
    proxy.every, proxy.kinds = 1, ("reset",)
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    code, out, err = refinery("run", repository / "s3.yaml", "--work", f"{bucket}/other")
    assert code == 1
    assert re.search(r"s3://\S+: cannot be (listed|read|written): .*\(tried 2 times\)", err)
    printed += [out, err]
    kept = list(s3_server.objects(bucket).values())
    kept += [file.read_bytes() for file in (repository / ".refinery").rglob("*") if file.is_file()]
    for secret in (ACCESS_KEY, SECRET_KEY, "TOPSECRET"):
        assert not any(secret in text for text in printed)
        assert not any(secret.encode() in body for body in kept)
