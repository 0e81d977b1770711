"""From a verb's name to its module."""

import sys

import pytest
from pydantic import BaseModel

from refinery.definition import verbs

PACKAGE = """
from pydantic import BaseModel

class Settings(BaseModel):
    share: float
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that offers a verb `sample`."""
    (tmp_path / "sampling.py").write_text(PACKAGE, encoding="utf-8")
    metadata = tmp_path / "sampling-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sampling\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[refinery.verbs]\nsample = sampling\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("sampling", None)


def test_each_built_in_verb_has_settings_and_is_built():
    """What `settings` and `build` are looked up by is there in every module of the closed set."""
    assert set(verbs.settings(())) == set(verbs.VERBS) == {"dedup", "select"}
    for name in verbs.VERBS:
        assert issubclass(verbs.module(name).Settings, BaseModel)
        assert callable(verbs.module(name).build)


def test_a_package_offers_a_verb(package):
    """It is known by the name of its entry point, and imported only when a stage uses it."""
    assert verbs.installed() == ("dedup", "select", "sample")
    assert set(verbs.settings(["dedup"])) == {"dedup", "select"}
    assert "sampling" not in sys.modules
    assert set(verbs.settings(["sample", "unknown"])["sample"].model_fields) == {"share"}


def test_an_unknown_verb_is_a_key_error(package):
    """The caller says what the valid names are."""
    with pytest.raises(KeyError):
        verbs.module("unknown")
