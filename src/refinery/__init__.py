"""refinery: raw text in, a training set for a domain language model out, every decision on record.

Functions are imported when they are first asked for: `import refinery` loads no data library. See docs/python.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Packages whose names functions have here: what is loaded by now is not bound to its name by a later import.
import refinery.dedup
import refinery.plan
import refinery.recall
import refinery.run  # noqa: F401
from refinery.errors import (
    ConservationError,
    DamagedFile,
    DefinitionError,
    InputError,
    OutputError,
    RefineryError,
    RunError,
    StorageError,
    UnitFailed,
)
from refinery.text.kernel_cache import keep_kernels

keep_kernels()

if TYPE_CHECKING:
    from refinery.api.budget import budget
    from refinery.api.calibrate import calibrate
    from refinery.api.decide import decide, keep
    from refinery.api.dedup import dedup, duplicates
    from refinery.api.derive import derive
    from refinery.api.init import init
    from refinery.api.label import compare, label, threshold
    from refinery.api.look import diff, explain, show
    from refinery.api.measure import measure, measurer
    from refinery.api.minhash import minhash
    from refinery.api.output import Output
    from refinery.api.pipeline import Pipeline
    from refinery.api.recall import recall
    from refinery.api.results import results
    from refinery.api.runs import check, load, plan, run
    from refinery.api.train import train
    from refinery.api.transform import transform
    from refinery.definition.load import Definition
    from refinery.plan.plan import Plan

    __version__: str

__all__ = [
    "ConservationError",
    "DamagedFile",
    "Definition",
    "DefinitionError",
    "InputError",
    "Output",
    "OutputError",
    "Pipeline",
    "Plan",
    "RefineryError",
    "RunError",
    "StorageError",
    "UnitFailed",
    "__version__",
    "budget",
    "calibrate",
    "check",
    "compare",
    "decide",
    "dedup",
    "derive",
    "diff",
    "duplicates",
    "explain",
    "init",
    "keep",
    "label",
    "load",
    "measure",
    "measurer",
    "minhash",
    "plan",
    "recall",
    "results",
    "run",
    "show",
    "threshold",
    "train",
    "transform",
]
_MODULES = {
    "Definition": "definition.load",
    "Output": "api.output",
    "Pipeline": "api.pipeline",
    "Plan": "plan.plan",
    "budget": "api.budget",
    "calibrate": "api.calibrate",
    "check": "api.runs",
    "compare": "api.label",
    "decide": "api.decide",
    "dedup": "api.dedup",
    "derive": "api.derive",
    "diff": "api.look",
    "duplicates": "api.dedup",
    "explain": "api.look",
    "init": "api.init",
    "keep": "api.decide",
    "label": "api.label",
    "load": "api.runs",
    "measure": "api.measure",
    "measurer": "api.measure",
    "minhash": "api.minhash",
    "plan": "api.runs",
    "recall": "api.recall",
    "results": "api.results",
    "run": "api.runs",
    "show": "api.look",
    "threshold": "api.label",
    "train": "api.train",
    "transform": "api.transform",
}


if not TYPE_CHECKING:
    del dedup, plan, recall, run

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("refinery")
        if name not in _MODULES:
            raise AttributeError(f"module 'refinery' has no attribute {name!r}")
        return getattr(import_module(f"refinery.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
