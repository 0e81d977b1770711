"""Calibration of tables and texts from Python."""

import polars as pl
import pytest

import refinery
from refinery.errors import DefinitionError, InputError
from tests.conftest import document

TABLE = pl.DataFrame({"words": [20] * 30 + [80] * 970, "tokens": [100] * 1000, "lang": ["en"] * 1000})


def test_texts_are_measured_first() -> None:
    """The rules that it gives keep the texts that published ones drop."""
    texts = [document(seed, 3) for seed in range(20)]
    found = refinery.calibrate(
        texts, ["word " * 5], rules={"long": "words >= 500"}, measure="signals", lose=0.05
    )
    measured = refinery.measure(texts, "signals")
    assert refinery.keep(measured, {"long": "words >= 500"}).num_rows == 0
    assert refinery.keep(measured, found.predicates).num_rows == 20
    assert found.junk is not None
    assert found.junk.moved == 1


def test_measured_tables_are_taken_as_they_are() -> None:
    """Rule sets keep their scope where the language is there."""
    found = refinery.calibrate(TABLE, rules=[{"long": "lang <> 'en' OR words >= 50"}], measure=[])
    assert found.predicates == {"long": "lang <> 'en' OR words >= 20"}
    assert [one.language for one in found.languages] == ["en"]


def test_mistakes_are_told() -> None:
    """Columns that are not there, shares that are none, tables without a row."""
    with pytest.raises(DefinitionError, match='long: no column "wrods"; did you mean "words"'):
        refinery.calibrate(TABLE, rules={"long": "wrods >= 50"}, measure=[])
    with pytest.raises(DefinitionError, match="lose: expected a share"):
        refinery.calibrate(TABLE, rules={"long": "words >= 50"}, lose=1.0)
    with pytest.raises(DefinitionError, match="there is no document"):
        refinery.calibrate(TABLE.clear(), rules={"long": "words >= 50"}, measure=[])
    with pytest.raises(InputError, match="has a column 'words' already"):
        refinery.calibrate(TABLE, rules={"long": "lines >= 50"}, measure="signals", text="body")
