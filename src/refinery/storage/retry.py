"""Actions on an object store, repeated while their fault may pass, and what a client's error means.

A request that fails is repeated at once by the store's own client (for S3 botocore's standard mode: 5xx, SlowDown,
lost connections). What a client does not repeat, such as a body cut short or an outage of some seconds, is repeated
here: up to `ATTEMPTS` times, with waits that double and are drawn at random below that, so that many workers do not
return at once.
"""

from __future__ import annotations

import errno
import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar, cast

from refinery.errors import RefineryError, StorageError
from refinery.storage.url import redact, without_secrets

T = TypeVar("T")

ATTEMPTS = 6  # of an operation, each of up to three requests: given up after 15 to 30 s without an answer
FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0  # seconds

_PASSING = {
    errno.EBUSY, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED,
    errno.EPIPE, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN,
}  # fmt: skip
_PASSING_CODES = {"SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"}


class ShortReadError(OSError):
    """Fewer bytes came than the object holds."""


def retry(url: str, action: Callable[[], T], doing: str = "read") -> T:
    """The result of an action that may be repeated.

    Raises StorageError, naming the URL and the last cause, when a passing fault did not pass; an OSError with an
    errno and a message free of secrets for what does not pass (FileNotFoundError, PermissionError, ...).
    """
    attempt = 1
    while True:
        try:
            return action()
        except Exception as raised:  # botocore, google and HTTP clients each have a tree of their own
            error = raised
            if isinstance(raised, FileNotFoundError) and not is_absence(raised):
                error = cast(Exception, raised.__cause__)
            if not is_transient(error):
                raise as_os_error(error, url) from None  # a client's own message may hold secrets
            if attempt >= ATTEMPTS:
                cause = f"{type(error).__name__}: {without_secrets(str(error), url)}"
                problem = f"cannot be {doing}: {cause} (tried {attempt} times)"
                raise StorageError(redact(url), problem) from None
        time.sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))
        attempt += 1


def is_absence(error: FileNotFoundError) -> bool:
    """Whether nothing is there: fsspec's HTTP client says so of a server that does not answer, too."""
    return error.__cause__ is None or not is_transient(error.__cause__)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, (RefineryError, FileNotFoundError, FileExistsError, PermissionError)) or _is_changed(
        error
    ):
        return False
    if isinstance(error, (ConnectionError, TimeoutError, ShortReadError, *_client_errors())):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    response = getattr(error, "response", None)
    if isinstance(response, dict) and response.get("Error", {}).get("Code") in _PASSING_CODES:  # botocore
        return True
    told = status(error)
    if told in {408, 425, 429} or (500 <= told < 600 and told != 501):
        return True
    return error.__cause__ is not None and is_transient(error.__cause__)


def status(error: BaseException) -> int:
    """The HTTP status that an error or its cause tells, or 0."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:  # aiohttp, gcsfs, azure
        found = next(
            (had for n in ("status", "status_code", "code") if (had := getattr(error, n, None))), None
        )
    if isinstance(found, int):
        return found
    return status(error.__cause__) if error.__cause__ is not None else 0


def as_os_error(error: Exception, url: str) -> Exception:
    """An error that will not pass as an OSError with a number and a message that may be shown."""
    if isinstance(error, RefineryError):
        return error
    if _is_changed(error):
        return OSError(errno.ESTALE, "the file has changed while it was being read")
    told = without_secrets(str(error), url) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(errno.ENOENT, "no such object or bucket")
    if isinstance(error, FileExistsError):
        return FileExistsError(errno.EEXIST, told)
    if isinstance(error, PermissionError):
        return PermissionError(errno.EACCES, f"permission denied ({told})")
    number = (
        error.errno if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL} else errno.EIO
    )
    return OSError(number, told)


def _is_changed(error: BaseException) -> bool:
    expired = getattr(sys.modules.get("s3fs.utils"), "FileExpired", None)
    return expired is not None and isinstance(error, expired)


def _client_errors() -> tuple[type[BaseException], ...]:
    """What clients that are loaded raise for a connection or body that broke."""
    names = {
        "botocore.exceptions": (
            "ConnectionError", "HTTPClientError", "IncompleteReadError", "ResponseStreamingError", "ChecksumError",
            "FlexibleChecksumError",
        ),
        "botocore.parsers": ("ResponseParserError",),
        "aiohttp": ("ClientPayloadError", "ClientConnectionError"),
        "fsspec.exceptions": ("FSTimeoutError",),
        "urllib3.exceptions": ("IncompleteRead", "ProtocolError"),
    }  # fmt: skip
    found = (
        getattr(sys.modules[module], name, None)
        for module, members in names.items()
        if module in sys.modules
        for name in members
    )
    return tuple(error for error in found if error is not None)
