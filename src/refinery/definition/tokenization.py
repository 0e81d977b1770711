"""The key `tokenize` of an output."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from refinery.definition.values import Model, WrittenPath


class Tokenization(Model):
    """What makes token ids of an output's documents."""

    file: WrittenPath = Field(description="tokenizers JSON file, on this machine; relative to the definition")
    eod: str | None = Field(
        None, min_length=1, description="token that ends each document (default: the usual one that it has)"
    )


def _file_alone(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


Tokenize = Annotated[
    Tokenization, BeforeValidator(_file_alone, json_schema_input_type=WrittenPath | Tokenization)
]
