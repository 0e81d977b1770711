"""Items found in documents by n-grams, against sets of tuples of words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup.items import make_items, tokens_of
from refinery.dedup.overlap import find_grams
from refinery.definition.protections import Overlap
from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts
from refinery.text.overlap import cover, look_up, uncommon_bytes, write_filter

WORDS = ("a", "be", "Sea", "été", "x̂y", "法", "律", "第", "三条", "ก็", "가나", "3", "longerword")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).flatmap(
    lambda words: st.lists(
        st.sampled_from((" ", "", ", ", "。")), min_size=len(words), max_size=len(words)
    ).map(lambda ends: "".join(w + e for w, e in zip(words, ends, strict=True)))
)
SETTINGS = Overlap(words=3, chars=4, whole=4, shortest=2, common=None)


def words_of(text: str) -> list[str]:
    """Tokens of a key text: words, and characters of unspaced scripts with their marks."""
    found: list[str] = []
    open_word = False
    for char in key_texts(TextBatch.from_texts([text])).to_arrow()[0].as_py():
        mark = char in "\u0302\u0301\u0e47"
        unspaced = "\u4e00" <= char <= "\u9fff" or ("\u0e00" <= char <= "\u0e46")
        if char == " ":
            open_word = False
        elif mark and found:
            found[-1] += char
        elif unspaced or not open_word:
            found.append(char)
            open_word = not unspaced
        else:
            found[-1] += char
    return found


def is_char(token: str) -> bool:
    return "\u4e00" <= token[0] <= "\u9fff" or "\u0e00" <= token[0] <= "\u0e46"


def windows(tokens: list[str], words: int, chars: int) -> list[tuple[str, ...]]:
    """From each token on the shortest run that weighs enough."""
    found = []
    for start in range(len(tokens)):
        weight, stop = 0, start
        while stop < len(tokens) and weight < words * chars:
            weight += words if is_char(tokens[stop]) else chars
            stop += 1
        if weight >= words * chars:
            found.append(tuple(tokens[start:stop]))
    return found


def share(item: str, document: str, overlap: Overlap) -> float:
    """Of what the n-grams of an item cover, in bytes of its key text, the share of those that a document has too."""
    tokens, other = words_of(item), words_of(document)
    grams = windows(tokens, overlap.words, overlap.chars)
    if not windows(tokens, *overlap.whole_unit):
        inside = any(other[k : k + len(tokens)] == tokens for k in range(len(other)))
        return float(inside and bool(windows(tokens, *overlap.shortest_unit)))
    there = set(windows(other, overlap.words, overlap.chars))
    key = key_texts(TextBatch.from_texts([item])).to_arrow()[0].as_py()
    at, places = 0, []
    for token in tokens:
        at = key.index(token, at)
        places.append((at, at + len(token)))
        at += len(token)
    covered, telling = set(), set()
    for start, gram in enumerate(grams):
        place = range(places[start][0], places[start + len(gram) - 1][1])
        telling.update(place)
        if gram in there:
            covered.update(place)
    size, of_all = (sum(len(key[n].encode()) for n in chosen) for chosen in (covered, telling))
    return size / of_all


def best_of(overlap: Overlap, items: list[str], documents: list[str]) -> list[tuple[int, float]]:
    """For each document the item and its share, by the kernels."""
    keys = key_texts(TextBatch.from_texts(items)).to_arrow()
    known = make_items(overlap, keys, np.arange(len(items)))
    row, gram, _ = find_grams(overlap, known, TextBatch.from_texts(documents))
    pairs = np.unique(np.column_stack([row, gram]), axis=0).reshape(-1, 2)
    bounds = np.searchsorted(pairs[:, 0], np.arange(len(documents) + 1))
    best, shares = [-1] * len(documents), [0.0] * len(documents)
    grams = np.ascontiguousarray(pairs[:, 1])
    found = cover(bounds, grams, np.empty(0, np.int64), known, overlap.covered)
    for document, item, of_item in zip(*(values.tolist() for values in found), strict=True):
        if of_item > shares[document]:
            best[document], shares[document] = item, of_item
    return list(zip(best, shares, strict=True))


@settings(max_examples=150, deadline=None)
@given(items=st.lists(TEXTS, min_size=1, max_size=4), data=st.data())
def test_the_item_and_its_share_are_those_of_sets_of_words(items, data):
    """Words, characters and both mixed, short items as a whole, of several the one of which most is there."""
    long_enough = [one for one in items if windows(words_of(one), *SETTINGS.shortest_unit)]
    items = long_enough or ["a be sea"]
    piece = st.one_of(TEXTS, st.sampled_from(items), st.sampled_from(items).map(lambda one: one[3:]))
    documents = data.draw(st.lists(st.lists(piece, max_size=3).map(" ".join), min_size=1, max_size=3))
    found = best_of(SETTINGS, items, documents)
    assert len(found) == len(documents)
    for document, (item, of_item) in zip(documents, found, strict=True):
        shares = [share(one, document, SETTINGS) for one in items]
        most = max(shares)
        if most < SETTINGS.covered - 1e-9:
            assert item == -1
        else:
            assert of_item == pytest.approx(most)
            assert shares[item] == pytest.approx(most)


@given(TEXTS)
def test_tokens_are_those_of_shingles(text):
    """Each word and each character with its marks, where it stands in the key text."""
    keys = key_texts(TextBatch.from_texts(["x", text]))
    tokens = tokens_of(SETTINGS, keys)
    first = tokens.bounds[1]
    spans = zip(tokens.starts[first:].tolist(), tokens.ends[first:].tolist(), strict=True)
    assert [keys.data[a:b].tobytes().decode() for a, b in spans] == words_of(text)


def test_equal_hashes_are_not_enough(monkeypatch):
    """With one hash for all n-grams, what is found is the same."""
    items = ["one two three four five six", "seven eight nine ten eleven", "two words here"]
    documents = [
        "zero one two three four five six seven",
        "eight nine ten eleven",
        "so two words here",
        "none of it",
    ]
    found = best_of(SETTINGS, items, documents)
    assert [item for item, _ in found] == [0, 1, 2, -1]
    from refinery.text import shingles

    plain = shingles.shingles_of_keys

    def equal(keys, words, chars, **options):
        hashes, bounds = plain(keys, words, chars, **options)
        return np.full_like(hashes, 7), bounds

    monkeypatch.setattr(shingles, "shingles_of_keys", equal)
    assert best_of(SETTINGS, items, documents) == found


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=50),
    st.lists(st.integers(0, 2**64 - 1), max_size=50),
    st.booleans(),
)
def test_every_hash_is_looked_up_where_it_lies(known, others, crowded):
    """Whether hashes are spread over all numbers or crowded at one end."""
    hashes = np.unique(np.array(known, np.uint64) >> np.uint64(60 if crowded else 0))
    wanted = np.concatenate([np.array(others, np.uint64), hashes])
    bits = np.zeros(64, np.uint8)
    write_filter(hashes, bits)
    found, places = np.empty(len(wanted), np.int64), np.empty(len(wanted), np.int64)
    count = look_up(wanted, hashes, bits, found, places)
    there = np.isin(wanted, hashes)
    assert found[:count].tolist() == np.flatnonzero(there).tolist()
    assert (hashes[places[:count]] == wanted[there]).all()


def test_what_too_many_items_have_says_nothing():
    """A sentence of twelve items is none of theirs; of ten it is."""
    stem = "all of these have this long beginning of words"
    for count, is_uncommon in ((12, False), (10, True)):
        texts = [f"{stem} {n} and then words{n} words{n} words{n}" for n in range(count)]
        overlap = SETTINGS.model_copy(update={"common": 0.001})
        keys = key_texts(TextBatch.from_texts(texts)).to_arrow()
        known = make_items(overlap, keys, np.arange(count))
        covered = uncommon_bytes(0, np.empty(0, np.int64), known)
        assert (covered == len(keys[0].as_py())) == is_uncommon
        (found,) = best_of(overlap, texts, [stem])
        assert (found[0] == -1) != is_uncommon
