"""Transform `pii`: personal data and secrets become placeholders such as <EMAIL>, or go (docs/privacy.md).

    transform: [normalize, pii]
    transform: [normalize, {pii: {kinds: [email, phone, ip], action: remove}}]

What each kind is: refinery.text.pii. Applied to its own output it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from refinery.definition.values import Model
from refinery.filters.measurer import Transform

PII = 2  # the version of what counts as personal data, of the transform and the measurer
Kind = Literal["email", "phone", "ip", "card", "cn_id", "iban", "secret", "ssn", "record"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Action = Literal["replace", "remove"]


class Settings(Model):
    """What may be written in a definition for `pii`."""

    kinds: tuple[Kind, ...] = Field(KINDS, min_length=1, description="what is looked for, all unless given")
    action: Action = Field(
        "replace", description="replace: a placeholder is left, <EMAIL>; remove: nothing is"
    )


@dataclass(frozen=True)
class Pii(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing is found; NULL stays."""

    kinds: tuple[Kind, ...] = KINDS
    action: Action = "replace"
    name: str = "pii"
    version: int = PII

    @property
    def settings(self) -> Mapping[str, object]:
        """The kinds, in one order, and what becomes of them."""
        return {"kinds": [kind for kind in KINDS if kind in self.kinds], "action": self.action}

    @property
    def speed(self) -> float:
        """One walk, and a copy of what changes."""
        return 300e6

    def __call__(self, text: pa.Array) -> pa.Array:
        """The texts without personal data; what a removal brings together is looked at again."""
        from refinery.text import pii
        from refinery.text.batch import TextBatch

        marks = tuple(f"<{kind.upper()}>" if self.action == "replace" else "" for kind in KINDS)
        rows, part = np.arange(len(text)), text
        while len(rows):
            batch = TextBatch.from_arrow(part)
            found = pii.find(batch, self.kinds)
            changed = np.unique(found.document)
            rows = rows[changed]
            part = pii.replace(batch, found, marks).to_arrow().take(pa.array(changed))
            text = _with_rows(text, rows, part)
        return text


def _with_rows(text: pa.Array, rows: np.ndarray, new: pa.Array) -> pa.Array:
    """The texts with new ones in some rows, which ascend."""
    if not len(rows):
        return text
    mask = np.zeros(len(text), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(text, pa.array(mask), new)


def build(settings: Settings) -> Pii:
    """The transform."""
    return Pii(settings.kinds, settings.action)
