"""What a source carries of the columns of a file."""

import pyarrow as pa
import pytest

from refinery.errors import InputError
from refinery.sources.column_settings import Join, NamedColumn
from refinery.sources.documents import SourceSpec
from refinery.sources.source_schema import carried_fields, carried_schema


def test_two_columns_of_one_name_are_an_error():
    """Unless one of them is left out or named otherwise."""
    schema = pa.schema([("date", pa.string()), ("published", pa.string())])
    named = NamedColumn("date", "published", "date")
    with pytest.raises(InputError, match=r"a column 'date' besides 'published'.*drop: \[date\]"):
        carried_schema(schema, SourceSpec("s", (), columns=(named,)), "a")
    assert carried_schema(schema, SourceSpec("s", (), columns=(named,), drop=("date",)), "a").names == [
        "date"
    ]
    swapped = (named, NamedColumn("published", "date"))
    assert carried_schema(schema, SourceSpec("s", (), columns=swapped), "a").names == ["date", "published"]


def test_a_joined_column_has_its_type_and_no_column_of_the_files_is_called_so():
    """It is carried beside those that are kept, and found by its name."""
    join = Join(("t.csv",), ("id",), ("id",), (NamedColumn("year", "Year", "int"),))
    spec = SourceSpec("s", (), joins=(join,), keep=("url",))
    raw = pa.schema([("url", pa.string()), ("year", pa.string())])
    assert carried_schema(raw, spec, "a").types == [pa.string(), pa.int64()]
    found = carried_fields(["year", "url"], spec, lambda names: pa.schema([raw.field(n) for n in names]))
    assert {field.name: field.type for field in found} == {"url": pa.string(), "year": pa.int64()}
    with pytest.raises(InputError, match=r"'year', as a table .* `columns: {own_year: {from: year}}`"):
        carried_schema(raw, SourceSpec("s", (), joins=(join,)), "a")
