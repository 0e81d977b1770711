"""Which requests the processes of a run sent to S3: counted by kind and by the folder that they are about.

    noted = RequestLog(tmp_path / "requests")
    subprocess.run([...], env=os.environ | noted.environment())
    noted.counts()["GET", "work/shards"]

The client itself tells (tests/requests_noted), in the driver and in whatever processes it starts: no proxy slows the
run down, and requests that were sent again count again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOOK = Path(__file__).with_name("requests_noted")
KINDS = ("GET", "ranged GET", "HEAD", "PUT", "POST", "LIST", "DELETE")


@dataclass(frozen=True)
class Request:
    """A request: who sent it, one of KINDS, the key (of LIST and DELETE: nothing)."""

    process: int
    kind: str
    key: str


@dataclass(frozen=True)
class RequestLog:
    """The requests of processes that run in `environment`."""

    file: Path

    def environment(self) -> dict[str, str]:
        """What such a process needs; its PYTHONPATH goes on."""
        path = os.pathsep.join(filter(None, (str(HOOK), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, "REQUESTS_NOTED": str(self.file)}

    def requests(self) -> Iterator[Request]:
        """All of them so far."""
        if not self.file.exists():
            return
        with self.file.open(encoding="utf-8") as lines:
            for line in lines:
                process, method, query, ranged, path = line.rstrip("\n").split("\t")
                key = path.lstrip("/").partition("/")[2]
                yield Request(int(process), _kind(method, query, ranged), key)

    def counts(self) -> Counter[tuple[str, str]]:
        """By kind and folder."""
        return Counter((request.kind, folder_of(request.key)) for request in self.requests())

    def clear(self) -> None:
        """Forgets those so far."""
        self.file.unlink(missing_ok=True)


def _kind(method: str, query: str, ranged: str) -> str:
    if "list-type" in query:
        return "LIST"
    if method == "DELETE" or "delete" in query:
        return "DELETE"
    return "ranged GET" if ranged else method


def folder_of(key: str) -> str:
    """The folder that people know: of the work folder its own folders, else the first."""
    first, *others = key.split("/")
    return f"{first}/{others[0]}" if first == "work" and len(others) > 1 else first
