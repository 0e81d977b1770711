"""Folders and files, local or on an object store, whatever is done with them but writing.

A local place is a `pathlib.Path`; one on an object store is a `Url`, which names it as a Path would. What the two do
differently is here; writing is in `refinery.storage.commit`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

from refinery.errors import InputError, OutputError, StorageError
from refinery.storage.url import Url, has_dots, is_url, local_path, redact

Place: TypeAlias = Path | Url

_SAME_SCHEMES = {"s3a": "s3", "gcs": "gs", "abfss": "abfs", "az": "abfs"}


def place_of(path: str | Path) -> Place:
    """The place that an absolute path or a URL names; raises InputError for a URL that no installed package knows."""
    if not is_url(str(path)):
        return Path(local_path(str(path)))
    from refinery.storage.object_store import require_package

    require_package(str(path))
    return Url(str(path).rstrip("/"))


def is_remote(place: Place) -> bool:
    """Whether the place is on an object store."""
    return not isinstance(place, Path)


def move_files(pairs: Sequence[tuple[Place, Place]], still_held: Callable[[], None]) -> None:
    """Gives files of one folder tree other names there, over what is there.

    On an object store they are copied by the server, several at once, and then removed: a reader meets the file
    before or the whole new one. `still_held` is asked before every copy, which may wait long for a server.
    """
    remote = [(str(source), str(target)) for source, target in pairs if is_remote(source)]
    if not remote:
        for source, target in pairs:
            _move(Path(str(source)), Path(str(target)))
        return
    from refinery.storage.object_store import copy_many, remove

    copy_many(remote, still_held)
    still_held()
    remove([source for source, _ in remote])


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(
            f".{target.name}.tmp"
        )  # the folder is a disk of its own, as a mounted one is
        shutil.copyfile(source, beside)
        beside.replace(target)
        source.unlink()


def remove_file(place: Place) -> None:
    """Removes a file, if it is there."""
    remove_files([place])


def remove_files(places: Sequence[Place]) -> None:
    """Removes files of one folder tree, those that are not there too."""
    if places and is_remote(places[0]):
        from refinery.storage.object_store import remove

        remove([str(place) for place in places])
        return
    for place in places:
        Path(str(place)).unlink(missing_ok=True)


def remove_tree(folder: Place) -> None:
    """Removes a folder and all in it, if it is there; raises OutputError when something in it cannot be removed."""
    if isinstance(folder, Path):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            place = error.filename or folder
            raise OutputError(f"{place}: cannot be removed: {error.strerror or error}") from None
        return
    from refinery.storage.object_store import listing, remove

    url = str(folder).rstrip("/")
    remove([f"{url}/{name}" for name, _ in listing(url)])


def remove_scratch(folder: Place) -> None:
    """Removes what can be removed of a folder that is not read any more; the next run tries the rest again.

    On NFS what a worker still has open stays, and so does what a late one writes meanwhile.
    """
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with contextlib.suppress(OSError, StorageError):
        remove_tree(folder)


def files_below(folder: Place) -> dict[str, int]:
    """Size in bytes of every file below a folder, by its path relative to it; one listing, not one call a file."""
    return dict(each_file_below(folder))


def each_file_below(folder: Place) -> Iterator[tuple[str, int]]:
    """As `files_below`, one after the other: of a folder that may have millions."""
    if isinstance(folder, Path):
        return _below(str(folder), "")
    from refinery.storage.object_store import listing

    return listing(str(folder))


def _below(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Paths below the prefix and sizes, by strings: a Path a file takes longer than the system's answer."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # gone meanwhile, or not for this process to read
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{prefix}{entry.name}/")
        elif not entry.is_dir():
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile, or a link to nothing
                yield prefix + entry.name, entry.stat().st_size


def folders_in(folder: Place) -> list[str]:
    """The names of the folders that lie directly in a folder, none if it is not there."""
    if not isinstance(folder, Path):
        from refinery.storage.object_store import prefixes

        return prefixes(str(folder))
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def exists(place: Place) -> bool:
    """Whether there is such a file; raises OSError or StorageError when that cannot be told."""
    if isinstance(place, Path):
        return place.exists()
    from refinery.storage.object_store import info

    try:
        return bool(info(str(place))["type"] == "file")
    except FileNotFoundError:
        return False


def read_file(place: Place) -> bytes:
    """A file's content; raises OSError, or StorageError when an object store does not answer."""
    if isinstance(place, Path):
        return place.read_bytes()
    from refinery.storage.object_store import read_whole

    return read_whole(str(place))


