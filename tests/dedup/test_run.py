import random

import numpy as np
import pytest
from scipy.sparse import csr_array

from refinery.dedup.bands import bands_of, recall
from refinery.dedup.run import dedup
from refinery.dedup.settings import Settings
from refinery.filters.verb import Removal
from refinery.text.batch import TextBatch
from refinery.text.shingles import shingle_sets
from tests.conftest import chinese_document, document
from tests.dedup.corpus import (
    SETTINGS,
    backwards,
    in_order,
    jaccard,
    near,
    of_texts,
    pair,
    run,
    set_partitions,
    words,
    write_shard,
)


def edited(text: str, seed: int, edits: int = 1) -> str:
    """The text with some of its words replaced."""
    chosen, parts = random.Random(seed), text.split(" ")
    for _ in range(edits):
        parts[chosen.randrange(len(parts))] = f"edit{chosen.randrange(10**6)}"
    return " ".join(parts)


def test_three_identical_documents_leave_one(tmp_path):
    """Exactly one survivor, the first, with verification of near duplicates on and off."""
    texts = [document(1)] * 3 + [document(2)]
    for settings in (SETTINGS, Settings(near=None), Settings(exact=False, near=near())):
        removed = of_texts(tmp_path, texts, settings)
        assert {row: kept.place for row, kept in removed.items()} == {1: (0, 0), 2: (0, 0)}
        assert all(kept.near != settings.exact for kept in removed.values())
        similarity = 1.0 if settings.compares_texts else float(np.float32(0.9999))
        assert all(kept.similarity == similarity for kept in removed.values())


def test_different_forms_of_a_text_are_exact_duplicates(tmp_path):
    """NFC and NFD, no-break and zero-width spaces, curly quotes: one cluster; different numbers: none."""
    text = 'The café "Zürich" serves crème brûlée'
    import unicodedata

    texts = [
        text,
        unicodedata.normalize("NFD", text),
        text.replace(" ", "\u00a0"),
        text.replace(" ", "\u200b"),
        text.replace('"', "”"),
        "Price list: 10 USD, 20 USD",
        "Price list: 10 USD, 30 USD",
    ]
    removed = of_texts(tmp_path, texts)
    assert {row: kept.place[1] for row, kept in removed.items()} == {1: 0, 2: 0, 3: 0, 4: 0}


def test_short_documents_are_compared_exactly_only(tmp_path):
    """1,000 different three-word documents and ten copies of one leave 1,001; empty ones are no duplicates."""
    texts = [f"word{n} sat here" for n in range(1000)] + ["cat sat here"] * 10 + ["", None, "..."] * 3
    removed = of_texts(tmp_path, texts)
    assert sorted(removed) == list(range(1001, 1010))
    assert {kept.place for kept in removed.values()} == {(0, 1000)}


def test_a_chain_does_not_lose_its_ends(tmp_path):
    """Windows of one long text, each near its neighbours: who goes has a kept one at the threshold."""
    long = words(500, 7)
    texts = [" ".join(long[10 * k : 10 * k + 200]) for k in range(30)]
    removed = of_texts(tmp_path, texts)
    assert removed
    for row, kept in removed.items():
        assert jaccard(texts[row], texts[kept.place[1]]) >= 0.8
        assert kept.similarity == pytest.approx(jaccard(texts[row], texts[kept.place[1]]), abs=1e-6)
    kept = [row for row in range(30) if row not in removed]
    assert len(kept) > 5


def test_a_shared_footer_removes_nothing(tmp_path):
    """2,000 documents whose Jaccard similarity is 0.715 each, by a footer, all stay at a threshold of 0.8."""
    footer = words(168, 1)
    texts = [" ".join(footer + words(32, 100 + n)) for n in range(2000)]
    assert 0.70 < jaccard(texts[0], texts[1]) < 0.73
    assert of_texts(tmp_path, texts) == {}


def test_pairs_of_known_similarity_are_found_as_the_curve_promises(tmp_path):
    """Of pairs at 0.5 to 0.95: none below the threshold goes, at most one point of the promise above it is lost."""
    per_level, settings = 400, Settings(near=near(0.7))
    bands = bands_of(near(0.7))
    levels = (0.5, 0.6, 0.66, 0.72, 0.76, 0.8, 0.85, 0.9, 0.95)
    pairs = [pair(level, 10 * (1000 * k + n)) for k, level in enumerate(levels) for n in range(per_level)]
    texts = [text for both in pairs for text in both]
    removed = of_texts(tmp_path, texts, settings)
    assert all(row % 2 == 1 and kept.place[1] == row - 1 for row, kept in removed.items())
    promised = found = 0.0
    for k in range(len(levels)):
        rows = range(2 * per_level * k + 1, 2 * per_level * (k + 1), 2)
        exact = [jaccard(texts[row - 1], texts[row]) for row in list(rows)[:20]]
        assert max(exact) - min(exact) < 1e-9
        gone = sum(row in removed for row in rows)
        if exact[0] < 0.7:
            assert gone == 0
        else:
            promised += recall(exact[0], bands.count, bands.rows)
            found += gone / per_level
            assert gone / per_level == pytest.approx(recall(exact[0], bands.count, bands.rows), abs=0.07)
    assert found >= promised - 0.01 * 6


