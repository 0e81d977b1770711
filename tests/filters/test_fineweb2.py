"""FineWeb-2's table: what sets and stop words it gives."""

import re

import pytest

from refinery.definition.paths import FINEWEB2
from refinery.filters.fineweb2 import BOUNDS, codes, configurations, predicates, thresholds
from refinery.filters.rules import load_rule_set
from refinery.filters.signals import stop_word_lists


def limits(name):
    """Predicate of each rule of a set."""
    return {rule: predicate for rule, predicate, _ in predicates(thresholds(name))}


def test_all_languages_of_fineweb2_are_there():
    """1,929 configurations; those that lid.176 labels have a code, the one of the commonest script."""
    assert len(configurations()) == len(set(configurations())) == 1929
    found = [codes()[code] for code in ("sw", "uk", "vi", "fa", "sr", "nn", "zh", "ceb")]
    assert found == [
        "swh_Latn", "ukr_Cyrl", "vie_Latn", "fas_Arab", "srp_Cyrl", "nno_Latn", "cmn_Hani", "ceb_Latn",
    ]  # fmt: skip
    assert len(codes()) > 160
    assert "xh" not in codes()  # lid.176 does not label it
    assert thresholds("sw") == thresholds("swh_Latn") == thresholds("fineweb2/swh_Latn")
    assert thresholds("swx") is None


def test_figures_are_those_of_fineweb2():
    """Swahili's file, figure by figure."""
    found = thresholds("sw").limits
    assert (found["dup_line_frac"], found["line_punct_thr"], found["new_line_ratio"]) == (0.302, 0.143, 0.167)
    assert (found["max_avg_word_length"], found["max_non_alpha_words_ratio"]) == (9, 0.802)
    assert [found[f"top_{n}gram"] for n in (2, 3, 4)] == [0.396, 0.282, 0.231]
    assert [found[f"dup_{n}gram"] for n in range(5, 11)] == [0.193, 0.17, 0.155, 0.14, 0.126, 0.113]
    assert thresholds("sw").stopwords == ("ya", "na", "wa", "katika", "kwa", "ni", "la", "za", "mwaka")


def test_the_lists_that_are_always_counted_are_the_same():
    """One list of a language, whoever asks for it."""
    for language, words in stop_word_lists().items():
        assert language == "en" or set(words) == set(thresholds(language).stopwords), language


def test_absurd_limits_are_bounded_and_the_source_says_so():
    """Words of 3,141 letters, seven newlines a word; limits that can drop nothing make no rule."""
    found = {rule: (sql, source) for rule, sql, source in predicates(thresholds("xho_Latn"))}
    assert found["long_words"] == (
        "mean_space_word_length <= 40",
        "huggingface/fineweb-2 configs/xho_Latn.yml (max_avg_word_length: 3141)",
    )
    assert "top_2gram" not in found
    assert limits("snd_Arab")["newline_ratio"] == f"unwrapped_line_ratio <= {BOUNDS['new_line_ratio']}"
    assert "line_punct_ratio" not in limits("de")
    assert "short_words" not in limits("de")


@pytest.mark.parametrize("name", ["tha_Thai", "lao_Laoo", "khm_Khmr", "mya_Mymr", "lzh_Hani", "bod_Tibt"])
def test_scripts_without_spaces_have_limits_by_letters(name):
    """No rule on words between spaces or n-grams of words, and more letters than words."""
    found = limits(name)
    assert not [sql for sql in found.values() if "space_word" in sql or "gram" in sql]
    assert int(re.search(r"\d+$", found["short"])[0]) in (75, 80, 150)


def test_every_set_loads():
    """A sample over all scripts: names of rules, a language, and a predicate of a column, a sign and a number."""
    for name in configurations()[::40]:
        found = load_rule_set(FINEWEB2 + name)
        assert all(re.fullmatch(r"\w+ [<>]= [\d.]+", rule.predicate) for rule in found.rules)
        assert all(rule.name.startswith(f"{name}.") for rule in found.rules)
        assert re.fullmatch("[a-z]{2,3}", found.languages[0])
