"""Names in a definition come from a closed set."""

from pathlib import Path

import pytest

from refinery.errors import DefinitionError
from refinery.filters import registry


def test_every_built_in_name_is_built():
    """Measurers and transforms that need no settings are built by name alone, under that name."""
    for name in ("language", "signals"):
        assert registry.measurer(name, {}, Path()).name == name
    assert registry.transform("normalize", {}, Path()).name == "normalize"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("os.system", {}, "no measurer is called 'os.system'"),
        ("signal", {}, 'did you mean "signals"'),
        ("relevance", {}, "relevance needs the setting 'model'"),
        ("language", {"modell": "x"}, "no setting 'modell'; did you mean \"model\"?"),
        ("language", {"model": 5}, "language.model: "),
    ],
)
def test_what_cannot_be_built_says_why(name, settings, message):
    """Unknown names, unknown settings, missing settings and wrong types are definition errors."""
    with pytest.raises(DefinitionError) as caught:
        registry.measurer(name, settings, Path())
    assert message in str(caught.value)


def test_labels_are_known_for_language_alone():
    """The values that `lang` can take come from the model."""
    assert {"en", "zh", "und"} <= registry.labels("language", {}, Path())["lang"] | {"und"}
    assert registry.labels("signals", {}, Path()) == {}
