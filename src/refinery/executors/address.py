"""HOST:PORT of a Ray cluster: whether something answers there."""

from __future__ import annotations

import socket

from refinery.errors import InputError

SECONDS = 5.0  # in which an address must answer
START = "start one with ray start --head, or correct the address"


def connect(address: str, seconds: float) -> None:
    """Raises OSError when nothing at HOST:PORT takes a connection, ValueError for what is no such address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(address)
    socket.create_connection((host.strip("[]"), int(port)), seconds).close()


def check_reachable(address: str) -> None:
    """Raises InputError soon when nobody answers; Ray itself would try for a minute."""
    try:
        connect(address, SECONDS)
    except ValueError:
        hint = "give HOST:PORT, usually port 6379, or auto"
        raise InputError(address, "not an address of a Ray cluster", hint) from None
    except OSError as error:
        raise InputError(address, f"no Ray cluster answers: {error.strerror or error}", START) from None
