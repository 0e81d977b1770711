"""What measurers by the file of one model share: its path once it is made, and its content as a setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.errors import InputError
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.definition.paths import ModelUse


@dataclass(frozen=True)
class ModelMeasurer(Measurer):
    """Inherit from it. path: None until the model is made; fingerprint: of its file, until then how it is made."""

    path: Path | None
    fingerprint: str
    models: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def settings(self) -> Mapping[str, object]:
        """The model by its content."""
        return {"model": self.fingerprint}

    @property
    def files(self) -> tuple[Path, ...]:
        """The model."""
        return (self.path,) if self.path else ()

    @property
    def made_path(self) -> Path:
        """The path of the model, which must be made by now; raises InputError if it is not."""
        if self.path is None:
            raise InputError(self.models[0], "the model is not made yet", "run its definition")
        return self.path


def used_file(use: ModelUse, name: str) -> Path | None:
    """The file that is used: itself, or of a folder the one of that name; None until the model is made."""
    return use.path / name if use.path and use.path.is_dir() else use.path
