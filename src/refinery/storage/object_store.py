"""Files on an object store, through fsspec: read, put, list, copy and remove, with every passing fault retried.

Every operation here can be repeated: an object is written whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, BinaryIO, cast

from refinery.errors import InputError
from refinery.storage.retry import ShortReadError, is_absence, retry, status
from refinery.storage.url import has_dots, redact

REQUESTS = 3  # of a request, by S3's client
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0  # seconds
COPIES = 16  # at once
BLOCK = 8 * 2**20  # bytes: a file up to this size is read by one request, a larger one in such steps
SMALL = 2**18  # bytes: that one request also tells the size; a larger file is asked for its size first

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
_S3 = {"s3", "s3a"}


def filesystem_of(url: str, timeout: float | None = None) -> tuple[Any, str]:
    """The filesystem of a URL, one client a process and timeout, and the path in it.

    With a timeout (seconds; S3 alone) a request is sent once and waits no longer than that.
    Raises InputError when its package is not installed, or for `.` and `..` among its parts: to a store they are
    letters, to clients and servers on the way folders, so no two would agree on what is meant.
    """
    refuse_dots(url)
    scheme = url.partition("://")[0]
    if "::" not in url and "@" not in url and "?" not in url:
        filesystem = client(scheme, os.getpid(), timeout)
        return filesystem, str(filesystem._strip_protocol(url))
    import fsspec

    try:
        return fsspec.core.url_to_fs(url, **options(scheme, timeout))  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise missing_package(url, error) from None


@lru_cache
def client(scheme: str, _process: int, timeout: float | None = None) -> Any:
    """One client a process: an object store's client does not survive a fork; raises InputError."""
    import fsspec

    try:
        filesystem = fsspec.filesystem(scheme, **options(scheme, timeout))
    except (ImportError, ValueError) as error:
        raise missing_package(f"{scheme}://", error) from None
    if scheme in _S3:
        filesystem.retries = 1  # its own repetitions multiply those of botocore and ours, and know no chance
    return filesystem


def options(scheme: str, timeout: float | None = None) -> dict[str, Any]:
    """How a store's client is made: no listing is kept, since other processes write too."""
    found: dict[str, Any] = {"use_listings_cache": False}
    if scheme in _S3:
        found["config_kwargs"] = {
            "retries": {"mode": "standard", "total_max_attempts": 1 if timeout else REQUESTS},
            "connect_timeout": timeout or CONNECT_TIMEOUT,
            "read_timeout": timeout or READ_TIMEOUT,
            "max_pool_connections": 32,
        }
    return found


def _is_s3(url: str) -> bool:
    return url.partition("://")[0] in _S3


def refuse_dots(url: str) -> None:
    """Raises InputError for a URL with `.` or `..` among its parts."""
    if has_dots(url):
        raise InputError(
            redact(url), "'.' and '..' cannot be parts of a URL", "name the file or folder itself"
        )


def require_package(url: str) -> None:
    """Raises InputError for a URL whose filesystem no installed package knows."""
    import fsspec

    try:
        fsspec.get_filesystem_class(url.partition("://")[0].rpartition("::")[2])
    except (ImportError, ValueError) as error:
        raise missing_package(url, error) from None


def missing_package(path: str, error: Exception) -> InputError:
    """What to tell about a URL whose filesystem is not installed or not known."""
    scheme = path.partition("://")[0].partition("::")[0]
    package = PACKAGES.get(scheme)
    if package is None:
        return InputError(
            redact(path), f"{scheme}:// is not a filesystem that fsspec knows", str(error)[:200]
        )
    return InputError(redact(path), f"{scheme}:// needs the package {package}", f"pip install {package}")


def read_whole(url: str) -> bytes:
    """An object's content, by one request."""
    filesystem, inner = filesystem_of(url)
    return retry(url, lambda: cast(bytes, filesystem.cat_file(inner, **_whole(url))))


