"""Folders to write to, of both kinds."""

import fsspec
import pytest

from refinery.storage.place import place_of


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    """An empty folder, on disk or in memory."""
    if request.param == "local":
        return tmp_path
    store = fsspec.filesystem("memory")
    store.pipe("/storage-test/x", b"")
    store.rm("/storage-test", recursive=True)
    return place_of("memory://storage-test")
