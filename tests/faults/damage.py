"""Damages one file at a time of what runs have left and runs again, in a process of its own: it may crash.

`python -m tests.faults.damage REPOSITORY SNAPSHOT SEED COUNT` prints a line of JSON before each damage and after it.
"""

import contextlib
import io
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.repository import FOLDERS, clear, content

KINDS = ("flip", "flip", "flip", "flip", "cut", "empty", "gone", "garbage")


def kind_of(file: Path) -> str:
    """The name without what differs from file to file."""
    name = file.name
    if name.startswith(("measured-", "decided-", "dropped-", "data-", "scattered-", "decisions-", "run-")):
        return name.partition("-")[0] + name[name.index(".") :]
    return name


def damage(file: Path, chosen: random.Random) -> str:
    """Flips a bit, cuts the file, empties or removes it, or puts other bytes into it; says what was done."""
    kind = chosen.choice(KINDS)
    data = bytearray(file.read_bytes())
    place = chosen.randrange(len(data)) if data else 0
    if kind == "gone":
        file.unlink()
    elif kind == "empty" or not data:
        file.write_bytes(b"")
    elif kind == "cut":
        file.write_bytes(data[:place])
    elif kind == "garbage":
        data[place : place + 64] = chosen.randbytes(min(64, len(data) - place))
        file.write_bytes(data)
    else:
        data[place] ^= 1 << chosen.randrange(8)
        file.write_bytes(data)
    return f"{kind} at {place} of {len(data)}"


def restore(folder: Path, snapshot: Path) -> dict[str, list[Path]]:
    """Puts back what runs had left; gives the files that may be damaged, by kind."""
    clear(folder)
    shutil.copytree(snapshot, folder, dirs_exist_ok=True)
    places = [folder / ".refinery", *(folder / output for output in FOLDERS)]
    found: dict[str, list[Path]] = {}
    for file in sorted(file for place in places for file in place.rglob("*") if file.is_file()):
        if file.name not in {".lock", ".refinery-output.json"}:
            found.setdefault(kind_of(file), []).append(file)
    return found


def refinery() -> tuple[int, str]:
    """A run in this process: exit code and standard error."""
    from refinery.cli import main

    sys.argv = ["refinery", "run", "--workers", "1", "-q", "pipeline.yaml"]
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), told.getvalue()
    return 0, told.getvalue()


def injections(folder: Path, snapshot: Path, seed: str, count: int) -> Iterator[dict[str, object]]:
    os.chdir(folder)
    for number in range(count):
        chosen = random.Random(f"{seed} {number}")
        files = restore(folder, snapshot)
        kind = chosen.choice(sorted(files))
        file = chosen.choice(files[kind])
        done = damage(file, chosen)
        yield {"file": str(file), "kind": kind, "damage": done}
        code, err = refinery()
        yield {"code": code, "err": err, "content": content(folder)}


if __name__ == "__main__":
    for line in injections(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])):
        print(json.dumps(line), flush=True)  # noqa: T201
