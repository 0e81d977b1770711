"""Kernels are compiled once on each machine, before its workers all do the same at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from refinery.executors.base import Unit
from refinery.executors.local import InProcess
from refinery.filters.measurer import Measurer
from refinery.run.context import Run
from refinery.run.measure import MeasureTask
from refinery.text.batch import TextBatch


def compile_kernels(run: Run, units: Sequence[Unit[MeasureTask]]) -> None:
    """Has every machine measure a sample with what is missing; what it compiled is cached on its disk.

    One unit on one worker is left to compile what it uses.
    """
    if run.executor.slots == 1 and len(units) == 1:
        return
    missing = {m.key: m.measurer for unit in units for m in unit.argument.missing}
    of = tuple(dict.fromkeys(subject for unit in units for subject in unit.of))
    samples = [Unit(measurer.name, measurer, of=of) for measurer in missing.values()]
    prepare = partial(run.executor.prepare, measure_sample)
    replace(run, executor=InProcess()).map("kernels", prepare, samples, more=True)


def measure_sample(measurer: Measurer) -> None:
    """Measures a few words, so that kernels get compiled and models read."""
    measurer(TextBatch.from_texts(["A few words, 一些字。\n\nAnd a second paragraph, to be measured."]))
