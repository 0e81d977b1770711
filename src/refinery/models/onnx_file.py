"""ONNX files: checked and fingerprinted without the onnx package, together with the files that hold their weights.

Only as much of the protobuf is read as it takes to find the tensors kept in other files ("external data"): a location
may lead nowhere but to a file beside the model, and those files belong to the model's fingerprint. Field numbers are
those of onnx/onnx.proto. Weights are skipped by their length, every length is compared with the bytes that are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from pathlib import Path, PurePosixPath

import xxhash

from refinery.errors import InputError
from refinery.models import model_file

MAX_BYTES = 1 << 31  # protobuf's own limit; larger models keep their weights outside
MAX_WEIGHT_BYTES = (
    1 << 35
)  # of all files outside: ten times the largest classifier that is of use on a corpus
FIELDS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto", 22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
    "StringStringEntryProto": {},
}  # fmt: skip
_GRAPH = 7  # of ModelProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_HINT = "export it again, for example with `optimum-cli export onnx`"


def fingerprint(path: Path) -> str:
    """xxh3-128 in hex of the model and of the files that hold its weights; raises InputError for a bad model."""
    own = model_file.fingerprint(path)
    others = [f"{name} {model_file.fingerprint(path.parent / name)}" for name in outside(path)]
    return xxhash.xxh3_128_hexdigest("\n".join([own, *others]).encode()) if others else own


def outside(path: Path) -> tuple[str, ...]:
    """Names of the files that hold weights, relative to the model's folder, sorted.

    Raises InputError for what is no ONNX model, is too large, or names a file that is not below the folder.
    """
    with model_file.mapped(path) as content:
        if len(content) > MAX_BYTES:
            raise InputError(str(path), "larger than 2 GiB", "keep the weights in a file beside the model")
        try:
            names = sorted(set(_locations(content)))
        except (ValueError, IndexError, UnicodeDecodeError):
            raise InputError(str(path), "not an ONNX model, or a damaged one", _HINT) from None
    for name in names:
        _check_location(path, name)
    if sum((path.parent / name).stat().st_size for name in names) > MAX_WEIGHT_BYTES:
        raise InputError(str(path), "its weights are larger than 32 GiB", "use a smaller model")
    return tuple(names)


def _check_location(path: Path, name: str) -> None:
    """As onnxruntime does since 1.24: below the folder of the model or, for a link, of the file it leads to."""
    # "*/_ORT_MEM_ADDR_/*" is how onnxruntime marks an address in memory: never a file
    plain = name and "*" not in name and "\\" not in name and "\0" not in name
    parts = PurePosixPath(name)
    if not plain or parts.is_absolute() or ".." in parts.parts:
        raise _escapes(path, name)
    file = (path.parent / name).resolve()
    if not any(file.is_relative_to(folder) for folder in (path.parent.resolve(), path.resolve().parent)):
        raise _escapes(path, name)
    if not file.is_file():
        problem = f"its weights are in {name!r}, which is not beside it"
        raise InputError(str(path), problem, "copy the whole folder of the model")


def _escapes(path: Path, name: str) -> InputError:
    problem = f"its weights are said to be in {name!r}, which is not a file below the model's folder"
    return InputError(str(path), problem, "a model of good faith names a file beside it: do not use this one")


def _locations(content: bytes | mmap) -> Iterator[str]:
    """Every place of external data, as written; raises ValueError or IndexError for bytes that are no model."""
    graphs = 0
    waiting = [("ModelProto", 0, len(content))]
    while waiting:
        kind, start, stop = waiting.pop()
        entry = {_KEY: b"", _VALUE: b""}
        for number, low, high in _fields(content, start, stop):
            inner = FIELDS[kind].get(number)
            if inner is not None:
                graphs += kind == "ModelProto" and number == _GRAPH
                waiting.append((inner, low, high))
            elif kind == "StringStringEntryProto":
                entry[number] = content[low:high]
        if entry[_KEY] == b"location":
            yield entry[_VALUE].decode()
    if not graphs:
        raise ValueError("no graph")


def _fields(content: bytes | mmap, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field of a message that has a length; other fields are skipped."""
    while at < stop:
        tag, at = _varint(content, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(content, at)
        elif kind == 2:
            size, at = _varint(content, at)
            if size > stop - at:
                raise ValueError("a field is longer than its message")
            yield tag >> 3, at, at + size
            at += size
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("no such kind of field")
    if at > stop:
        raise ValueError("a field is longer than its message")


def _varint(content: bytes | mmap, at: int) -> tuple[int, int]:
    """A number of up to 64 bits and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number is too long")
