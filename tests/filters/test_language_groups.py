import pytest

from refinery.filters.language_codes import languages
from refinery.filters.language_groups import NEAR, groups, scripts_of
from refinery.models import model_file
from refinery.text.writing import SCRIPTS

CODES = sorted({code for code, _ in languages(model_file.labels(model_file.BUILT_IN))})


def test_every_language_of_the_shipped_model_has_a_known_script() -> None:
    """And every script is one that texts are measured for."""
    for code in CODES:
        assert scripts_of(code) <= set(SCRIPTS), code


@pytest.mark.parametrize(
    ("code", "scripts"), [("sr", {"Cyrl", "Latn"}), ("ja", {"Hani", "Hira", "Kana"}), ("en", {"Latn"})]
)
def test_scripts(code: str, scripts: set[str]) -> None:
    """Of languages with one and with several."""
    assert scripts_of(code) == scripts


def test_groups_do_not_overlap() -> None:
    """A language is in one group; the languages of the model that are near keep its other labels apart."""
    members = [code for group in NEAR.values() for code in group]
    assert len(members) == len(set(members))
    assert (
        dict(zip(CODES, groups(CODES), strict=True)).items()
        >= {"da": "da-no", "sv": "sv", "yue": "zh"}.items()
    )
