"""Tables that are joined to sources in tests."""

from dataclasses import replace
from pathlib import Path

from refinery.sources.column_settings import Join
from refinery.sources.joined import TABLE, write_side_table
from refinery.sources.side_table import read_side_table


def placed(join: Join, folder: Path) -> Join:
    """The join with its table read and written to a folder of its own."""
    folder.mkdir(parents=True)
    write_side_table(folder / TABLE, read_side_table("source", join))
    return replace(join, table=folder)
