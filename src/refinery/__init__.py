"""refinery: raw text in, a training set for a domain language model out, every decision on record.

Everything but the errors' names is imported when it is first asked for: `import refinery` loads no data library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

# Packages of these names are loaded before their names are functions': a later import then leaves the names alone.
import refinery.dedup
import refinery.plan
import refinery.run

if TYPE_CHECKING:
    from refinery.api.frames import x as dedup
    from refinery.api.frames import x as plan
    from refinery.api.frames import x as run
else:
    del dedup, plan, run

__all__ = ["dedup", "plan", "run"]

def __getattr__(name: str) -> object:
    return getattr(importlib.import_module("refinery.api.frames"), "x")
