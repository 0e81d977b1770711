"""Paths and URLs as text: which is which, and what of a URL may be shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

_KEYS = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN", "HF_TOKEN",
)  # fmt: skip
_KEY_NAME = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")  # of AWS, wherever it was read from
_LOGIN = re.compile(r"(?<=://)[^/\s'\"@]*@")
_QUERY = re.compile(r"(?<=[\w/.])\?[^\s'\"]*=[^\s'\"]*")


@dataclass(frozen=True, slots=True)
class Url:
    """A file or folder on an object store, with the methods by which a `pathlib.Path` is named; a text and no more.

    >>> place = Url("s3://bucket/work") / "a.records"
    >>> str(place), place.name, str(place.parent), str(place.with_suffix(".json"))
    ('s3://bucket/work/a.records', 'a.records', 's3://bucket/work', 's3://bucket/work/a.json')
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, below: str) -> Url:
        return Url(f"{self.text}/{below}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> Url:
        """The folder that it lies in."""
        return Url(self.text.rpartition("/")[0])

    @property
    def parents(self) -> tuple[Url, ...]:
        """All folders that it lies in, up to the bucket."""
        found = [self]
        for _ in range(self.text.partition("://")[2].count("/")):
            found.append(found[-1].parent)
        return tuple(found[1:])

    def with_name(self, name: str) -> Url:
        """Another file in the same folder."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> Url:
        """The same with another ending."""
        return self.with_name(PurePosixPath(self.name).with_suffix(suffix).name)


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
    """The path without what may be secret in a URL, to be shown: bytes of a name that are no text are escapes.

    >>> redact("s3://KEY:SECRET@bucket/a.parquet"), redact("https://host/a.gz?sig=abc"), redact("/data/a")
    ('s3://bucket/a.parquet', 'https://host/a.gz', '/data/a')
    """
    if "://" not in path:
        return path.encode(errors="backslashreplace").decode()
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
