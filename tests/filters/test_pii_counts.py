"""The `pii` measurer: counts by kind."""

import pickle

from refinery.filters import pii_counts
from refinery.text.batch import TextBatch


def test_one_column_a_kind():
    """Counts of each document; empty text has none."""
    measurer = pii_counts.build(pii_counts.Settings())
    found = measurer(
        TextBatch.from_texts(["a@b.com, c@d.org 138-1234-5678", "", "SSN 078-05-1120", "x"])
    ).to_pydict()
    assert list(found) == pii_counts.SCHEMA.names
    assert found["pii_email"] == [2, 0, 0, 0]
    assert found["pii_phone"] == [1, 0, 0, 0]
    assert found["pii_ssn"] == [0, 0, 1, 0]
    assert sum(sum(column) for column in found.values()) == 4


def test_it_can_be_pickled_and_measures_an_empty_batch():
    """Workers get a copy."""
    measurer = pickle.loads(pickle.dumps(pii_counts.PiiCounts()))
    assert measurer(TextBatch.from_texts([])).num_rows == 0
    assert (measurer.settings, measurer.schema) == ({}, pii_counts.SCHEMA)
