"""Local paths and filesystem URLs as one kind of place: find, inspect, open.

Local paths go straight to the operating system; only URLs load fsspec. A URL's user, password and query may be
secret, so everything shown to a user goes through `shown`.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit, urlunsplit

from refinery.errors import InputError

PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "hf": "huggingface_hub",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "sftp": "paramiko",
    "hdfs": "pyarrow with Hadoop's libhdfs",
    "oss": "ossfs",
    "webhdfs": "requests",
}
_STRAY_ENDINGS = (".crc", ".tmp", ".temp", ".part", ".partial", ".inprogress", ".md5", ".sha256", ".lock")
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FoundFile:
    """A file of a source: where it is, its path below the source's root, bytes, and a stamp of its version."""

    path: str
    relative: str
    size: int
    stamp: str


@dataclass(frozen=True)
class Found:
    """Files in natural order of their paths, and the stray ones that were passed over."""

    files: tuple[FoundFile, ...]
    ignored: tuple[str, ...]


def is_url(path: str) -> bool:
    """Whether the path is opened through fsspec; `file://` is local.

    >>> is_url("s3://bucket/a.parquet"), is_url("/data/a:b.parquet"), is_url("file:///data")
    (True, False, False)
    """
    return "://" in path and not path.startswith(("file://", "local://"))


def shown(path: str) -> str:
    """The path without what may be secret in a URL.

    >>> shown("s3://KEY:SECRET@bucket/a.parquet"), shown("https://host/a.gz?sig=abc"), shown("/data/a")
    ('s3://bucket/a.parquet', 'https://host/a.gz', '/data/a')
    """
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def local(path: str) -> str:
    """A local path without its `file://`."""
    return path.partition("://")[2] if "://" in path else path


