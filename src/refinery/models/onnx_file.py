"""ONNX files: checked and fingerprinted together with the files that hold their weights, which are not loaded.

A tensor kept in another file ("external data") names its place: it may lead nowhere but to a file beside the model,
and those files belong to the model's fingerprint. No other field of the format names a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import xxhash

from refinery.errors import InputError
from refinery.models import model_file

if TYPE_CHECKING:
    from google.protobuf.message import Message

MAX_BYTES = 1 << 31  # protobuf's own limit; larger models keep their weights outside
# Of all files outside: ten times the largest classifier that is of use on a corpus.
MAX_WEIGHT_BYTES = 1 << 35
_HINT = "export it again, for example with `optimum-cli export onnx`"


def model_hash(path: Path) -> str:
    """xxh3-128 in hex of the model and of the files that hold its weights; raises InputError for a bad model."""
    own = model_file.file_hash(path)
    others = [f"{name} {model_file.file_hash(path.parent / name)}" for name in outside(path)]
    return xxhash.xxh3_128_hexdigest("\n".join([own, *others]).encode()) if others else own


def outside(path: Path) -> tuple[str, ...]:
    """Names of the files that hold weights, relative to the model's folder, sorted.

    Raises InputError for what is no ONNX model, is too large, or names a file that is not below the folder, and when
    the package onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise InputError(
            str(path), "ONNX models need the package onnx", "pip install 'refinery[neural]'"
        ) from None
    with model_file.map_file(path) as content:
        if len(content) > MAX_BYTES:
            raise InputError(str(path), "larger than 2 GiB", "keep the weights in a file beside the model")
        try:
            model = onnx.load(path, format="protobuf", load_external_data=False)
            if not model.HasField("graph"):
                raise ValueError("no graph")
            names = sorted(set(_locations(model)))
        except (DecodeError, ValueError):
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


def _locations(message: Message) -> Iterator[str]:
    """Every place of external data in a message and those within it, wherever the format lets a tensor stand."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in [value] if hasattr(value, "ListFields") else value:
            if field.name == "external_data":
                yield from [inner.value] if inner.key == "location" else []
            else:
                yield from _locations(inner)
