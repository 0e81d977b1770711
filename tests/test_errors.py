"""Errors cross process borders whole."""

import pickle

import pytest

from refinery.errors import (
    ConservationError,
    DamagedFile,
    DefinitionError,
    InputError,
    OutputError,
    StorageError,
    UnitFailed,
    nearest,
)


@pytest.mark.parametrize(
    "error",
    [
        DefinitionError("a: wrong", "b: wrong too"),
        InputError("f.parquet", "is not Parquet", "give it another name"),
        UnitFailed("shard 3", "ran out of memory"),
        StorageError("s3://bucket/a", "no answer"),
        OutputError("the disk is full"),
        DamagedFile("work/a.parquet", "its checksum is wrong"),
        ConservationError("one is missing"),
    ],
)
def test_an_error_survives_pickling(error):
    """Message, fields and exit code are the same on the other side."""
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))


def test_the_user_is_told_what_there_is():
    """The nearest name, else the first names and how many more there are."""
    assert nearest("langauge", ["language", "signals"]) == '; did you mean "language"?'
    assert nearest("x", [f"name{n:02}" for n in range(20)]).endswith("name11 and 8 more")
    assert nearest("x", []) == ""