def natural(path: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key that puts part-2 before part-10; ties are broken by the path itself.

    >>> sorted(["p10", "p2", "p02"], key=natural)
    ['p02', 'p2', 'p10']
    """
    pieces = re.split(r"(\d+)", path)
    return tuple(int(piece) if number % 2 else piece for number, piece in enumerate(pieces)), path


def find(patterns: Sequence[str]) -> Found:
    """The files that paths, folders and globs name; an existing path is taken literally.

    Raises InputError when a pattern names nothing, or when a URL's filesystem is not installed or not reachable.
    """
    files: dict[str, tuple[int, str]] = {}
    ignored: set[str] = set()
    roots: list[str] = []
    for pattern in patterns:
        here = dict(_expand(pattern))
        if not here:
            raise InputError(shown(pattern), "no such file, folder or glob match", _nearby(pattern))
        root = _root(pattern, here)
        roots.append(root)
        for path, state in here.items():
            literal = len(here) == 1 and path == _plain(pattern)
            if not literal and _is_stray(path, root, pattern):
                ignored.add(path)
            else:
                files[path] = state
    root = _common(roots)
    ordered = sorted(files, key=natural)
    found = tuple(FoundFile(path, _below(path, root), *files[path]) for path in ordered)
    return Found(found, tuple(sorted(ignored - set(files), key=natural)))


def state(path: str) -> tuple[int, str]:
    """Size in bytes, and a stamp (modification time, or an object's tag) that changes with the content."""
    if not is_url(path):
        status = Path(local(path)).stat()
        return status.st_size, str(status.st_mtime_ns)
    filesystem, inner = _filesystem(path)
    filesystem.invalidate_cache()
    return _remote_state(filesystem.info(inner))


def open_input(path: str) -> BinaryIO:
    """Opens a file for reading, seekable; a URL is read ahead in blocks of 8 MiB."""
    if not is_url(path):
        return Path(local(path)).open("rb")
    filesystem, inner = _filesystem(path)
    try:
        return cast(BinaryIO, filesystem.open(inner, "rb", block_size=8 * 2**20))
    except ImportError as error:
        raise _missing_package(path, error) from None


def upload(source: str, url: str) -> None:
    """Copies a local file to a URL; the object appears when the upload completes."""
    filesystem, inner = _filesystem(url)
    filesystem.makedirs(inner.rpartition("/")[0], exist_ok=True)
    filesystem.put_file(source, inner)


def _filesystem(path: str) -> tuple[Any, str]:
    scheme = path.partition("://")[0]
    if "::" not in path and "@" not in path and "?" not in path:
        return _client(scheme, os.getpid()), _strip(scheme, path)
    import fsspec

    try:
        return fsspec.core.url_to_fs(path)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise _missing_package(path, error) from None


@lru_cache
def _client(scheme: str, _process: int) -> Any:
    """One client a process: an object store's client does not survive a fork."""
    import fsspec

    try:
        return fsspec.filesystem(scheme)
    except (ImportError, ValueError) as error:
        raise _missing_package(f"{scheme}://", error) from None


def _strip(scheme: str, path: str) -> str:
    return str(_client(scheme, os.getpid())._strip_protocol(path))


def _missing_package(path: str, error: Exception) -> InputError:
    scheme = path.partition("://")[0].partition("::")[0]
    package = PACKAGES.get(scheme)
    if package is None:
        return InputError(shown(path), f"{scheme}:// is not a filesystem that fsspec knows", str(error)[:200])
    return InputError(shown(path), f"{scheme}:// needs the package {package}", f"pip install {package}")


def _remote_state(info: dict[str, Any]) -> tuple[int, str]:
    keys = (
        "ETag",
        "etag",
        "md5Hash",
        "blob_id",
        "generation",
        "LastModified",
        "last_modified",
        "mtime",
        "created",
    )
    stamp = next((str(info[key]) for key in keys if info.get(key)), "")
    return int(info.get("size") or 0), stamp


def _plain(pattern: str) -> str:
    return pattern if is_url(pattern) else os.path.normpath(local(pattern))


def _expand(pattern: str) -> Iterator[tuple[str, tuple[int, str]]]:
    if is_url(pattern):
        yield from _expand_url(pattern)
        return
    path = _plain(pattern)
    if Path(path).is_dir():
        yield from _walk(path)
    elif os.path.lexists(path):
        yield path, _local_state(path)
    else:
        # not Path.glob: it drops files below linked folders, and wants relative patterns
        for match in glob.glob(path, recursive=True, include_hidden=True):  # noqa: PTH207
            if not Path(match).is_dir():
                yield os.path.normpath(match), _local_state(match)
            elif not path.endswith("**"):
                yield from _walk(match)


def _local_state(path: str) -> tuple[int, str]:
    try:
        return state(path)
    except OSError:  # a dangling link: reading it will say so
        return -1, ""


def _walk(folder: str) -> Iterator[tuple[str, tuple[int, str]]]:
    seen: set[str] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = f"{here.rstrip('/')}/{name}"
            yield path, _local_state(path)


def _expand_url(pattern: str) -> Iterator[tuple[str, tuple[int, str]]]:
    filesystem, inner = _filesystem(pattern)
    below = inner.lstrip("/")
    scheme = pattern.partition("://")[0]
    head = pattern[: len(pattern) - len(below)] if pattern.endswith(below) else f"{scheme}://"
    try:
        if filesystem.isfile(inner):
            yield pattern, _remote_state(filesystem.info(inner))
            return
        listed = filesystem.find(inner, detail=True)
        if not listed and _MAGIC.search(inner):
            listed = filesystem.glob(inner, detail=True)
    except ImportError as error:
        raise _missing_package(pattern, error) from None
    except FileNotFoundError:
        return
    except InputError:
        raise
    except Exception as error:  # botocore, google and HTTP clients each have a tree of their own
        problem = f"cannot be listed: {type(error).__name__}: {_without_secrets(error, pattern)}"
        raise InputError(shown(pattern), problem) from None
    for name, info in listed.items():
        if info.get("type") == "file":
            yield head + name.lstrip("/"), _remote_state(info)


def _without_secrets(error: Exception, url: str) -> str:
    text = str(error).replace(url, shown(url))
    login = urlsplit(url).netloc.rpartition("@")[0]
    for secret in (urlsplit(url).query, *login.split(":")):
        if secret:
            text = text.replace(secret, "***")
    return text[:300]


def _root(pattern: str, here: dict[str, tuple[int, str]]) -> str:
    """The folder that relative paths count from: the part of the pattern before its first magic character."""
    plain = _plain(pattern)
    if len(here) == 1 and plain in here:
        return plain.rpartition("/")[0]
    if not _MAGIC.search(plain) or any(path.startswith(plain.rstrip("/") + "/") for path in here):
        return plain.rstrip("/")
    return _MAGIC.split(plain, maxsplit=1)[0].rpartition("/")[0]


def _common(roots: list[str]) -> str:
    shared = roots[0].split("/")
    for root in roots[1:]:
        pairs = zip(shared, root.split("/"), strict=False)
        shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return "/".join(shared)


def _below(path: str, root: str) -> str:
    below = path[len(root) :].lstrip("/") if path.startswith(root) else path
    return shown(below) if "://" in below else below.partition("?")[0]


def _is_stray(path: str, root: str, pattern: str) -> bool:
    below = path[len(root) :].lstrip("/").split("/")
    name = below[-1]
    asked = _plain(pattern).rpartition("/")[2][:1]
    if name[:1] in {".", "_"} and name[:1] != asked:
        return True
    if any(part[:1] in {".", "_"} for part in below[:-1]):
        return True
    return name.lower().endswith(_STRAY_ENDINGS) or name.upper().startswith("README")


def _nearby(pattern: str) -> str:
    """What is there instead, for the hint."""
    if is_url(pattern):
        return "check the bucket, the path and your credentials"
    folder = Path(_plain(pattern)).parent
    while _MAGIC.search(str(folder)):
        folder = folder.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    names = sorted(entry.name for entry in folder.iterdir())[:5]
    return f"{folder} holds {', '.join(names)}" if names else f"{folder} is empty"