def read_many(urls: Sequence[str]) -> list[bytes | None]:
    """The contents of small objects of one store, many at once; None for those that are not there."""
    if not urls:
        return []
    filesystem, _ = filesystem_of(urls[0])
    inner = [filesystem_of(url)[1] for url in urls]
    found = retry(
        urls[0],
        lambda: filesystem.cat_ranges(inner, None, None, on_error="return", **_whole(urls[0])),
    )
    contents: list[bytes | None] = []
    for url, content in zip(urls, found, strict=True):
        if isinstance(content, FileNotFoundError):
            contents.append(None)
        elif isinstance(content, BaseException):
            contents.append(_or_none(url))
        else:
            contents.append(bytes(content))
    return contents


def read_ranges(ranges: Sequence[tuple[str, int, int]]) -> list[bytes]:
    """Bytes start:stop of objects of one store, many at once, each whole or an error."""
    if not ranges:
        return []
    filesystem, _ = filesystem_of(ranges[0][0])
    if ranges[0][0].startswith(("http://", "https://")):
        return [_http_range(url, start, stop) for url, start, stop in ranges]
    urls, starts, stops = zip(*ranges, strict=True)
    inner = [filesystem_of(url)[1] for url in urls]
    found = retry(urls[0], lambda: filesystem.cat_ranges(inner, list(starts), list(stops), on_error="return"))
    contents: list[bytes] = []
    for (url, start, stop), path, content in zip(ranges, inner, found, strict=True):
        if isinstance(content, BaseException) or len(content) != stop - start:
            # by itself, with retries

            def again(path: str = path, start: int = start, stop: int = stop) -> bytes:
                return _checked(filesystem.cat_file(path, start=start, end=stop), stop - start)

            contents.append(bytes(retry(url, again)))
        else:
            contents.append(bytes(content))
    return contents


def _http_range(url: str, start: int, stop: int) -> bytes:
    """By way of an open file: `cat_file` would take all that comes from a server that knows no ranges."""
    filesystem, inner = filesystem_of(url)

    def fetch() -> bytes:
        with filesystem.open(inner, "rb", block_size=BLOCK, size=stop) as file:
            try:
                return _checked(file.cache.fetcher(start, stop), stop - start)
            except ValueError:
                raise InputError(
                    redact(url), "the server ignores Range requests", "download the file first"
                ) from None

    return retry(url, fetch)


def _or_none(url: str) -> bytes | None:
    try:
        return read_whole(url)
    except FileNotFoundError:
        return None


def _whole(url: str) -> dict[str, Any]:
    """s3fs asks for the size first unless it may not read in parts."""
    return {"max_concurrency": 1} if _is_s3(url) else {}


def open_read(url: str) -> BinaryIO:
    """Opens an object for reading, seekable: a small one is fetched whole, a large one read ahead in blocks.

    A block that comes short, or of another version of the object than was opened, is an error and never data.
    """
    filesystem, inner = filesystem_of(url)
    if _is_s3(url) and (small := retry(url, lambda: _small(filesystem, inner))) is not None:
        return io.BytesIO(small)
    file = retry(url, lambda: filesystem.open(inner, "rb", block_size=BLOCK))
    cache, size = getattr(file, "cache", None), getattr(file, "size", None)
    if cache is None or not isinstance(size, int):
        return cast(BinaryIO, file)
    fetch = cache.fetcher

    def whole_block(start: int, stop: int) -> bytes:
        stop = min(stop, size)
        return retry(url, lambda: _checked(fetch(start, stop), stop - start)) if stop > start else b""

    if size <= BLOCK:
        with file:
            return io.BytesIO(whole_block(0, size))
    cache.fetcher = whole_block
    return cast(BinaryIO, file)


def _small(filesystem: Any, inner: str) -> bytes | None:
    """An object of SMALL bytes or less, None for a larger one; by one request, which a first block makes too."""
    from fsspec.asyn import sync

    bucket, key, version = filesystem.split_path(inner)
    if version:
        return None
    most = min(SMALL, BLOCK)

    async def get() -> tuple[bytes, int]:
        answer = await filesystem._call_s3("get_object", Bucket=bucket, Key=key, Range=f"bytes=0-{most - 1}")
        async with answer["Body"] as body:
            return await body.read(), int(answer["ContentRange"].rpartition("/")[2])

    try:
        content, size = sync(filesystem.loop, get)
    except Exception as error:
        if status(error) == 416:  # there is no first byte
            return b""
        raise
    return _checked(content, size) if size <= most else None