def read_many(places: Sequence[Place]) -> list[bytes | None]:
    """The contents of small files of one folder tree, None for those that are not there; URLs many at once."""
    if places and is_remote(places[0]):
        from refinery.storage.object_store import read_many as read_urls

        return read_urls([str(place) for place in places])
    found: list[bytes | None] = []
    for place in places:
        try:
            found.append(Path(str(place)).read_bytes())
        except FileNotFoundError:
            found.append(None)
    return found


_HELD: dict[str, bytes] = {}  # contents of small files
_HELD_BYTES = 8 * 2**20  # of the largest


@contextlib.contextmanager
def held_inputs(paths: Sequence[str]) -> Iterator[None]:
    """Within it `open_input` gives what small files held at its beginning; those on a store are fetched at once.

    What is not there, cannot be read or is large is not held.
    """
    urls = [path for path in paths if is_url(path)]
    contents = dict(zip(urls, read_many([Url(url) for url in urls]), strict=True))
    contents |= {path: _small_content(path) for path in paths if path not in contents}
    held = {path: content for path, content in contents.items() if content is not None}
    _HELD.update(held)
    try:
        yield
    finally:
        for path in held:
            _HELD.pop(path, None)


def held(path: str) -> bytes | None:
    """The content of a file that is held."""
    return _HELD.get(path)


def _small_content(path: str) -> bytes | None:
    try:
        # who writes to a pipe is not waited for
        descriptor = os.open(local_path(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        is_small = stat.S_ISREG(status.st_mode) and status.st_size <= _HELD_BYTES
        return os.pread(descriptor, status.st_size + 1, 0) if is_small else None  # a longer one has changed
    except OSError:
        return None
    finally:
        os.close(descriptor)


def open_input(path: str) -> BinaryIO:
    """Opens a file for reading, seekable; a URL as `object_store.open_read` does. Raises OSError or StorageError.

    What is no file of data is not opened: to open a pipe waits for who writes to it.
    """
    if path in _HELD:
        return io.BytesIO(_HELD[path])
    if not is_url(path):
        file = local_path(path)
        require_data(os.stat(file))  # noqa: PTH116  (a Path a file takes longer than the system's answer)
        return open(file, "rb")  # noqa: PTH123
    from refinery.storage.object_store import open_read

    return open_read(path)


_NO_DATA = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_data(status: os.stat_result) -> None:
    """Raises OSError for what the system says of a pipe, a socket or a device."""
    if kind := _NO_DATA.get(stat.S_IFMT(status.st_mode)):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file of data")


def unreadable(path: str, error: OSError) -> InputError:
    """What to tell about a user's file that cannot be opened or read."""
    return InputError(redact(path), f"cannot be read: {error.strerror or type(error).__name__}")


def lies_in(path: str, folder: str) -> bool:
    """Whether a local path or a URL is the folder itself or below it; links are followed.

    URLs are compared as text, no store is asked: `s3a://` is `s3://`, and to some servers `//` is `/`.
    """
    if is_url(path) != is_url(folder):
        return False
    if is_url(path):
        return f"{_compared(path)}/".startswith(f"{_compared(folder)}/")
    return Path(local_path(path)).resolve().is_relative_to(Path(local_path(folder)).resolve())


def first_in(paths: Iterable[str], folder: str) -> str | None:
    """The first of many files that lies in a folder, as `lies_in` tells it; a path is resolved once a folder."""
    if is_url(folder):
        return next((path for path in paths if lies_in(path, folder)), None)
    inside = f"{os.path.realpath(local_path(folder)).rstrip('/')}/"
    parents: dict[str, str] = {}
    for path in paths:
        if is_url(path):
            continue
        parent, _, name = local_path(path).rpartition("/")
        if parent not in parents:
            parents[parent] = os.path.realpath(parent or "/")
        linked = os.path.islink(local_path(path))  # noqa: PTH114  (a Path a file takes longer than the system's answer)
        real = os.path.realpath(local_path(path)) if linked else f"{parents[parent]}/{name}"
        if real.startswith(inside):
            return path
    return None


def _compared(url: str) -> str:
    """The URL with one name for each scheme, and without empty parts."""
    scheme, _, rest = url.partition("://")
    return f"{_SAME_SCHEMES.get(scheme, scheme)}://" + "/".join(part for part in rest.split("/") if part)


def refuse_as_folder(url: str) -> str:
    """Why a URL cannot be a folder to write to, or an empty string."""
    scheme = url.partition("://")[0]
    if scheme in {"http", "https", "hf"} or "::" in url:
        return f"{scheme}:// cannot be written to; use a local folder or an object store such as s3://"
    if has_dots(url):
        return "'.' and '..' cannot be parts of a URL; name the folder itself"
    return refuse_secrets(url)


def refuse_secrets(url: str) -> str:
    """Why a URL cannot be shown and written into manifests as it is, or an empty string."""
    if redact(url) != url:
        return "credentials and queries do not belong in a path; set them in the environment"
    return ""
