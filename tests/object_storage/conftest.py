"""A client whose requests go through a proxy that causes faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from refinery.storage import object_store
from tests.fault_proxy import Proxy, faulty
from tests.s3_server import S3Server, forget_clients, use


@pytest.fixture
def proxied(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Proxy]]:
    """Starts a proxy with the settings of `faulty` and sends this process's requests through it; waits are short."""
    monkeypatch.setattr(object_store, "FIRST_WAIT", 0.005)
    monkeypatch.setattr(object_store, "REQUESTS", 2)
    with ExitStack() as stack:

        def start(**settings: Any) -> Proxy:
            proxy = stack.enter_context(faulty(s3_server, **settings))
            use(s3_server.environment(proxy.endpoint), monkeypatch)
            return proxy

        yield start
        forget_clients()
