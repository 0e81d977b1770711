"""What nodes of a cluster are asked before a run, and what they get."""

from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.executors.shipping import file_arguments, pack, unpack
from refinery.filters import registry
from refinery.models import model_file
from refinery.run.nodes import Probe, ProbeResult, check_nodes, copy_files, files_of, probe
from refinery.text.batch import TextBatch
from tests.conftest import PIPELINE
from tests.megatron import byte_level
from tests.run.listed_measurer import Listed
from tests.run.planning import plan_of


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
    for files, copies in (([(str(model),)], 1), ([], 0)):
        assert len(copy_files(files, tmp_path)) == copies
        assert len([folder for folder in tmp_path.iterdir() if len(folder.name) == 32]) == copies
    assert model.read_bytes() == b"mine"
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("damaged", [b"the mosel", b"the mod", b"", None])
def test_a_damaged_copy_is_made_again(tmp_path, damaged):
    """One flipped bit, a cut, or nothing left: the next run has the original's bytes there."""
    model = tmp_path / "model.bin"
    model.write_bytes(b"the model")
    (shipped,) = copy_files([(str(model),)], tmp_path / "models").values()
    copy = shipped.folder / shipped.name
    copy.unlink()
    if damaged is not None:
        copy.write_bytes(damaged)
    assert copy_files([(str(model),)], tmp_path / "models") == {str(model): shipped}
    assert copy.read_bytes() == b"the model"


def test_files_of_one_measurer_lie_to_each_other_as_before(tmp_path):
    """A model may name others by their place beside it; one that stands alone elsewhere is the same copy."""
    for name in ("net/model.onnx", "net/weights/w.bin", "tokenizer.json"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(name)
    group = tuple(
        str(tmp_path / "mine" / n) for n in ("net/model.onnx", "net/weights/w.bin", "tokenizer.json")
    )
    shipped = copy_files([group], tmp_path / "models")
    (folder,) = (tmp_path / "models").iterdir()
    assert {path: one.folder / one.name for path, one in shipped.items()} == {
        path: folder / Path(path).relative_to(tmp_path / "mine") for path in group
    }
    assert (folder / "net/weights/w.bin").read_text() == "net/weights/w.bin"


def test_what_measurers_and_transforms_read_is_found(data_repository, monkeypatch):
    """Built in or a user's own, as a path or a string, each group once; a URL is for every machine to read.

    And the tokenizers of outputs.
    """
    monkeypatch.setitem(registry.MEASURERS.built_in, "listed", "tests.run.listed_measurer")
    (data_repository / "words.txt").write_text("the of and")
    byte_level(data_repository / "tokenizer.json")
    text = PIPELINE.replace("signals]", "signals, {listed: {words: words.txt}}]")
    text = text.replace("path: out}", "path: out, tokenize: tokenizer.json}")
    (data_repository / "pipeline.yaml").write_text(text)
    assert files_of(plan_of(data_repository / "pipeline.yaml")) == [
        (str(model_file.BUILT_IN),),
        (str(data_repository / "words.txt"),),
        (str(data_repository / "tokenizer.json"),),
    ]


def test_a_measurer_that_keeps_its_path_in_a_string_finds_its_file_elsewhere(tmp_path):
    """The copy stands in the unit in place of the path, in what goes by a file, too."""
    words = tmp_path / "here" / "words.txt"
    words.parent.mkdir()
    words.write_text("the of and")
    measurer = Listed(str(words))
    shipped = copy_files([measurer.files], tmp_path / "models")
    call = pack(count_words, measurer, shipped)
    (filed,) = file_arguments([measurer], tmp_path / "units.bin", shipped, most=10)
    words.unlink()
    function, sent = unpack(call)
    assert function(sent) == function(filed.read()) == [2, 0]


def count_words(measurer: Listed) -> list[int]:
    batch = TextBatch.from_texts(["the end of it", "nothing"])
    return measurer(batch).column(0).to_pylist()
