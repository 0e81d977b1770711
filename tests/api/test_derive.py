"""Columns that SQL computes of others."""

import pyarrow as pa
import pytest

import refinery
from refinery.errors import DefinitionError, InputError
from tests.api.tables import KINDS, in_form, rows_of
from tests.conftest import PIPELINE

ROWS = {"words": [10, 60], "lines": [5, 4]}


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_computed_in_order(kind):
    """On every kind of table; a column may read those before it."""
    found = refinery.derive(in_form(kind, ROWS), {"a_line": "words / lines", "many": "a_line > 3.5"})
    assert rows_of(found) == [
        {"words": 10, "lines": 5, "a_line": 2.0, "many": False},
        {"words": 60, "lines": 4, "a_line": 15.0, "many": True},
    ]


def test_derived_is_what_a_run_derives(data_repository):
    """The same values, by the same names, among the measurements of an output."""
    derived = {"letters": "chars - words", "dense": "letters > 300"}
    file = data_repository / "pipeline.yaml"
    written = f"derive: {{letters: '{derived['letters']}', dense: '{derived['dense']}'}}"
    file.write_text(PIPELINE.replace("    measure: [", f"    {written}\n    measure: ["))
    ran = refinery.run(file, workers=1, progress=False)["unique"].measurements().collect()
    own = refinery.derive(ran.drop("letters", "dense"), derived)
    assert own.select("letters", "dense").equals(ran.select("letters", "dense"))
    assert ran["dense"].n_unique() == 2


def test_what_is_wrong_is_told():
    """Every expression by its name, and a name that is taken."""
    table = pa.table(ROWS)
    with pytest.raises(DefinitionError) as error:
        refinery.derive(table, {"a": "wrods / 2", "b": "words +"})
    assert error.value.problems[0] == 'a: no column "wrods"; did you mean "words"?'
    assert error.value.problems[1].startswith("b: not a SQL expression")
    with pytest.raises(InputError, match="has a column 'lines' already"):
        refinery.derive(table, {"lines": "words / 2"})