def _checked(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise ShortReadError(errno.EIO, f"{len(content):,} of {size:,} bytes came")
    return content


def info(url: str) -> dict[str, Any]:
    """What the store tells of an object: its size, its tag."""
    filesystem, inner = filesystem_of(url)
    return retry(url, lambda: cast(dict[str, Any], filesystem.info(inner)))


def matching(pattern: str) -> dict[str, dict[str, Any]]:
    """What the store tells of the files that a URL names: itself, or all below it, or those that a glob matches."""
    filesystem, inner = filesystem_of(pattern)

    def found() -> dict[str, dict[str, Any]]:
        try:
            one = filesystem.info(inner)
            if one["type"] == "file":
                return {inner: one}
        except FileNotFoundError as error:
            if not is_absence(error):
                raise
        try:
            listed = filesystem.find(inner, detail=True)
        except FileNotFoundError:
            listed = {}
        if not listed and glob.has_magic(inner):
            listed = filesystem.glob(inner, detail=True)
        return {name: one for name, one in listed.items() if one.get("type") == "file"}

    return retry(pattern, found, "listed")


def upload(file: BinaryIO, url: str) -> None:
    """Copies an open local file to a URL; the object appears when the upload completes."""
    filesystem, inner = filesystem_of(url)

    def put() -> None:
        if not _is_s3(url):  # there a folder is nothing, and this asks for its bucket each time
            filesystem.makedirs(inner.rpartition("/")[0], exist_ok=True)
        file.seek(0)  # /dev/fd/N goes on where a failed attempt ended, on some systems
        filesystem.put_file(f"/dev/fd/{file.fileno()}", inner)

    retry(url, put, "written")


def listing(url: str) -> Iterator[tuple[str, int]]:
    """The path relative to a folder and the bytes of every object below it; on S3 a page of a thousand at a time.

    What s3fs keeps of an object is a kilobyte, and a work folder may have millions.
    """
    filesystem, inner = filesystem_of(url)
    inner = inner.rstrip("/")
    start = len(inner) + 1
    if _is_s3(url):
        bucket, key, _ = filesystem.split_path(inner)
        yield from _pages(url, filesystem, bucket, f"{key}/" if key else "")
        return

    def find() -> dict[str, dict[str, Any]]:
        try:
            return cast(dict[str, dict[str, Any]], filesystem.find(inner, detail=True))
        except FileNotFoundError:
            return {}

    for name, info in retry(url, find, "listed").items():
        if name.startswith(f"{inner}/"):
            yield name[start:], int(info["size"] or 0)


def _pages(url: str, filesystem: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    page: dict[str, Any] = {"NextContinuationToken": None}
    while "NextContinuationToken" in page:
        token = page["NextContinuationToken"]
        wanted = {"Bucket": bucket, "Prefix": prefix} | ({"ContinuationToken": token} if token else {})
        page = retry(url, lambda wanted=wanted: filesystem.call_s3("list_objects_v2", **wanted), "listed")  # type: ignore[misc]
        for item in page.get("Contents", ()):
            if name := item["Key"][len(prefix) :]:
                yield name, int(item["Size"])


def prefixes(url: str) -> list[str]:
    """The names that lie directly below a folder and have objects below them; one listing, of them alone."""
    filesystem, inner = filesystem_of(url)

    def ls() -> list[dict[str, Any]]:
        try:
            return cast(list[dict[str, Any]], filesystem.ls(inner, detail=True))
        except FileNotFoundError as error:
            if not is_absence(error):
                raise
            return []

    found = retry(url, ls, "listed")
    return [one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory"]


def copy_many(pairs: Sequence[tuple[str, str]], still_held: Callable[[], None]) -> None:
    """Copies objects to other names in the same store, on the server, several at once; asks before every request."""

    def copy(pair: tuple[str, str]) -> None:
        source, target = pair
        filesystem, inner = filesystem_of(source)

        def once() -> None:
            still_held()
            filesystem.cp_file(inner, filesystem_of(target)[1])

        retry(source, once, "copied")

    with ThreadPoolExecutor(COPIES) as pool:
        for _ in pool.map(copy, pairs):
            pass


def remove(urls: Sequence[str]) -> None:
    """Removes objects of one store, those that are not there too; on S3 a thousand by a request."""
    if not urls:
        return
    filesystem, _ = filesystem_of(urls[0])
    inner = [filesystem_of(url)[1] for url in urls]
    if _is_s3(urls[0]):
        for start in range(0, len(inner), 1000):
            keys = [filesystem.split_path(path)[:2] for path in inner[start : start + 1000]]
            retry(urls[start], lambda keys=keys: _delete_s3(filesystem, keys), "removed")  # type: ignore[misc]
        return

    def rm() -> None:
        for path in inner:
            with contextlib.suppress(FileNotFoundError):
                filesystem.rm_file(path)

    retry(urls[0], rm, "removed")


def _delete_s3(filesystem: Any, keys: list[tuple[str, str]]) -> None:
    """s3fs's own passes over keys that the server could not remove."""
    objects = {"Objects": [{"Key": key} for _, key in keys], "Quiet": True}
    for failed in filesystem.call_s3("delete_objects", Bucket=keys[0][0], Delete=objects).get("Errors", ()):
        number = errno.EACCES if failed.get("Code") == "AccessDenied" else errno.EBUSY
        raise OSError(number, f"{failed.get('Key')}: {failed.get('Code')}")


def put_new(url: str, content: bytes) -> str | None:
    """Writes a small object that must not be there yet; its tag, or None when it is there (If-None-Match)."""
    return _conditional(url, content, mode="create")


def put_over(url: str, content: bytes, tag: str, timeout: float | None = None) -> str | None:
    """Writes over the version of an object that has the tag; the new tag, or None if there is another (If-Match)."""
    if _is_s3(url):
        return _conditional(url, content, timeout, IfMatch=tag)
    if read_tagged(url)[1] != tag:
        return None
    return _conditional(url, content)


def _conditional(url: str, content: bytes, timeout: float | None = None, **condition: str) -> str | None:
    filesystem, inner = filesystem_of(url, timeout)

    def put() -> Any:
        try:
            return filesystem.pipe_file(inner, content, **condition) or {}
        except Exception as error:  # each client has a tree of its own
            if isinstance(error, FileExistsError) or status(error) == 412:
                return None
            raise

    answer = retry(url, put, "written")
    if answer is None:
        return None
    return str(answer["ETag"]) if "ETag" in answer else read_tagged(url)[1]


def remove_version(url: str, tag: str) -> None:
    """Removes an object if it still has the tag (If-Match), or whatever it has where a store cannot ask for that."""
    filesystem, inner = filesystem_of(url)
    if not _is_s3(url):
        remove([url])
        return
    bucket, key, _ = filesystem.split_path(inner)

    def delete() -> None:
        try:
            filesystem.call_s3("delete_object", Bucket=bucket, Key=key, IfMatch=tag)
        except Exception as error:
            if status(error) == 501:
                remove([url])
            elif status(error) != 412:
                raise

    retry(url, delete, "removed")


def read_tagged(url: str, timeout: float | None = None) -> tuple[bytes, str, float]:
    """A small object: its content, a tag that is another for every version, seconds since it was written.

    The age is told by the server's clock alone, so that clocks of machines need not agree.
    """
    filesystem, inner = filesystem_of(url, timeout)
    if not _is_s3(url):
        content = read_whole(url)
        modified = retry(url, lambda: filesystem.modified(inner).timestamp())
        return content, content.hex(), max(0.0, time.time() - modified)

    def get() -> tuple[bytes, str, float]:
        bucket, key, _ = filesystem.split_path(inner)
        found = filesystem.call_s3("head_object", Bucket=bucket, Key=key)
        now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        content = filesystem.cat_file(inner, max_concurrency=1)
        if filesystem.call_s3("head_object", Bucket=bucket, Key=key)["ETag"] != found["ETag"]:
            raise ShortReadError(errno.EAGAIN, "it was replaced while it was read")
        return content, found["ETag"], (now - found["LastModified"]).total_seconds()

    return retry(url, get)
