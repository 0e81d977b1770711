"""Models on their way to other machines, and what is kept there."""

import os
import pickle
import tempfile
import time
from pathlib import Path

import pytest

from refinery.errors import RunError
from refinery.executors import shipping
from refinery.executors.shipping import Shipped, machine_folder, pack, prepare_once, unpack
from refinery.storage.commit import commit_bytes
from refinery.storage.place import place_of


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch) -> Path:
    """A machine that has kept nothing yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"refinery-{os.getuid()}"


def read(path: Path) -> bytes:
    return path.read_bytes()


def test_a_file_on_an_object_store_arrives_with_what_lies_beside_it(machine):
    """Under the names that it knows them by; the path in the call is that of the copy."""
    place = place_of("memory://shipping/abc/model.onnx")
    for name in ("model.onnx", "weights/one.bin"):
        commit_bytes(place.parent / name, name.encode())
    here = Path("/somewhere/model.onnx")
    function, path = unpack(pack(read, here, {here: Shipped(place, "abc", ("weights/one.bin",))}))
    assert path == machine / "models" / "abc" / "model.onnx"
    assert (function(path), (path.parent / "weights/one.bin").read_bytes()) == (
        b"model.onnx",
        b"weights/one.bin",
    )


def test_a_file_that_cannot_be_fetched_is_left_for_the_unit():
    """Preparing says nothing: the unit meets the same error, and is tried again."""
    here = Path("/somewhere/model.bin")
    gone = {here: Shipped(place_of("memory://shipping/gone/model.bin"), "gone")}
    prepare_once("a key of its own", [pack(read, here, gone)])
    with pytest.raises(FileNotFoundError):
        unpack(pack(read, here, gone))


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_folder_that_others_can_write_to_is_refused(machine, tmp_path, trap):
    """Models and compiled kernels would be loaded from it."""
    if trap == "open":
        machine.mkdir()
        machine.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        machine.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="not a folder of this user alone"):
        machine_folder()


def test_what_nobody_has_used_for_long_is_removed():
    """Models, locks and marks of other runs; not those in use."""
    folder = machine_folder()
    for name in ("old.prepared", "old.lock", "models/old/model.bin", "models/new/model.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    past = time.time() - 8 * 86_400
    for name in ("old.prepared", "old.lock", "models/old"):
        os.utime(folder / name, (past, past))
    shipping._prepared.discard("new")
    prepare_once("new", [pickle.dumps((str, 1))])
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert left == {"new.prepared", "new.lock", "models", "models/new", "models/new/model.bin"}
