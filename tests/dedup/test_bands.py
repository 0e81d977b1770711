import numpy as np
import pytest

from refinery.dedup.bands import (
    LONGER,
    RECALL,
    Bands,
    bands_of,
    explain_recall,
    least_jaccard,
    recall,
    split_for_recall,
)
from refinery.dedup.settings import Near
from refinery.text.minhash import band_keys, signatures_of_hashes


@pytest.mark.parametrize("num_perm", [16, 64, 112, 128, 200])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.97])
def test_the_cut_has_the_most_rows_and_then_the_fewest_bands_of_its_recall(threshold, num_perm):
    """Against all cuts of the signature; one of a single row a band where none has the recall."""
    enough = [
        (rows, -bands)
        for rows in range(1, num_perm // 2 + 1)
        for bands in range(2, num_perm // rows + 1)
        if 1 - (1 - threshold**rows) ** bands >= 0.97
    ]
    rows, bands = max(enough, default=(1, -num_perm))
    assert split_for_recall(threshold, num_perm, 0.97) == (-bands, rows)


def test_recall_equals_published_values():
    """FineWeb's 14 x 8: 56, 77, 92, 98.8 % at 0.7, 0.75, 0.8, 0.85 (arXiv 2406.17557)."""
    assert [round(recall(s, 14, 8), 3) for s in (0.7, 0.75, 0.8, 0.85)] == [0.565, 0.772, 0.924, 0.988]


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8])
def test_pairs_share_a_bucket_as_often_as_the_curve_says(threshold):
    """Of 2,500 pairs at each Jaccard similarity from 0.5 to 0.95, within three points of 1 - (1 - s^r)^b."""
    generator = np.random.default_rng(8)
    bands, rows = split_for_recall(threshold, 112, RECALL)
    for similarity in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        shared = round(240 * similarity / (1 + similarity))
        exact = shared / (240 - shared)  # two sets of 120 elements
        sets = generator.integers(0, 2**32, (2500, 2, 120), dtype=np.uint32)
        sets[:, 1, :shared] = sets[:, 0, :shared]
        signatures = signatures_of_hashes(sets.reshape(-1), np.arange(5001) * 120, 112, 1)
        signatures.flags.writeable = False
        keys = band_keys(signatures, np.arange(bands) * rows, rows)
        found = (keys[0::2] == keys[1::2]).any(axis=1).mean()
        assert found == pytest.approx(recall(exact, bands, rows), abs=0.03)


def test_bands_of_a_definition():
    """Bands and rows find 97 % at the threshold unless they are given."""
    assert bands_of(Near()) == Bands(15, 7)
    assert bands_of(Near(similarity=0.7, num_perm=128)) == Bands(*split_for_recall(0.7, 128, RECALL))
    assert bands_of(Near(bands=14, rows=8)) == Bands(14, 8)


@pytest.mark.parametrize("threshold", [0.7, 0.8, 0.9])
def test_bands_of_containment_find_what_is_half_as_long_again(threshold):
    """97 % of the pairs at the threshold in which one set has LONGER times the elements, more of equal ones."""
    near = Near(similarity=threshold, measure="containment")
    bands = bands_of(near)
    found = []
    for ratio in (LONGER, 1):
        size, generator = 200, np.random.default_rng(8)
        shared, longer = round(size * threshold), round(size * ratio)
        sets = generator.integers(0, 2**32, (2500, size + longer), dtype=np.uint32)
        sets[:, size : size + shared] = sets[:, :shared]
        bounds = np.cumsum([0, *[size, longer] * 2500])
        signatures = signatures_of_hashes(sets.reshape(-1), bounds, 112, 1)
        signatures.flags.writeable = False
        keys = band_keys(signatures, np.arange(bands.count) * bands.rows, bands.rows)
        found.append((keys[0::2] == keys[1::2]).any(axis=1).mean())
    assert found[0] >= recall(least_jaccard(near), bands.count, bands.rows) - 0.015 >= 0.955
    assert found[1] >= 0.99


def test_the_plan_tells_the_recall_of_containment_by_length():
    """The longer one document is than the other, the less is found of what it contains."""
    told = explain_recall("Near duplicates", Near(measure="containment"))
    assert told.title == "Near duplicates: 32 bands of 3 rows, from containment 0.8 on"
    at = told.columns.index("0.8")
    found = {row[0]: float(row[at]) for row in told.rows}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found["found, 1.5 x as long"] == 0.97
