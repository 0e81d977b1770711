"""Secrets in URLs: used for requests, found in no file that a run writes and in nothing that it prints."""

import asyncio
import base64
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from aiohttp import web

from refinery.storage import retry
from tests.conftest import PIPELINE
from tests.s3_server import SECRET_KEY, use

USER, PASSWORD, SIGNATURE = "reader-7", "hunter2/word", "c2lnbmF0dXJl-9"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
FORMS = (USER, "hunter2/word", "hunter2%2Fword", "hunter2%2fword", SIGNATURE)


@contextmanager
def guarded(folder):
    """A web server that gives a folder's files to those who know both secrets; its `host:port`."""

    async def answer(request):
        known = request.headers.get("Authorization") == LOGIN
        if not known or request.query.get("sig") != SIGNATURE:
            return web.Response(status=401, text=f"no login, or a wrong one, for {request.url}")
        return web.FileResponse(folder / request.match_info["name"])

    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    places = []

    async def serve():
        app = web.Application()
        app.router.add_get("/{name:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        places.append(f"127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield places[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def said(folder):
    """All that the files of a folder say, by path: their bytes, and what is compressed in them."""
    found = {}
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        content = f"{file} {file.read_bytes().decode('latin-1')}"
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            content += f"{table.schema.to_string(truncate_metadata=False)} {table.to_pylist()}"
        if file.suffix == ".zst":
            content += zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read().decode()
        found[str(file)] = content
    return found


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_login_that_succeeds_leaves_no_trace(format, data_repository, refinery):
    """Files by http with login and signature: nothing in outputs, work folder, log, status, nothing printed."""
    definition = data_repository / "pipeline.yaml"
    (data_repository / "crawl" / "2.parquet").write_bytes(b"PAR1 that is broken PAR1")
    with guarded(data_repository / "crawl") as place:
        login = f"http://{USER}:hunter2%2Fword@{place}"
        paths = ", ".join(f'"{login}/{n}.parquet?sig={SIGNATURE}"' for n in range(3))
        output = f"path: out, format: {format}}}"
        definition.write_text(
            PIPELINE.replace('"crawl/*.parquet"', f"[{paths}]").replace("path: out}", output)
        )
        printed = []
        for words in (("plan",), ("run",), ("run", "--json"), ("check",)):
            code, out, err = refinery(words[0], definition, *words[1:])
            assert code == 0, err
            printed += [out, err]
        code, *told = refinery("status", data_repository)
        assert code == 0
        definition.write_text(definition.read_text().replace("hunter2%2Fword", "hunter2%2Fwrong"))
        code, *refused = refinery("run", definition)
        assert code == 2
        assert "/0.parquet: cannot be listed: 401" in refused[1]
    definition.unlink()
    shutil.rmtree(data_repository / "crawl")
    files = said(data_repository)
    assert any(
        "2.parquet" in content for name, content in files.items() if name.endswith("rejects-00000.parquet")
    )
    assert {Path(name).name for name in files} > {
        "manifest.json",
        "status.json",
        "decisions-00000.parquet",
        "record.json",
    }
    for secret in (*FORMS, "hunter2/wrong", "hunter2%2Fwrong"):
        assert not [name for name, content in files.items() if secret in content]
        assert not [text for text in (*printed, *told, *refused) if secret in text]


def test_a_login_in_the_endpoint_is_not_told(data_repository, bucket, s3_server, refinery, monkeypatch):
    """AWS_ENDPOINT_URL may name a proxy with a login, and the error of a client names the endpoint."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    use(s3_server.environment(f"http://{USER}:hunter2%2Fword@127.0.0.1:9"), monkeypatch)
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("path: out}", f"path: {bucket}/out}}"))
    code, out, err = refinery("run", definition)
    assert code == 1
    assert f"error: {bucket}/out: cannot be listed: " in err
    files = said(data_repository)
    for secret in (*FORMS, SECRET_KEY):
        assert not [name for name, content in files.items() if secret in content]
        assert secret not in out + err
