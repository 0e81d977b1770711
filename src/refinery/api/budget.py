"""Tokens and epochs for models of given sizes, on a corpus that a run wrote or of so many tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.errors import InputError
from refinery.scaling import budget as budgets

if TYPE_CHECKING:
    from refinery.api.pipeline import Pipeline
    from refinery.api.runs import Roots
    from refinery.scaling.budget import Budget
    from refinery.storage.place import Place


def budget(
    corpus: str | Path | Pipeline | float,
    params: Sequence[float],
    *,
    tokens: float | None = None,
    domain: str | None = None,
    output: str | None = None,
    roots: Roots | None = None,
) -> Budget:
    """How many tokens and epochs models of these sizes should see, and the sizes that the corpus is enough for.

    corpus: its unique tokens, or a definition that was run, the folder of it, or that of an output, whose manifest
    says them;
    params: sizes of models; tokens: that each is to be trained on, by default what is compute-optimal; domain: of
    which published numbers of repeats are given; output: of a definition, by default the first. Raises InputError for
    numbers that no corpus or model has, and for what was not run.

    >>> import refinery
    >>> found = refinery.budget(2e9, [1.3e9])
    >>> model = found.models[0]
    >>> round(model.trained / 1e9, 1), round(model.needed[0].epochs, 1)
    (29.1, 14.6)
    """
    unique = float(corpus) if isinstance(corpus, int | float) else _tokens_of(corpus, output, roots)
    return budgets.budget(unique, params, tokens=tokens, domain=domain)


def _tokens_of(run: str | Path | Pipeline, output: str | None, roots: Roots | None) -> float:
    """The tokens that an output of a run holds, by its manifest."""
    from refinery.api import runs
    from refinery.api.look import planned_run
    from refinery.plan.against import read_manifest

    folder = runs.place_of(run) if isinstance(run, str | Path) else None
    if folder is None or (not _is_output(folder) and _has_run(folder)):
        outputs = planned_run(run, None, roots, None)[0].graph.output_paths
        name = output or next(iter(outputs), None)
        if name not in outputs:
            raise InputError(
                str(run), f"it has no output {name or ''}".rstrip(), f"one of {', '.join(outputs)}"
            )
        folder = outputs[name]
    manifest = read_manifest(folder, "give the definition or an output's folder of a finished run")
    kept = manifest["kept"]["tokens"]
    if not kept:
        raise InputError(str(folder), "the run has kept no tokens")
    return float(kept)


def _is_output(folder: Place) -> bool:
    from refinery.storage.marks import MANIFEST, has_neighbours, records_of
    from refinery.storage.place import exists

    return has_neighbours(str(folder)) and exists(records_of(folder) / MANIFEST)


def _has_run(place: Place) -> bool:
    """Whether it is a definition's file, or a folder in which pipelines ran."""
    from refinery.watch.find_status import find_status

    if isinstance(place, Path) and place.is_file():
        return True
    try:
        return bool(find_status(place))
    except InputError:
        return False
