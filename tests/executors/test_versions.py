"""Versions of what results depend on."""

import importlib.metadata
import json

from refinery.executors.versions import differences, versions


def test_versions_that_decide_bytes_are_compared():
    """Only packages that both machines have: one that is missing where it is needed is an error of its own."""
    own = dict(versions())
    assert {"refinery", "numba", "numpy", "polars", "pyarrow", "zstandard", "xxhash", "resiliparse"} <= set(
        own
    )
    assert differences(versions()) == ""
    assert differences((("no such package", "1"), *versions())) == ""
    assert (
        differences((("numba", "0.1"), ("polars", own["polars"])))
        == f"has numba {own['numba']} instead of 0.1"
    )


def test_a_package_under_another_name_ends_no_run(data_repository, refinery, monkeypatch):
    """Another distribution of fastText, say: the manifest names what is there, with the version of each."""
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "fasttext-community":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions.cache_clear()
    try:
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    finally:
        versions.cache_clear()
    assert code == 0, err
    found = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())["versions"]
    assert "fasttext-community" not in found
    assert {"python", "unicode", "numba", "llvmlite", "polars"} <= found.keys()
    assert found["numpy"] == real("numpy")
