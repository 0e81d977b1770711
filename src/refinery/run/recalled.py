"""What is known of the models of a plan that recall has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refinery.definition.trainings import RecallTraining
from refinery.plan.result import model_name
from refinery.recall.account import MOVED, RECALLED, Moved, Recalled, read_account
from refinery.run.make import with_found

if TYPE_CHECKING:
    from refinery.plan.plan import Plan


def recalled_of(plan: Plan) -> dict[str, Recalled]:
    """How models were recalled, by name, those that are made; raises DamagedFile."""
    made = with_found(plan).made
    return {
        name: read_account(Recalled, made[model_name(name)].folder / RECALLED)
        for name, model in plan.graph.definition.pipeline.models.items()
        if isinstance(model.training, RecallTraining) and model_name(name) in made
    }


def moved_in(plan: Plan, model: str, number: int) -> Moved | None:
    """The documents that came to a round of a model and that went, None before it is made; raises DamagedFile."""
    found = with_found(plan).made.get(f"{model_name(model)}.round-{number}")
    return read_account(Moved, found.folder / MOVED) if found else None
