"""Which faults are waited out, and what the others become."""

import errno

import aiohttp
import botocore.exceptions
import fsspec.exceptions
import pytest

from refinery.errors import InputError, StorageError
from refinery.storage.retry import ATTEMPTS, ShortReadError, as_os_error, is_transient, retry, status

URL = "https://me:hunter2@host/a?sig=hunter2"


def answered(code, http):
    """What botocore raises for an answer."""
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": http}}
    return botocore.exceptions.ClientError(response, "GetObject")


def caused(cause):
    """An error as s3fs makes it of another."""
    error = OSError(errno.EIO, "of s3fs")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        TimeoutError(),
        ShortReadError(errno.EIO, "3 of 9 bytes came"),
        OSError(errno.EHOSTUNREACH, "no route"),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError(),
        fsspec.exceptions.FSTimeoutError(),
        botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"),
        answered("SlowDown", 503),
        answered("InternalError", 500),
        answered("RequestTimeout", 400),
        caused(answered("InternalError", 500)),
    ],
)
def test_what_may_pass_is_tried_again(error, monkeypatch):
    """As often as said, then a StorageError with place and cause; once it passes, the result."""
    monkeypatch.setattr("refinery.storage.retry.FIRST_WAIT", 0.0001)
    assert is_transient(error)
    errors = [error] * (ATTEMPTS - 1)

    def action():
        if errors:
            raise errors.pop()
        return "result"

    assert retry(URL, action) == "result"
    errors = [error] * ATTEMPTS
    with pytest.raises(StorageError, match=rf"^https://host/a: cannot be read: .*tried {ATTEMPTS} times"):
        retry(URL, action)


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (FileNotFoundError(URL), FileNotFoundError),
        (PermissionError(URL), PermissionError),
        (FileExistsError(URL), FileExistsError),
        (answered("NotImplemented", 501), OSError),
        (answered("AccessDenied", 403), OSError),
        (ValueError(f"what is {URL}?"), OSError),
        (OSError(errno.ENOSPC, "full"), OSError),
        (InputError("a", "wrong"), InputError),
    ],
)
def test_what_lasts_is_told_at_once(error, becomes):
    """One attempt, an error with a number, no secret in it or behind it."""
    attempts = []

    def action():
        attempts.append(1)
        raise error

    with pytest.raises(becomes) as told:
        retry(URL, action)
    assert len(attempts) == 1
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__
    if becomes is OSError:
        assert told.value.errno == (error.errno if isinstance(error, OSError) else errno.EIO)


def test_the_status_of_an_answer_is_found():
    """In the error or its cause, whatever client raised it."""
    assert status(answered("x", 412)) == status(caused(answered("x", 412))) == 412
    assert status(ValueError()) == 0
    assert isinstance(as_os_error(ValueError(), URL), OSError)
