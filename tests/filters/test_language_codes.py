import pytest

from refinery.filters.language_codes import languages


@pytest.mark.parametrize(
    ("label", "code", "script"),
    [
        ("__label__en", "en", None), ("__label__eng_Latn", "en", "Latn"), ("eng", "en", None), ("EN", "en", None),
        ("cmn_Hani", "zh", "Hani"), ("zho_Hant", "zh", "Hant"), ("yue_Hant", "yue", "Hant"),
        ("arb_Arab", "ar", "Arab"),
        ("arz_Arab", "arz", "Arab"), ("swh_Latn", "sw", "Latn"), ("ger", "de", None), ("als_Latn", "sq", "Latn"),
        ("zh-cn", "zh", None), ("zh-Hans-CN", "zh", "Hans"), ("sr_latn", "sr", "Latn"), ("und_Latn", "und", "Latn"),
        ("zxx_Zzzz", "zxx", "Zzzz"), ("__label__", "und", None), ("nob_Latn", "nb", "Latn"), ("gsw", "gsw", None),
    ],
)  # fmt: skip
def test_labels_of_every_fashion_become_one(label: str, code: str, script: str | None) -> None:
    """Two letters, three letters, with a script, with a region, with fastText's prefix."""
    assert languages([label]) == [(code, script)]


def test_wikipedias_codes_are_read_as_wikipedia_means_them() -> None:
    """In lid.176 `als` is Alemannic and `sh` Serbo-Croatian; elsewhere `als` is Tosk Albanian."""
    lid = ["__label__als", "__label__bh", "__label__eml", "__label__nah", "__label__sh", "__label__zh"]
    assert [code for code, _ in languages(lid)] == ["gsw", "bih", "eml", "nah", "hbs", "zh"]
    assert languages(["als"]) == [("sq", None)]
