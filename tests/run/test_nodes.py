"""What nodes of a cluster are asked before a run, and what they get."""

import pytest

from refinery.errors import InputError
from refinery.run.nodes import Probe, ProbeResult, check_nodes, copied, probe


def test_a_node_tells_what_it_does_not_see_and_what_it_cannot_read(tmp_path):
    """A file that is not there or holds something else is not seen; anything else is told as the system told it."""
    (tmp_path / "right").write_bytes(b"right")
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "folder").mkdir()
    names = ("right", "other", "gone", "folder")
    tokens = tuple((str(tmp_path / name), b"right") for name in names)
    files = (str(tmp_path / "right"), str(tmp_path / "gone"), str(tmp_path / "right" / "below"))
    found = {place[len(str(tmp_path)) + 1 :]: why for place, why in probe(Probe(tokens, files)).missing}
    assert found == {
        "other": "absent",
        "gone": "absent",
        "folder": "Is a directory",
        "right/below": "Not a directory",
    }


def test_an_error_of_the_storage_is_told_with_its_reason():
    """Permissions are another thing than a disk that is not shared."""
    blind = ProbeResult((("/data/w/.seen-1.tmp", "absent"),))
    refused = ProbeResult((("/data/w/.seen-1.tmp", "Permission denied"),))
    check_nodes({"a": ProbeResult(()), "b": ProbeResult(())})
    with pytest.raises(InputError, match=r"^/data/w: is not seen by a, c \(sources, work folder and outputs"):
        check_nodes({"a": blind, "b": ProbeResult(()), "c": blind})
    with pytest.raises(InputError, match=r"^/data/w: cannot be read by b: Permission denied$"):
        check_nodes({"a": ProbeResult(()), "b": refused})
    with pytest.raises(InputError, match=r"^node a: has polars 1 instead of 2 \(install"):
        check_nodes({"a": InputError("node host", "has polars 1 instead of 2", "install the same")})


def test_only_copies_of_earlier_runs_are_removed(tmp_path):
    """A work folder may be one where a person keeps models, too."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.bin").write_bytes(b"mine")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    model = tmp_path / "mine" / "model.bin"
    for files, copies in (({model: ()}, 1), ({}, 0)):
        assert len(copied(files, tmp_path)) == copies
        assert len([folder for folder in tmp_path.iterdir() if len(folder.name) == 32]) == copies
    assert model.read_bytes() == b"mine"
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("damaged", [b"the mosel", b"the mod", b"", None])
def test_a_damaged_copy_is_made_again(tmp_path, damaged):
    """One flipped bit, a cut, or nothing left: the next run has the original's bytes there."""
    model = tmp_path / "model.bin"
    model.write_bytes(b"the model")
    (shipped,) = copied({model: ()}, tmp_path / "models").values()
    shipped.place.unlink()
    if damaged is not None:
        shipped.place.write_bytes(damaged)
    assert copied({model: ()}, tmp_path / "models") == {model: shipped}
    assert shipped.place.read_bytes() == b"the model"
