"""Models on their way to other machines, and what is kept there."""

import os
import pickle
import tempfile
import time
from pathlib import Path

import pytest

from refinery.errors import DamagedFile, RunError
from refinery.executors import shipping
from refinery.executors.shipping import (
    Filed,
    Shipped,
    file_arguments,
    machine_folder,
    pack,
    prepare_once,
    unpack,
)
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
    names = ("model.onnx", "weights/one.bin")
    shipped = {str(here): Shipped(place.parent, "model.onnx", names)}
    function, path = unpack(pack(read, here, shipped))
    assert path == machine / "models" / "abc" / "model.onnx"
    assert (function(path), (path.parent / "weights/one.bin").read_bytes()) == (
        b"model.onnx",
        b"weights/one.bin",
    )


def test_a_file_that_cannot_be_fetched_is_left_for_the_unit():
    """Preparing says nothing: the unit meets the same error, and is tried again."""
    here = Path("/somewhere/model.bin")
    gone = {str(here): Shipped(place_of("memory://shipping/gone"), "model.bin", ("model.bin",))}
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


@pytest.mark.parametrize("folder", ["memory://shipping/units", "disk"])
def test_a_large_argument_goes_by_a_file(tmp_path, folder):
    """Each is read back from its place in the file, with the copies of models; a small one is sent as it is."""
    place = (place_of(folder) if "://" in folder else tmp_path / folder) / "phase.bin"
    model = tmp_path / "model.bin"
    copy = tmp_path / "work" / "model.bin"
    arguments = [list(range(1000)), "small", [model, "x" * 1000], 7]
    shipped = {str(model): Shipped(copy.parent, copy.name, (copy.name,))}
    sent = file_arguments(arguments, place, shipped, most=100)
    assert sent[1::2] == arguments[1::2]
    assert [one.read() for one in sent[::2]] == [arguments[0], [copy, "x" * 1000]]
    assert max(len(pickle.dumps(one)) for one in sent) < 600


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_argument_is_not_believed(tmp_path, damage):
    """It is code that would run: nothing is unpickled that is not as it was written."""
    place = tmp_path / "phase.bin"
    (sent,) = file_arguments([list(range(1000))], place, {}, most=100)
    assert isinstance(sent, Filed)
    content = bytearray(place.read_bytes())
    content[500] ^= 1
    place.write_bytes(bytes(content) if damage == "flip" else bytes(content[:500]))
    if damage == "gone":
        place.unlink()
    with pytest.raises(DamagedFile, match=r"phase\.bin"):
        sent.read()


def test_all_small_arguments_write_no_file(tmp_path):
    """Most units are a few hundred bytes."""
    assert file_arguments([1, "two"], tmp_path / "phase.bin", {}) == [1, "two"]
    assert not (tmp_path / "phase.bin").exists()
