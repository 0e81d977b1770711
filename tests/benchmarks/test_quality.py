import polars as pl
import pytest
from quality import Bands, corpus, duplicates, false_removals, losses

from tests.conftest import document

BANDS = Bands(14, 8, 0.8)


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    """Truth and decisions as the script joins them."""
    blank = {
        "label": "medical",
        "kind": "original",
        "planted_of": None,
        "jaccard": None,
        "outcome": "kept",
        "stage": None,
        "rule": None,
        "duplicate_of_id": None,
        "similarity": None,
    }
    return pl.DataFrame([{**blank, **row} for row in rows], infer_schema_length=None)


def removed(kept: str, similarity: float) -> dict[str, object]:
    return {
        "outcome": "dropped",
        "stage": "corpus",
        "rule": "near",
        "duplicate_of_id": kept,
        "similarity": similarity,
    }


def test_a_removed_duplicate_counts_as_recalled_with_the_kept_one() -> None:
    """Precision over what is kept; recall over content that the corpus has."""
    decided = frame(
        {"id": "a"},
        {"id": "b", "label": "general"},
        {"id": "c", "kind": "near", **removed("a", 0.9)},
        {"id": "d", "outcome": "dropped", "stage": "screened", "rule": "gopher.short"},
    )
    sheet = corpus(decided, "medical")
    assert [row[1:3] for row in sheet.rows] == [(1, 2), (2, 3), (1, 2), (2, 2)]
    assert sorted(losses(decided, "medical").rows) == [
        ("corpus", "near", 1, 1, 0),
        ("screened", "gopher.short", 1, 1, 1),
    ]


def test_pairs_are_held_against_the_curve() -> None:
    """A pair counts when both documents reached dedup; below the threshold nothing is promised."""
    decided = frame(
        {"id": "a"},
        {"id": "a2", "kind": "near", "planted_of": "a", "jaccard": 0.82, **removed("a", 0.82)},
        {"id": "b"},
        {"id": "b2", "kind": "near", "planted_of": "b", "jaccard": 0.72},
        {"id": "c", "outcome": "dropped", "stage": "screened", "rule": "gopher.short"},
        {"id": "c2", "kind": "near", "planted_of": "c", "jaccard": 0.84},
    )
    rows = {row[0]: row[1:6] for row in duplicates(decided, "medical", BANDS).rows}
    assert rows["near, 0.70 – 0.75"] == (1, 0, 0, 0.0, 0.0)
    assert rows["near, 0.80 – 0.85"] == (1, 0, 1, 1.0, pytest.approx(1 - (1 - 0.82**8) ** 14, abs=1e-3))


def test_a_pair_broken_by_a_third_document_proves_nothing() -> None:
    """It is counted apart, neither as found nor as missed."""
    decided = frame(
        {"id": "a", **removed("x", 0.95)},
        {"id": "x"},
        {"id": "a2", "kind": "near", "planted_of": "a", "jaccard": 0.82},
        {"id": "b"},
        {"id": "b2", "kind": "near", "planted_of": "b", "jaccard": 0.83},
    )
    rows = {row[0]: row[1:5] for row in duplicates(decided, "medical", BANDS).rows}
    assert rows["near, 0.80 – 0.85"] == (2, 1, 0, 0.0)


def test_a_removal_without_a_similar_kept_document_is_false() -> None:
    """The similarity is taken from the texts; another kept document may justify it, nothing else does."""
    texts = {name: document(seed) for name, seed in (("a", 1), ("b", 2), ("c", 3))}
    texts |= {"a2": texts["a"], "c2": texts["c"]}
    decided = frame(
        {"id": "a"},
        {"id": "b"},
        {"id": "a2", **removed("b", 0.9)},  # b is not like it, but a is
        {"id": "c2", **removed("a", 0.9)},  # nothing kept is like it
    )
    found = dict(false_removals(decided, texts, BANDS).rows)
    assert found["whose recorded document is truly below the threshold"] == 2
    assert found["false removals: no kept document at the threshold"] == 1
