"""Measurer `quality`: the same as `relevance` under another name, so that one definition can use a model of each.

measure: [{relevance: {model: medical}}, {quality: {model: {file: dclm.bin}, label: hq}}]
"""

from __future__ import annotations

from dataclasses import replace

from refinery.filters import relevance
from refinery.filters.relevance import Relevance, Settings

__all__ = ["Settings", "build"]


def build(settings: Settings) -> Relevance:
    """The measurer; raises InputError for a model that cannot be used or a label that it does not have."""
    return replace(relevance.build(settings), name="quality")
