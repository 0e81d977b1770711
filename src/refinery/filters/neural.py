"""Measurer `neural`: the score of a transformer classifier or regressor, as FineWeb-Edu's, exported to ONNX.

    measure: [{neural: {model: {file: models/edu}}}]              # a folder: model.onnx and tokenizer.json
    measure: [{neural: {model: toxic, label: toxic, as: toxic}}]  # a model by name, one label of several
    keep: [{educational: "neural >= 2.5"}]

A model with one output is a regressor: the value is what it gives. Of several outputs `label` says whose probability
is wanted, by softmax, or by sigmoid if config.json beside the model says that labels do not exclude each other.

A document without a token has no score: NULL, which no rule keeps. (0 would not do: a regressor's scale can have its
best, its worst or its middle there.)

On a CPU each document goes through the model alone, unpadded. Beyond some 50 tokens this is as fast as any batch, and
a value depends on the model and the text only, bit for bit, not on which other documents reach the stage. On a GPU
documents of like length share a call of `batch_tokens`; the last digits may then differ from a CPU's, and with the
documents that share the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StrictInt, StrictStr, ValidationError

from refinery.definition.paths import FilePath, ModelPath
from refinery.definition.values import Model
from refinery.errors import InputError
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.models.neural import Files
    from refinery.text.batch import TextBatch

MODEL, TOKENIZER, CONFIG = "model.onnx", "tokenizer.json", "config.json"
Activation = Literal["none", "softmax", "sigmoid"]


class Settings(Model):
    """A model, how much of a text it sees, and the label whose probability is wanted."""

    model: ModelPath = Field(description="an ONNX file, or a folder with model.onnx")
    tokenizer: FilePath | None = Field(
        None, description="tokenizers JSON file (default: tokenizer.json beside the model)"
    )
    max_tokens: int = Field(512, ge=1, le=1 << 17, description="the model sees no more of a text's beginning")
    label: StrictInt | StrictStr | None = Field(
        None, description="number or name of the output whose probability is wanted, if there are several"
    )
    batch_tokens: int = Field(16384, ge=1, description="tokens, with padding, that a GPU takes at once")
    gpus: float = Field(0, ge=0, le=1, description="share of a GPU that a worker needs; 0: the CPU")


class _Config(BaseModel):
    """What is used of a Hugging Face config.json."""

    id2label: dict[int, str] = {}
    problem_type: str | None = None
    pad_token_id: int | None = None


@dataclass(frozen=True)
class Neural(Measurer):
    """One float32 column, called as the measurer; NULL for a text without a token.

    label: output whose probability is the value, None for the only output's own value; pad: the token that fills
    shorter documents of a batch on a GPU. It is costly: it sees only documents that reach its stage.
    """

    model: Files
    max_tokens: int
    label: int | None
    activation: Activation
    pad: int = 0
    batch_tokens: int = 16384
    gpus: float = 0.0
    name: str = "neural"
    version: int = 1
    costly: bool = True

    @property
    def speed(self) -> float:
        """Of a small model without a GPU."""
        return 50e3

    @property
    def settings(self) -> Mapping[str, object]:
        """Model and tokenizer by their content, and what is read of text and output; not where it is computed."""
        return {
            "model": self.model.model_hash,
            "tokenizer": self.model.tokenizer_hash,
            "max_tokens": self.max_tokens,
            "label": self.label,
            "activation": self.activation,
        }

    @property
    def files(self) -> tuple[Path, ...]:
        """Model and tokenizer, and the files in which the model keeps its weights; raises InputError."""
        from refinery.models import onnx_file

        model, tokenizer = self.model.model, self.model.tokenizer
        return (model, tokenizer, *(model.parent / name for name in onnx_file.outside(model)))

    @property
    def schema(self) -> pa.Schema:
        """One column."""
        return pa.schema([(self.name, pa.float32())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError for a model that changed, fails on a text or gives NaN."""
        from refinery.models.neural import load_neural

        cuda = self.gpus > 0
        model = load_neural(self.model, self.max_tokens, cuda=cuda)
        values, absent = np.zeros(len(batch), np.float32), np.ones(len(batch), np.bool_)
        for documents, logits in model.logits(batch, self.batch_tokens if cuda else 0, self.pad):
            values[documents] = self._value(logits)
            absent[documents] = False
        return pa.RecordBatch.from_arrays([pa.array(values, mask=absent)], schema=self.schema)

    def _value(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (documents) of float32 (documents, outputs); between them float64."""
        from refinery.text.elementary import exps

        wide = logits.astype(np.float64)
        column = wide[:, self.label or 0]
        if self.activation == "softmax":
            powers = exps((wide - wide.max(1, keepdims=True)).ravel()).reshape(wide.shape)
            column = powers[:, self.label or 0] / powers.sum(1)
        elif self.activation == "sigmoid":
            column = 1 / (1 + exps(-column))
        return column.astype(np.float32)


def build(settings: Settings) -> Neural:
    """The measurer; tries the model once. Raises InputError for files that cannot be used, or a wrong label."""
    from refinery.models import neural

    model = settings.model / MODEL if settings.model.is_dir() else settings.model
    tokenizer = settings.tokenizer or model.with_name(TOKENIZER)
    config = _config((model.with_name(CONFIG), tokenizer.with_name(CONFIG)))
    files = neural.find(model, tokenizer)
    outputs = neural.outputs(files, settings.max_tokens)
    label = _choose(settings.label, outputs, config.id2label, str(model))
    several: Activation = "none" if label is None else "softmax"
    activation = "sigmoid" if config.problem_type == "multi_label_classification" else several
    return Neural(
        files, settings.max_tokens, label, activation, config.pad_token_id or 0, settings.batch_tokens,
        settings.gpus,
    )  # fmt: skip


def _config(candidates: tuple[Path, ...]) -> _Config:
    """The first config.json there is; models work without one, by numbers."""
    for path in candidates:
        if path.is_file():
            try:
                return _Config.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                problem = f"not a usable config.json: {str(error).splitlines()[0]}"
                raise InputError(str(path), problem, "copy it again, or remove it") from None
    return _Config()


def _choose(wanted: int | str | None, outputs: int, names: Mapping[int, str], place: str) -> int | None:
    if wanted is None and outputs == 1:
        return None
    numbers = {name: number for number, name in names.items() if 0 <= number < outputs}
    found = numbers.get(wanted, -1) if isinstance(wanted, str) else -1 if wanted is None else wanted
    if outputs > 1 and 0 <= found < outputs:
        return found
    if outputs == 1:
        raise InputError(place, f"there is no label {wanted!r}: the model gives one score", "leave label out")
    problem = f"the model gives {outputs} outputs" if wanted is None else f"no label {wanted!r}"
    named = f": {', '.join(list(numbers)[:20])}" if numbers else f" up to {outputs - 1}"
    raise InputError(place, problem, f"set label to a number from 0{named}")
