"""What is told of recall, as files."""

from pathlib import Path

import pytest

from refinery.errors import DamagedFile
from refinery.recall.account import Interval, Recalled, read_account
from tests.report.test_recall import RECALLED


def test_an_account_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What is gone, or is another thing, is damage with its place."""
    file = tmp_path / "recall.json"
    with pytest.raises(DamagedFile):
        read_account(Recalled, file)
    file.write_text(RECALLED.model_dump_json())
    assert read_account(Recalled, file) == RECALLED
    with pytest.raises(DamagedFile) as caught:
        read_account(Interval, file)
    assert caught.value.place == str(file)


def test_an_interval_reads_as_a_number_and_its_bounds() -> None:
    """With three digits."""
    assert str(Interval(value=0.91234, low=0.8, high=1)) == "0.912 (0.800 to 1.000)"