@pytest.mark.parametrize("differ", ["one word in thousands", "how often a line comes"])
def test_near_copies_that_differ_have_a_similarity_below_one(tmp_path, differ):
    """Not even where all hashes of the signatures agree, or all shingles; in float32, as it is written, too."""
    long, line = words(4000, 3), " ".join(words(6, 4))
    one, other = [*long[:-1], "end"], [*long[:-1], "stop"]
    if differ == "how often a line comes":
        one, other = [line] * 20, [line] * 21
    removed = of_texts(tmp_path, [" ".join(one), " ".join(other)])
    assert removed[1].similarity > 0.99
    assert np.float32(removed[1].similarity) < 1


def planted(script: str) -> list[str]:
    """Originals of random words or characters, each before eleven copies with more and more of them replaced."""
    chosen, texts = random.Random(7), []
    separator, size, unit = (" ", 150, 10**6) if script == "en" else ("", 250, 3000)
    draw = (
        (lambda: f"w{chosen.randrange(unit)}")
        if script == "en"
        else (lambda: chr(0x4E00 + chosen.randrange(unit)))
    )
    for _ in range(120):
        text = [draw() for _ in range(size)]
        for copy in range(12):
            edited = list(text)
            for at in chosen.sample(range(size), copy):
                edited[at] = draw()
            texts.append(separator.join(edited))
    return texts


@pytest.mark.parametrize("script", ["en", "zh"])
def test_what_goes_is_what_a_comparison_of_all_pairs_removes(tmp_path, script):
    """F1 of the removed documents at least .99 at .7, .8 and .9 by the default bands, and none goes wrongly."""
    texts = planted(script)
    hashes, bounds = shingle_sets(TextBatch.from_texts(texts), 5, 8)
    _, columns = np.unique(hashes, return_inverse=True)
    sets = csr_array((np.ones(len(hashes)), columns, bounds))
    shared, sizes = (sets @ sets.T).todense(), np.diff(bounds)
    similarity = shared / (sizes[:, None] + sizes - shared)
    for threshold in (0.7, 0.8, 0.9):
        kept: list[int] = []
        for row in range(len(texts)):
            if not kept or similarity[row, kept].max() < threshold:
                kept.append(row)
        expected = set(range(len(texts))) - set(kept)
        removed = of_texts(tmp_path / f"{threshold}", texts, Settings(near=near(threshold)))
        assert all(similarity[row, entry.place[1]] >= threshold for row, entry in removed.items())
        assert 2 * len(expected & removed.keys()) / (len(expected) + len(removed)) >= 0.99


def test_documents_of_an_earlier_corpus_are_never_removed(tmp_path):
    """Against an earlier corpus, 50 seen documents go, exact or edited, each with its match, and it stays whole."""
    old = [document(n) for n in range(100)] + [document(3)]
    seen = [document(n) if n % 2 else edited(document(n), n) for n in range(50)]
    new = seen + [document(n) for n in range(1000, 1050)]
    shards = [
        write_shard(tmp_path / "old.parquet", old, [[9.0] * 101], earlier=True, source="earlier"),
        write_shard(tmp_path / "new.parquet", new, [[0.0] * 100]),
    ]
    removed = run(tmp_path, shards)
    assert {row: kept.place for (_, row), kept in removed.items()} == {n: (0, n) for n in range(50)}
    assert [removed[1, n].similarity < 1 for n in range(50)] == [n % 2 == 0 for n in range(50)]
    assert all(kept.similarity >= 0.8 for kept in removed.values())


def test_the_preferred_document_is_kept(tmp_path):
    """Smaller preference first, the next column on a tie, not measured last, then the order of shards and rows."""
    text, like = document(1), edited(document(1), 1)
    shards = [
        write_shard(tmp_path / "0.parquet", [text, like, document(2)], [[2, None, float("nan")], [0, 0, 0]]),
        write_shard(tmp_path / "1.parquet", [like, text, document(2)], [[1, 1, None], [5, 4, 0]]),
    ]
    removed = run(tmp_path, shards)
    kept = {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)} - set(removed)
    assert kept == {(1, 1), (0, 2)}
    assert removed[1, 2].place == (0, 2)
    assert removed[0, 1].near and removed[1, 0].near and not removed[0, 0].near


