"""What of a source's files is passed over: how many and how large, by ending and reason, with an example each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from refinery.sources.find import FoundFile

Why = Literal["stray name", "unknown format", "part of an output", "not in the table", "no text"]
_FEW = 3  # files that are named


@dataclass(frozen=True)
class PassedOver:
    """Files of a source with one ending that are passed over for one reason.

    ending: of their names, in small letters, with its dot, empty for none; bytes: of all of them; example: path below
    the source's root of the first.
    """

    why: Why
    ending: str
    count: int
    bytes: int
    example: str

    def __str__(self) -> str:
        files = "file" if self.count == 1 else "files"
        ending = f" {self.ending}" if self.ending else ""
        return f"{self.count:,}{ending} {files} ({self.why}), such as {self.example}"


def passed_over(files: Iterable[tuple[FoundFile, Why]]) -> tuple[PassedOver, ...]:
    """Counts of the files, each with its reason, the largest first."""
    found: dict[tuple[Why, str], PassedOver] = {}
    for file, why in files:
        ending = PurePosixPath(file.relative).suffix.lower()
        size = max(file.state.size, 0)
        first = PassedOver(why, ending, 0, 0, file.relative)
        before = found.get((why, ending), first)
        found[why, ending] = replace(before, count=before.count + 1, bytes=before.bytes + size)
    return tuple(sorted(found.values(), key=lambda one: (-one.count, one.why, one.ending)))


def few(broken: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The first of the files that cannot be read, each with the problem; then how many more there are.

    >>> list(few([("a", "cut off"), ("b", "empty")])), list(few([("a", "cut off")] * 5))[-1]
    ([('a', 'cut off'), ('b', 'empty')], ('2 more files', ''))
    """
    yield from broken[:_FEW]
    if (more := len(broken) - _FEW) > 0:
        yield f"{more:,} more file{'s'[: more != 1]}", ""
