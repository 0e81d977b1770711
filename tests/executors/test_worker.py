"""What happens in a worker around a unit."""

from refinery.executors.worker import differences, versions


def test_versions_that_decide_bytes_are_compared():
    """Only packages that both machines have: one that is missing where it is needed is an error of its own."""
    own = dict(versions())
    assert {"refinery", "numba", "numpy", "polars", "pyarrow", "zstandard", "xxhash", "resiliparse"} <= set(
        own
    )
    assert differences(versions()) == ""
    assert differences((("no such package", "1"), *versions())) == ""
    assert (
        differences((("numba", "0.1"), ("polars", own["polars"])))
        == f"has numba {own['numba']} instead of 0.1"
    )
