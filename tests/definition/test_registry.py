"""From a name to its module, of verbs; measurers and transforms are looked up in the same way."""

import sys

import pytest
from pydantic import BaseModel

from refinery.definition.registry import VERBS
from refinery.errors import DefinitionError

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
    assert set(VERBS.settings(())) == set(VERBS.built_in) == {"dedup", "mix", "passages", "select"}
    for name in VERBS.built_in:
        assert issubclass(VERBS.module(name).Settings, BaseModel)
        assert callable(VERBS.module(name).build)


def test_a_package_offers_a_verb(package):
    """It is known by the name of its entry point, and imported only when a stage uses it."""
    assert VERBS.names == ("dedup", "mix", "passages", "select", "sample")
    assert set(VERBS.settings(["dedup"])) == {"dedup", "mix", "passages", "select"}
    assert "sampling" not in sys.modules
    assert set(VERBS.settings(["sample", "unknown"])["sample"].model_fields) == {"share"}
    assert set(VERBS.settings()) == {"dedup", "mix", "passages", "select", "sample"}


def test_an_unknown_name_is_told_with_the_nearest(package):
    """Installed ones count."""
    with pytest.raises(DefinitionError, match="no verb is called 'sampel'; did you mean \"sample\""):
        VERBS.module("sampel")
