import random
from pathlib import Path

import polars as pl
import pytest
from changed_copies import make_pool
from planting import jaccard, shingles

from tests.conftest import document

OTHERS, TOPIC = 60, 30


@pytest.fixture
def table() -> pl.DataFrame:
    """Documents of a topic in capitals, so that a word tells its side."""
    others = [document(n, 40) for n in range(OTHERS)]
    topic = [document(1000 + n, 40).upper() for n in range(TOPIC)]
    return pl.DataFrame({"text": topic + others, "hit": [True] * TOPIC + [False] * OTHERS})


def test_a_pool_is_of_the_size_and_share_that_are_asked_for(table, tmp_path: Path) -> None:
    """In text and in documents, and it tells what its files have."""
    size = 20 * int(table["text"].str.len_bytes().sum())
    made = make_pool(tmp_path / "pool", table, 0.1, size)
    found = pl.read_parquet(made.files)
    assert size <= found["text"].str.len_bytes().sum() == made.bytes < 1.1 * size
    assert len(found) == made.documents == found["id"].n_unique()
    assert found["of_topic"].sum() == made.of_topic == pytest.approx(0.1 * made.documents, rel=0.05)


def test_words_are_changed_for_words_of_the_same_side(table, tmp_path: Path) -> None:
    """About one in eight, the rest stays; the topic's are of the topic, each of its documents comes."""
    made = make_pool(tmp_path / "pool", table, 0.2, 20 * int(table["text"].str.len_bytes().sum()))
    originals = [text.split() for text in table["text"]]
    changed = words = 0
    nearest = set()
    for row in pl.read_parquet(made.files).iter_rows(named=True):
        copy = row["text"].split()
        assert row["text"].isupper() == row["of_topic"]
        alike = [sum(a == b for a, b in zip(copy, one, strict=False)) for one in originals]
        best = max(range(len(alike)), key=alike.__getitem__)
        assert len(copy) == len(originals[best])
        changed, words = changed + len(copy) - alike[best], words + len(copy)
        nearest.add(best)
    assert nearest == set(range(len(originals)))
    assert 0.08 < changed / words < 0.14  # some words are changed for the same


def test_copies_are_no_near_duplicates(tmp_path: Path) -> None:
    """Of texts with and without spaces between words."""
    texts = [document(1, 300), "".join(map(chr, random.Random(1).sample(range(0x4E00, 0x9000), 1500)))]
    for number, text in enumerate(texts):
        table = pl.DataFrame({"text": [text, document(5, 50)], "hit": [False, True]})
        made = make_pool(tmp_path / str(number), table, 0.2, 4 * len(text.encode()))
        copies = pl.read_parquet(made.files).filter(~pl.col("of_topic"))["text"].to_list()
        assert jaccard(shingles(copies[0]), shingles(copies[1])) < 0.5
