"""ONNX files are checked, and fingerprinted together with their weights."""

import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from refinery.errors import InputError
from refinery.models import onnx_file
from tests.neural_models import Weights, graph

SMALL = graph(Weights(2)).SerializeToString()


def outside(folder: Path, location: str, where: str = "initializer") -> Path:
    """A model with a tensor at `location`, among the weights or in a node of a branch of a node."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="location", value=location)
    model = graph(Weights(1))
    if where == "initializer":
        model.graph.initializer.append(tensor)
    else:
        inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "branch", [], [])
        model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_every_message_that_can_hold_a_tensor_is_looked_into(tmp_path):
    """A location is found in each place that onnx.proto has for a tensor, whatever messages lie around it."""

    def put(message, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Adds an external tensor at the end of each path of fields below `message`; gives the paths."""
        kinds = [kind for kind, _ in above(names)]
        for field in message.DESCRIPTOR.fields:
            if field.message_type is None or kinds.count(field.message_type.name) > 1:
                continue
            value = getattr(message, field.name)
            inner = value.add() if hasattr(value, "add") else value
            path = (*names, f"{field.message_type.name}.{field.name}")
            if field.message_type.name == "TensorProto":
                entry = inner.external_data.add(key="location")
                entry.value = "/".join(path)
                yield path
            else:
                yield from put(inner, path)

    def above(names: tuple[str, ...]) -> list[list[str]]:
        return [name.split(".") for name in names]

    model = onnx.ModelProto()
    paths = {"/".join(path) for path in put(model, ())}
    assert len(paths) > 100
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert set(onnx_file.outside(tmp_path / "model.onnx")) == paths


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    """The error says how to install it."""
    (tmp_path / "model.onnx").write_bytes(SMALL)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'refinery\[neural\]'"):
        onnx_file.outside(tmp_path / "model.onnx")


@pytest.mark.parametrize("where", ["initializer", "branch"])
def test_weights_outside_belong_to_the_fingerprint(tmp_path, where):
    """Wherever in the graph they are named; other weights are another model."""
    path = outside(tmp_path, "weights/model.onnx_data", where)
    (tmp_path / "weights").mkdir()
    data = tmp_path / "weights" / "model.onnx_data"
    data.write_bytes(b"12345678")
    assert onnx_file.outside(path) == ("weights/model.onnx_data",)
    first = onnx_file.model_hash(path)
    data.write_bytes(b"123456789")
    assert len(first) == 32 and onnx_file.model_hash(path) != first


@pytest.mark.parametrize("where", ["initializer", "branch"])
@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "a/../../secret", "", "..\\secret", "*/_ORT_MEM_ADDR_/*"]
)
def test_weights_elsewhere_are_refused(tmp_path, location, where):
    """Neither up, nor absolute, nor onnxruntime's mark for an address in memory, even if such a file exists."""
    folder = tmp_path / "model"
    (folder / "*" / "_ORT_MEM_ADDR_").mkdir(parents=True)
    (folder / "*" / "_ORT_MEM_ADDR_" / "*").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(InputError, match="not a file below the model's folder"):
        onnx_file.model_hash(outside(folder, location, where))


def test_links_to_weights(tmp_path):
    """A link out of the folder is refused, unless the model is a link to the same place (a Hugging Face cache)."""
    folder, blobs = tmp_path / "snapshot", tmp_path / "blobs"
    folder.mkdir()
    blobs.mkdir()
    (blobs / "1").write_bytes(b"x")
    (folder / "data").symlink_to(blobs / "1")
    path = outside(folder, "data")
    with pytest.raises(InputError, match="not a file below the model's folder"):
        onnx_file.outside(path)
    path.rename(blobs / "2")
    path.symlink_to(blobs / "2")
    assert onnx_file.outside(path) == ("data",)


def test_weights_that_are_missing(tmp_path):
    """Copying the model file alone is a usual mistake."""
    with pytest.raises(InputError, match=r"'data', which is not beside it .*whole folder"):
        onnx_file.outside(outside(tmp_path, "data"))


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    """More than protobuf can hold is no model."""
    with (tmp_path / "model.onnx").open("wb") as file:
        file.truncate(onnx_file.MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 2 GiB"):
        onnx_file.outside(tmp_path / "model.onnx")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(SMALL)), st.binary(max_size=12))
def test_damaged_models_are_refused_or_have_no_weights_outside(tmp_path, at, noise):
    """Cut off or overwritten anywhere: an error in words, or a file in which no location is found."""
    path = tmp_path / "model.onnx"
    for content in (SMALL[:at], SMALL[:at] + noise + SMALL[at + len(noise) :]):
        path.write_bytes(content)
        try:
            assert onnx_file.outside(path) == ()
        except InputError as error:
            assert "not an ONNX model" in error.problem or "weights" in error.problem


@pytest.mark.parametrize("content", [b"", b"{}", b"\x0b", b"\x80" * 11, b"\x3a\xff\xff\xff\xff\x0f"])
def test_what_is_no_model(tmp_path, content):
    """Nothing, JSON, a group, an endless number, a length beyond the end."""
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(InputError, match="not an ONNX model"):
        onnx_file.outside(tmp_path / "model.onnx")
