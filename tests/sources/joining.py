"""Tables that are joined to sources in tests."""

from dataclasses import replace
from pathlib import Path

from refinery.sources.column_settings import Join
from refinery.sources.join_files import read_joined_table
from refinery.sources.joined_table import TABLE, write_joined_table


def placed(join: Join, folder: Path) -> Join:
    """The join with its table read and written to a folder of its own."""
    folder.mkdir(parents=True)
    write_joined_table(folder / TABLE, read_joined_table("source", join))
    return replace(join, table=folder)
