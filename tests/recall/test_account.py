"""What is told of recall, as files."""

from pathlib import Path

import pytest

from refinery.errors import DamagedFile
from refinery.recall.account import Moved, Recalled, read_account
from tests.report.test_recall import RECALLED


def test_an_account_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What is gone, or is another thing, is damage with its place."""
    file = tmp_path / "recall.json"
    with pytest.raises(DamagedFile):
        read_account(Recalled, file)
    file.write_text(RECALLED.model_dump_json())
    assert read_account(Recalled, file) == RECALLED
    with pytest.raises(DamagedFile) as caught:
        read_account(Moved, file)
    assert caught.value.place == str(file)
