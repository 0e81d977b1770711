"""Arrow without pandas."""

import subprocess
import sys

CODE = """
import sys
from refinery.cli.pandas import leave_out_pandas
leave_out_pandas()
import pyarrow as pa
made = pa.array(["a", None])
print("pandas" in sys.modules, pa.table({"a": made}).to_pandas()["a"].isna().tolist())
import pandas
print(pa.array(pandas.Series([1.0, float("nan")])).null_count)
"""


def test_pandas_is_imported_when_it_is_asked_for():
    """An array of Python's values does not ask for it; a frame does, and then its NaN is NULL as ever."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False [False, True]", "1"]
