"""What documents there are of each licence and language."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from refinery.run import kinds
from refinery.run.kinds import kinds_of, total, unknown_licences


@given(st.lists(st.sampled_from(["MIT", "Zlib", None])), st.integers(0, 20))
def test_counts_of_parts_are_those_of_the_whole(values, cut):
    """However documents are cut into shards, the most frequent first."""
    parts = [values[:cut], values[cut:]]
    found = total(kinds_of(pl.DataFrame({"licence": pl.Series(part, dtype=pl.String)})) for part in parts)
    expected = Counter(value or "NOASSERTION" for value in values)
    assert found["licence"] == expected
    assert [*found["licence"].values()] == sorted(expected.values(), reverse=True)


def test_rare_values_are_counted_together(monkeypatch):
    """A column that is none of licences fills no memory, and no document is uncounted."""
    monkeypatch.setattr(kinds, "MOST", 2)
    found = kinds_of(
        pl.DataFrame({"licence": ["a", "b", "b", "c", "d"], "lang": ["en", "de", None, "en", "fr"]})
    )
    assert found == {
        "licence": Counter({"b": 2, "LicenseRef-other": 2, "a": 1}),
        "lang": Counter({"en": 2, "und": 2, "de": 1}),
    }


def test_what_spdx_does_not_know_is_told():
    """With the most frequent, none first or not; nothing where all is known."""
    assert unknown_licences(Counter({"MIT": 3})) == ""
    assert unknown_licences(Counter({"LicenseRef-CC-BY": 3}), ["LicenseRef-CC-BY"]) == ""
    found = unknown_licences(
        Counter({"MIT": 3, "NOASSERTION": 2, **{f"LicenseRef-{n}": 1 for n in range(6)}})
    )
    assert found.startswith("8 of 11 documents have no licence that SPDX knows: none 2, LicenseRef-0 1, ")
    assert found.endswith("LicenseRef-3 1 and 2 more")
