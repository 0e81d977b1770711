"""Terms of a lexicon in key texts."""

import numpy as np
import regex
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.terms import LONGEST, build_automaton, find_terms, unit_counts

UNITS = regex.compile(
    r"(?:[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰ]|(?=\p{L})\p{Line_Break=SA}|\p{Emoji_Presentation})\p{M}*|"
    r"(?:(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰ]|\p{Emoji_Presentation})[\p{L}\p{N}\p{M}])+"
)
WORDS = [
    "a",
    "b",
    "ab",
    "heart",
    "attack",
    "heartache",
    "１",
    "é",
    "о",
    "counterrevolutionary",
    "counterrevolutions",
]
CHARACTERS = ["医", "院", "北", "京", "の", "กำ", "ท", "🎰", "漢"]
SEPARATORS = ["", " ", "-", "。", "\n"]
TEXTS = st.lists(st.sampled_from([*WORDS, *CHARACTERS, *SEPARATORS, *SEPARATORS]), max_size=40).map("".join)
TERMS = st.lists(
    st.lists(st.sampled_from([*WORDS, *CHARACTERS, " "]), min_size=1, max_size=5).map("".join), max_size=12
)
FOLDING = fold.tables(simplified=False)


def keys_of(texts: list[str]) -> TextBatch:
    return fold.fold_texts(TextBatch.from_texts(texts), FOLDING)


def reference(text: str, terms: list[str]) -> tuple[int, int, int, int]:
    """Leftmost-longest over lists of units."""
    units = UNITS.findall(text)
    wanted = {tuple(UNITS.findall(term)) for term in terms} - {()}
    found, at = [], 0
    while at < len(units):
        runs = [tuple(units[at : at + size]) for size in range(len(units) - at, 0, -1)]
        term = next((run for run in runs if run in wanted), None)
        found += [term] if term else []
        at += len(term or "-")
    return len(found), len(set(found)), sum(map(len, map("".join, found))), sum(map(len, units))


@given(texts=st.lists(TEXTS, max_size=4), terms=TERMS)
def test_terms_are_found_as_a_plain_search_finds_them(texts, terms):
    """Count, different ones and characters, leftmost-longest, whole words and any characters, over several texts."""
    term_keys, keys = keys_of(terms), keys_of(texts)
    found = find_terms(keys, len(terms), build_automaton(term_keys, FOLDING), FOLDING)
    plain = [one.to_arrow().to_pylist() for one in (keys, term_keys)]
    assert np.column_stack(found).tolist() == [list(reference(text, plain[1])) for text in plain[0]]


@given(text=TEXTS)
def test_units_are_words_and_characters(text):
    """A mark belongs to what it follows."""
    keys = keys_of([text])
    assert unit_counts(keys, FOLDING).tolist() == [len(UNITS.findall(keys.to_arrow()[0].as_py()))]


def test_many_terms_are_all_found():
    """More than the filter's bits tell apart; each stands once in the text that lists them."""
    terms = [f"t{n} {n % 97}" for n in range(20_000)]
    automaton = build_automaton(keys_of(terms), FOLDING)
    found = find_terms(keys_of([" x ".join(terms)]), len(terms), automaton, FOLDING)
    assert found.terms.tolist() == found.distinct.tolist() == [20_000]
    assert automaton.edges.nbytes < 40 * 4 * 20_000


def test_a_text_of_beginnings_of_a_term_is_searched_in_bounds():
    """The longest term, of which the text has all but the end again and again, is found where it ends."""
    term = "啊" * (LONGEST - 1) + "哦"
    automaton = build_automaton(keys_of([term]), FOLDING)
    found = find_terms(keys_of(["啊" * 5000 + "哦啊"]), 1, automaton, FOLDING)
    assert (found.terms[0], found.matched[0], found.characters[0]) == (1, LONGEST, 5002)
