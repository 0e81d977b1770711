"""Versions of what results depend on: written into each manifest, and the same on all nodes of a run."""

from __future__ import annotations

import contextlib
import unicodedata
from functools import cache
from importlib import metadata
from typing import TypeAlias

_PACKAGES = (  # that decide the bytes of files; a package that comes under several names by all of them
    "refinery",
    "fastwarc",
    "fasttext",
    "fasttext-community",
    "fasttext-wheel",
    "ftfy",
    "idna",
    "jusText",
    "license-expression",
    "llvmlite",
    "lxml",
    "numba",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "orjson",
    "polars",
    "polars-runtime-32",
    "publicsuffixlist",
    "pyarrow",
    "regex",
    "resiliparse",
    "tokenizers",
    "trafilatura",
    "xxhash",
    "zstandard",
)
Versions: TypeAlias = tuple[tuple[str, str], ...]  # of packages that are installed, and of Unicode


@cache
def versions() -> Versions:
    """What is here of all that decides the bytes of files; packages that are not installed are left out."""
    found = [("unicode", unicodedata.unidata_version)]  # of this Python: `normalize` follows it
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append((package, metadata.version(package)))
    return tuple(found)


@cache
def differences(expected: Versions) -> str:
    """What differs here, in words; a package that one of the two machines does without makes no bytes."""
    here = dict(versions())
    wrong = [(name, here[name], there) for name, there in expected if here.get(name, there) != there]
    return ", ".join(f"has {name} {own} instead of {there}" for name, own, there in wrong)
