"""Lists of values as files, and as the sorted hashes in which millions of entries are looked up.

A line is an entry; blank lines and those that begin with # are none. A list of domains may be written as a hosts
file too (`0.0.0.0 ads.example.com`, any names after the address, a comment at the end), or with the `*.`, `.` or
`||...^` of other blockers. It may be compressed, as sources are.

Entries are compared by xxh3 of 128 bits: with ten million entries and a billion documents, the probability that any
is taken for listed by mistake is 3 in 10^23. A list is hashed once on each machine, whose workers map the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError, some_of
from refinery.storage.url import is_url, redact
from refinery.text.batch import TextBatch
from refinery.text.digests import digests
from refinery.text.hosts import by_distinct, host_name
from refinery.text.urls import canonical_urls, url_parts

Match = Literal["exact", "domain", "url"]
FORM = 1  # raised when the same list would be hashed otherwise
_CHUNK = 2**22  # bytes of lines that are looked at together
_ADDRESS = r"^(?:[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\S+)?)\s+\S"  # and a name after it
_PLAIN = r"^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,3}$"  # a host in its one form
_TOLD = 3  # entries that are none


@dataclass(frozen=True)
class Entries:
    """Hashes of entries, uint64 (2, entries): their halves, sorted by the first."""

    hashes: NDArray[np.uint64]

    def holds(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which of the values, large_string, are entries."""
        return self.holds_hashes(_halves(values))

    def holds_hashes(self, wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of the hashes, uint64 (2, values), are those of entries."""
        first, second = wanted
        start, stop = (np.searchsorted(self.hashes[0], first, side) for side in ("left", "right"))
        found = np.zeros(len(first), np.bool_)
        for step in range(
            int((stop - start).max(initial=0))
        ):  # one, unless two entries share half of their hash
            inside = np.flatnonzero(start + step < stop)
            found[inside] |= self.hashes[1][start[inside] + step] == second[inside]
        return found

    def holds_above(self, hosts: pa.Array) -> NDArray[np.bool_]:
        """Which of the hosts, large_string and distinct, are entries or below one: b.a.org is below a.org."""
        found, where = np.zeros(len(hosts), np.bool_), np.arange(len(hosts))
        above = pl.Series(hosts, dtype=pl.String)
        while len(above):
            found[where] = self.holds(above.to_arrow())
            others = above.str.contains(".", literal=True) & pl.Series(~found[where])
            where, above = where[others.to_numpy()], above.filter(others).str.replace(r"^[^.]*\.", "")
        return found


def list_hash(path: str) -> str:
    """32 hex digits: xxh3-128 of a list on this machine, the identity of one on a store; raises InputError."""
    from refinery.models.model_file import file_hash
    from refinery.sources.find import state
    from refinery.sources.identity import identity_of
    from refinery.storage.place import unreadable

    try:
        found = state(path)
        if not is_url(path) and not Path(path).is_file():
            raise InputError(path, "is no file", "a list is a text file with an entry a line")
        return identity_of(path, found) if is_url(path) else file_hash(Path(path))
    except OSError as error:
        raise unreadable(path, error) from None


def machine_file(folder: str, path: str, expected: str, form: str, make: Callable[[], bytes]) -> Path:
    """The file in which this machine keeps what is made of a list, made now if it is not there.

    expected: the list's `list_hash` when the definition was checked; form: what else the content follows from. Raises
    InputError for a list that is another by now.
    """
    from refinery.executors.shipping import machine_folder
    from refinery.storage.commit import commit_bytes, make_directory

    file = machine_folder() / folder / f"{expected}-{form}"
    if not file.exists():
        if list_hash(path) != expected:
            raise InputError(redact(path), "changed since the definition was checked", "run again")
        make_directory(file.parent)
        commit_bytes(file, make())
    file.touch()  # it is in use
    return file


def load_entries(path: str, match: Match, expected: str) -> Entries:
    """A list, which this machine hashes if it has not yet; expected: its `list_hash` when the definition was checked.

    Raises InputError for entries that are none, and for a list that is another by now.
    """
    from refinery.models.loaded import once

    def made() -> bytes:
        return read_entries(path, match).hashes.tobytes()

    def load() -> Entries:
        file = machine_file("lists", path, expected, f"{match}-{FORM}", made)
        size = file.stat().st_size
        mapped = np.memmap(file, np.uint64, "r") if size else np.empty(0, np.uint64)
        return Entries(mapped.reshape(2, -1))

    return once(load, "list", match, expected)


def read_entries(path: str, match: Match) -> Entries:
    """The entries of a list; raises InputError that names the first lines that are none."""
    parsers: dict[Match, Callable[[pl.DataFrame], pl.DataFrame]]
    parsers = {"exact": _values, "domain": _domains, "url": _urls}
    found = [np.empty((2, 0), np.uint64)]
    wrong: list[pl.DataFrame] = []
    for lines in lines_of(path):
        entries = parsers[match](lines.with_columns(pl.col("text").str.strip_chars()).filter(IS_ENTRY))
        wrong.append(entries.filter(pl.col("entry").is_null()))
        found.append(_halves(entries["entry"].drop_nulls().to_arrow()))
    if count := sum(map(len, wrong)):
        kind = "URL" if match == "url" else "domain"
        what = f"{count:,} entries are no {kind}s" if count > 1 else f"1 entry is no {kind}"
        hint = "take them out, or compare whole values: `match: exact`"
        raise wrong_lines(path, pl.concat(wrong), what, hint)
    hashes = np.concatenate(found, axis=1)
    hashes = hashes[:, np.argsort(hashes[0], kind="stable")]
    is_new = np.ones(hashes.shape[1], np.bool_)
    is_new[1:] = (hashes[:, 1:] != hashes[:, :-1]).any(axis=0)
    return Entries(np.ascontiguousarray(hashes[:, is_new]))


IS_ENTRY = (pl.col("text") != "") & ~pl.col("text").str.starts_with("#")


def lines_of(path: str) -> Iterator[pl.DataFrame]:
    """Lines of a list, `text` by `line`, some megabytes at a time; raises InputError for what cannot be read."""
    from refinery.sources.compression import DamagedError, blocks
    from refinery.storage.place import open_input, unreadable

    rest, line = b"", 1
    try:
        with open_input(path) as file:
            for block in chain(_joined(blocks(file)), [b"\n"]):
                whole, end, rest = (rest + block).rpartition(b"\n")
                if end:
                    text = pl.Series("text", [whole.decode("utf-8-sig" if line == 1 else "utf-8")])
                    lines = text.str.split("\n").explode()
                    yield pl.DataFrame({"line": np.arange(line, line + len(lines)), "text": lines})
                    line += len(lines)
    except UnicodeDecodeError:
        raise InputError(redact(path), f"is not UTF-8, from line {line} on", "convert it") from None
    except DamagedError as error:
        raise InputError(redact(path), f"is damaged: {error}", "fetch it again") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _joined(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= _CHUNK:
            yield b"".join(held)
            held = []
    yield b"".join(held)


def _values(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.rename({"text": "entry"})


def _urls(lines: pl.DataFrame) -> pl.DataFrame:
    """URLs in their one form, NULL for what is none."""
    return lines.with_columns(canonical_urls(url_parts(lines["text"].to_arrow())).alias("entry"))


def _domains(lines: pl.DataFrame) -> pl.DataFrame:
    """The hosts that lines name, NULL for what is none."""
    bare = pl.col("text").str.replace(r"\s+#.*$", "")
    is_of_hosts_file = bare.str.contains(_ADDRESS)
    names = pl.when(is_of_hosts_file).then(bare.str.replace(r"^\S+\s+", "")).otherwise(bare)
    listed = lines.select("line", "text", names=names, several=is_of_hosts_file)
    several = listed.filter("several").with_columns(entry=pl.col("names").str.split(" ")).explode("entry")
    single = listed.filter(~pl.col("several")).with_columns(entry="names")
    found = pl.concat([single, several.filter(pl.col("entry") != "")]).sort("line", maintain_order=True)
    written = found["entry"].str.replace(r"^(?:\|\||\*\.|\.)", "").str.strip_suffix("^").str.to_lowercase()
    is_plain = written.str.contains(_PLAIN)
    others = pl.Series(by_distinct(written.filter(~is_plain).to_arrow(), _host), dtype=pl.String)
    return found.select("line", "text", entry=written.scatter(is_plain.not_().arg_true(), others))


def _host(written: str) -> str | None:
    return host_name(f"[{written}]" if written.count(":") > 1 else written.partition("%")[0])


def wrong_lines(path: str, wrong: pl.DataFrame, what: str, hint: str) -> InputError:
    """The error of lines of a list, `line` and `text`, the first of which are told."""
    first = [f"line {line}: {text[:80]}" for line, text in wrong.head(_TOLD).select("line", "text").rows()]
    return InputError(redact(path), f"{what}: {some_of(first, len(wrong), '; ')}", hint)


def _halves(values: pa.Array) -> NDArray[np.uint64]:
    """uint64 (2, values): the hash of each of large_string."""
    found = digests(TextBatch.from_arrow(values)).fill_null(bytes(16))
    halves = np.frombuffer(found.buffers()[1], ">u8", 2 * len(found), 16 * found.offset)
    return halves.reshape(-1, 2).T.astype(np.uint64)
