"""Names in a definition come from a closed set."""

import shutil

import pytest

from refinery.definition.paths import ModelUse, Paths
from refinery.errors import DefinitionError
from refinery.filters import registry
from refinery.models.model_file import BUILT_IN


def test_every_built_in_name_is_built():
    """Measurers and transforms that need no settings are built by name alone, under that name."""
    for name in ("language", "signals", "pii"):
        assert registry.measurer(name, {}).name == name
    assert registry.transform("normalize", {}).name == "normalize"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("os.system", {}, "no measurer is called 'os.system'"),
        ("signal", {}, 'did you mean "signals"'),
        ("relevance", {}, "relevance: the key 'model' is missing"),
        ("language", {"modell": "x"}, 'language.modell: unknown key; did you mean "model"?'),
        ("language", {"model": 5}, "language.model: expected the name of a model, or {file: PATH}"),
        (
            "language",
            {"model": "a/b.bin"},
            "language.model: no model is called 'a/b.bin'; a file is written {file: a/b.bin}",
        ),
    ],
)
def test_what_cannot_be_built_says_why(name, settings, message):
    """Unknown names, unknown settings, missing settings and wrong types are definition errors."""
    with pytest.raises(DefinitionError) as caught:
        registry.measurer(name, settings)
    assert message in str(caught.value)


def test_paths_and_models_are_those_of_a_definition(tmp_path):
    """A model by name or by file, relative to the definition's folder."""
    shutil.copy(BUILT_IN, tmp_path / "lid.ftz")
    paths = Paths(tmp_path, models={"lid": ModelUse(tmp_path / "lid.ftz")})
    built = [registry.measurer("language", {"model": model}, paths) for model in ("lid", {"file": "lid.ftz"})]
    assert built[0] == built[1]
    assert built[0].path == tmp_path / "lid.ftz"


def test_what_rests_on_a_model_that_is_wrong_itself_says_nothing():
    """It is told where the model is."""
    with pytest.raises(DefinitionError) as caught:
        registry.measurer("language", {"model": "lid"}, Paths(models={"lid": None}))
    assert caught.value.problems == ()


def test_settings_of_all_names_are_known():
    """Of those too that need a model."""
    assert {"language", "signals", "neural"} <= registry.MEASURERS.settings().keys()
    assert set(registry.TRANSFORMS.settings()) == {
        "normalize", "html", "lines", "pii", "replace", "simplified", "unwrap",
    }  # fmt: skip
