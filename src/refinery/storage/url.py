"""Paths and URLs as text: which is which, and what of a URL may be shown."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit, urlunsplit

_KEYS = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN", "HF_TOKEN",
)  # fmt: skip
_KEY_NAME = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")  # of AWS, wherever it was read from
_LOGIN = re.compile(r"(?<=://)[^/\s'\"@]*@")
_QUERY = re.compile(r"(?<=[\w/.])\?[^\s'\"]*=[^\s'\"]*")


def is_url(path: str) -> bool:
    """Whether the path is opened through fsspec; `file://` is local.

    >>> is_url("s3://bucket/a.parquet"), is_url("/data/a:b.parquet"), is_url("file:///data")
    (True, False, False)
    """
    return "://" in path and not path.startswith(("file://", "local://"))


def has_dots(url: str) -> bool:
    """Whether `.` or `..` is among the parts of a URL, or of a name that a store lists.

    >>> has_dots("s3://bucket/a/../b"), has_dots("https://host/%2e%2e/b"), has_dots("s3://bucket/a../b")
    (True, True, False)
    """
    path = url.partition("?")[0]
    if url.startswith(("http://", "https://")):
        path = unquote(path)  # as clients do
    return not {".", ".."}.isdisjoint(re.split("/|::", path))


def redact(path: str) -> str:
    """The path without what may be secret in a URL.

    >>> redact("s3://KEY:SECRET@bucket/a.parquet"), redact("https://host/a.gz?sig=abc"), redact("/data/a")
    ('s3://bucket/a.parquet', 'https://host/a.gz', '/data/a')
    """
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def local_path(path: str) -> str:
    """A local path without its `file://`."""
    return path.partition("://")[2] if "://" in path else path


def without_secrets(text: str, url: str = "") -> str:
    """What a client's error says, without logins, queries and keys; at most 300 characters.

    >>> without_secrets('no answer from "https://me:word@host/a?sig=abc"')
    'no answer from "https://host/a"'
    """
    login = urlsplit(url).netloc.rpartition("@")[0]
    text = text.replace(url, redact(url)) if url else text
    keys = (os.environ.get(name, "") for name in _KEYS)
    for secret in (urlsplit(url).query, *login.split(":"), *keys):
        for form in (secret, unquote(secret)):
            if form:
                text = text.replace(form, "***")
    text = _KEY_NAME.sub("***", text)
    return _QUERY.sub("", _LOGIN.sub("", text))[:300]
