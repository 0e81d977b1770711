import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Sheet, Spread, documents, number, report


def test_spread_prints_the_median_between_its_bounds() -> None:
    """Three significant digits, smallest and largest in brackets."""
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2 (1 … 3)"
    assert number(1234.5) == "1,234"
    assert number(0.01234) == "0.0123"


def test_a_limit_takes_documents_evenly(tmp_path: Path) -> None:
    """Not the first ones, which are often alike."""
    pq.write_table(pa.table({"text": [str(i) for i in range(10)]}), tmp_path / "data.parquet")
    assert documents([str(tmp_path)], 5).to_pylist() == ["0", "2", "4", "6", "8"]
    with pytest.raises(SystemExit, match="no Parquet file"):
        documents([str(tmp_path / "absent.parquet")])


def test_tables_print_and_dump_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON holds the rows that the table shows."""
    sheet = Sheet("Speeds", ("what", "MB/s"), [("signals", 12.5)], ("a note",))
    report("A benchmark", [sheet], str(tmp_path / "out.json"))
    shown = capsys.readouterr().out
    assert "signals" in shown
    assert "12.5" in shown
    assert "a note" in shown
    assert json.loads((tmp_path / "out.json").read_text())["tables"][0]["rows"] == [["signals", 12.5]]