def test_copies_in_one_shard_in_two_and_in_two_languages_leave_one(tmp_path):
    """The lowest shard and row survives, wherever the copies are."""
    shards = [
        write_shard(tmp_path / "0.parquet", [document(1), document(1), chinese_document(1)]),
        write_shard(tmp_path / "1.parquet", [chinese_document(1), document(1)], source="other"),
    ]
    removed = run(tmp_path, shards)
    assert {place: kept.place for place, kept in removed.items()} == {
        (0, 1): (0, 0),
        (1, 1): (0, 0),
        (1, 0): (0, 2),
    }


def test_an_exact_copy_of_a_near_duplicate_names_the_kept_document(tmp_path):
    """What it copies went too, so the one that is kept is recorded, with the similarity to that."""
    like = edited(document(1), 1)
    removed = of_texts(tmp_path, [document(1), like, like])
    assert [removed[row].place for row in (1, 2)] == [(0, 0), (0, 0)]
    assert removed[1] == removed[2] and removed[1].near and removed[1].similarity < 1


@pytest.mark.parametrize("threshold", [0.7, 0.9])
def test_result_does_not_depend_on_partitions_or_completion(tmp_path, threshold, monkeypatch):
    """One partition or many, units in order or backwards, leftovers of an earlier run: the same documents go."""
    texts = [document(n) for n in range(120)]
    texts += [edited(document(n % 40), n, 1 + n % 6) for n in range(200)] + texts[:20]
    texts += [chinese_document(n % 10) + "，" * (n % 3) for n in range(30)]
    random.Random(5).shuffle(texts)
    shards = [
        write_shard(tmp_path / f"{n}.parquet", texts[n::3], [[len(t) % 7 for t in texts[n::3]]])
        for n in range(3)
    ]
    settings = Settings(near=near(threshold))
    first = run(tmp_path, shards, settings)
    (tmp_path / "work" / "bands").mkdir()
    (tmp_path / "work" / "bands" / "000000.records").write_bytes(b"left behind")
    set_partitions(monkeypatch, 4000)
    assert run(tmp_path, shards, settings, backwards) == first
    set_partitions(monkeypatch, 30000)
    assert run(tmp_path, shards, settings) == first
    assert len(first) > 60


def test_three_documents_in_many_partitions(tmp_path, monkeypatch):
    """A tiny corpus cut far too finely works, and so does an empty shard."""
    shards = [
        write_shard(tmp_path / "0.parquet", [document(1), document(1), document(2)]),
        write_shard(tmp_path / "1.parquet", []),
    ]
    set_partitions(monkeypatch, 1)
    assert set(run(tmp_path, shards, SETTINGS)) == {(0, 1)}
    assert run(tmp_path, shards[1:], SETTINGS) == {}
    assert run(tmp_path, [], SETTINGS) == {}


def test_many_near_identical_documents_are_quick(tmp_path):
    """Thousands of pages from one template, in one bucket of every band: one stays."""
    base = words(2000, 1)
    texts = [" ".join([*base, f"w{n}"]) for n in range(4000)]
    removed = of_texts(tmp_path, texts, Settings(near=near()))
    assert set(removed) == set(range(1, 4000))


def test_what_one_document_removes_of_each_source_is_counted(tmp_path):
    """The largest near-duplicate cluster of each source, by the document that stays; exact copies are not counted."""
    base, other = words(300, 1), words(300, 2)
    many = [" ".join([*base, f"w{n}"]) for n in range(15)] + [" ".join(other)] * 30
    few = [" ".join([*other, f"w{n}"]) for n in range(4)] + [" ".join([*base, "x"])]
    shards = [write_shard(tmp_path / "0.parquet", many), write_shard(tmp_path / "1.parquet", few, source="b")]
    outcome = dedup(shards, SETTINGS, map_units=in_order, work=tmp_path / "work")
    how = "are near duplicates of one"
    assert outcome.largest == (Removal("source", 0, 14, 45, how), Removal("b", 15, 4, 5, how))
    assert dedup([], SETTINGS, map_units=in_order, work=tmp_path / "work").largest == ()


def test_dedup_of_random_corpora_equals_comparing_every_pair(tmp_path):
    """With bands of one row every near pair is a candidate: the result is that of the plain definition."""
    chosen = random.Random(3)
    bases = [words(60, n) for n in range(12)]
    texts = []
    for _ in range(150):
        text = list(chosen.choice(bases))
        start = chosen.randrange(0, 12)
        text[start : start + chosen.randrange(0, 9)] = []
        texts.append(" ".join(text))
    settings = Settings(near=near(0.75, bands=112, rows=1))
    removed = of_texts(tmp_path, texts, settings)
    kept: list[int] = []
    for row, text in enumerate(texts):
        if all(jaccard(text, texts[other]) < 0.75 for other in kept):
            kept.append(row)
    assert [row for row in range(150) if row not in removed] == kept
    for row, kept in removed.items():
        assert np.isclose(kept.similarity, jaccard(texts[row], texts[kept.place[1]]))
