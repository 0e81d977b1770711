"""A proxy before a real S3 server that causes faults and counts requests.

    with faulty(s3_server, every=7, kinds=("503", "cut", "reset")) as proxy:
        ...  # a process with `s3_server.environment(proxy.endpoint)`
    assert proxy.faults["cut"] > 0

The fixture `proxied` (tests/s3_server.py) does the same for this process.

Every n-th request suffers the next of the kinds in turn: `503` and `500` answers with S3's XML, `reset` (the
connection breaks before an answer), `cut` (the answer's body ends early, the connection breaks), `short` (the body
ends early and nothing says so: no length, a proper end), `cut_upload` (the connection breaks while the request's
body comes in), `lost_answer` (the server does what was asked, the answer is lost), `slow` (the body drips), `hang`
(nothing is done or said until `every` is 0). A kind that does not fit a request (no body to cut) becomes `reset`.
Counting goes on over all connections.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
import yarl
from aiohttp import web

from tests.s3_server import S3Server

_NOT_PASSED_ON = {
    "transfer-encoding",
    "connection",
    "keep-alive",
    "content-encoding",
    "content-length",
    "expect",
}
_XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>fault</Message></Error>'


@dataclass(frozen=True)
class Request:
    """A request as it came: method, path with its query, the range it asked for."""

    method: str
    path: str
    range: str


@dataclass
class Proxy:
    """A running proxy; its settings may be changed while it runs."""

    upstream: str
    every: int = 0  # 0: no faults
    kinds: tuple[str, ...] = ("503",)
    cut_at: int = 1000  # bytes of a body that come through
    methods: tuple[str, ...] = ()  # only requests of these suffer, all if empty
    path: str = ""  # only requests whose path holds this suffer
    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    _suffering: int = 0

    def counted(self) -> Counter[str]:
        """Requests by method."""
        return Counter(request.method for request in self.requests)

    def next_fault(self, request: web.BaseRequest) -> str:
        """The fault that this request suffers, or an empty string."""
        if not self.every or (self.methods and request.method not in self.methods):
            return ""
        if self.path not in request.raw_path:
            return ""
        self._suffering += 1
        if self._suffering % self.every:
            return ""
        kind = self.kinds[(self._suffering // self.every - 1) % len(self.kinds)]
        body = request.body_exists
        if (kind == "cut_upload" and not body) or (
            kind in {"cut", "short", "slow"} and request.method != "GET"
        ):
            kind = "reset"
        self.faults[kind] += 1
        return kind


@contextmanager
def faulty(server: S3Server, **settings: object) -> Iterator[Proxy]:
    """A proxy in a thread of its own for the time of the block."""
    proxy = Proxy(server.endpoint, **settings)  # type: ignore[arg-type]
    ready, done = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # of connections that were broken on purpose

    async def serve() -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            handler = web.Server(lambda request: _answer(proxy, session, request), access_log=None)
            runner = web.ServerRunner(handler, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            proxy.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await done.wait()
            await runner.cleanup()
            left = asyncio.all_tasks() - {asyncio.current_task()}  # of clients that were killed
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.05)  # the loop's next rounds close the sockets of connections that were broken

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="fault-proxy")
    thread.start()
    try:
        assert ready.wait(10)
        yield proxy
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


async def _answer(
    proxy: Proxy, session: aiohttp.ClientSession, request: web.BaseRequest
) -> web.StreamResponse:
    proxy.requests.append(Request(request.method, request.raw_path, request.headers.get("Range", "")))
    fault = proxy.next_fault(request)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if fault == "cut_upload":
        await request.content.read(proxy.cut_at)
        return _break(request)
    sent = await request.content.read()
    if fault in {"500", "503"}:
        code = {"500": "InternalError", "503": "SlowDown"}[fault]
        return web.Response(status=int(fault), text=_XML.format(code), content_type="application/xml")
    while fault == "hang" and proxy.every:
        await asyncio.sleep(0.01)
    if fault == "reset":
        return _break(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
    if "Content-Encoding" in request.headers:
        headers["Content-Encoding"] = request.headers["Content-Encoding"]
    url = yarl.URL(proxy.upstream + request.raw_path, encoded=True)
    async with session.request(
        request.method,
        url,
        data=io.BytesIO(sent) if sent else None,
        headers=headers,
        skip_auto_headers=("Content-Type", "User-Agent"),
    ) as found:
        body = await found.read()
        answered = {
            name: value for name, value in found.headers.items() if name.lower() not in _NOT_PASSED_ON
        }
        length = found.headers.get("Content-Length", str(len(body)))
    if fault == "lost_answer":
        return _break(request)
    response = web.StreamResponse(status=found.status, headers=answered)
    if fault != "short":
        response.content_length = int(length)
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    if request.method == "HEAD" or found.status == 204:
        return response
    end = min(proxy.cut_at, max(len(body) - 1, 0)) if fault in {"cut", "short"} else len(body)
    step = max(1, end // 4) if fault == "slow" else max(1, end)
    for start in range(0, end, step):
        await response.write(body[start : min(start + step, end)])
        if fault == "slow":
            await asyncio.sleep(0.02)
    if fault == "cut":
        await asyncio.sleep(0.01)  # what was written goes out first
        return _break(request, response)
    await response.write_eof()
    return response


def _break(request: web.BaseRequest, response: web.StreamResponse | None = None) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response(status=503)
