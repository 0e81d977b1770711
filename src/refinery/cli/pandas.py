"""pandas, which no command needs and Arrow imports by itself."""

from __future__ import annotations

import sys


def leave_out_pandas() -> None:
    """Lets Arrow take pandas for not installed until something asks for a frame.

    Arrow looks for it at the first array of a process, to know what is of it: a quarter of the time of a short
    command. For those alone in which no code of other packages makes arrays of pandas' columns.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _Absent)
    try:
        import pyarrow as pa

        pa.array([])
    finally:
        sys.meta_path.remove(_Absent)


class _Absent:
    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
