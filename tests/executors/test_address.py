"""Addresses of clusters."""

import socket

import pytest

from refinery.errors import InputError
from refinery.executors.address import check_reachable, connect


@pytest.mark.parametrize("address", ["nonsense", "host:port", ":6379", "host:65536", f"{'a' * 64}.b:6379"])
def test_what_is_no_address(address):
    """Told before Ray tries it for a minute."""
    with pytest.raises(InputError, match="not an address of a Ray cluster"):
        check_reachable(address)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "[::1]")])
def test_an_address_answers_or_not(family, host):
    """By IPv4 and IPv6; a port that nobody listens on is told with what to do."""
    try:
        listening = socket.create_server((host.strip("[]"), 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listening:
        address = f"{host}:{listening.getsockname()[1]}"
        connect(address, 1)
        check_reachable(address)
    with pytest.raises(InputError, match=r"no Ray cluster answers: .*ray start --head"):
        check_reachable(address)
