"""What a source says of the columns of its documents."""

from refinery.sources.column_settings import Join, NamedColumn
from refinery.sources.documents import SourceSpec


def test_a_column_is_of_the_table_that_has_it():
    """By the name that the documents get; a column of the files is of none."""
    joins = (
        Join(("a",), ("id",), ("id",), (NamedColumn("date", "published", "date"),), identity="one"),
        Join(("b",), ("id",), ("id",), (NamedColumn("court", "court", "string"),), identity="two"),
    )
    spec = SourceSpec("s", (), joins=joins)
    assert [spec.table_of(name) for name in ("date", "court", "published")] == ["one", "two", ""]
