"""The kinds of values that may be written in a definition: names, paths, quantities, shares, uses of a name."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_BYTE_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def _quantity(units: dict[str, int], example: str) -> BeforeValidator:
    def parse(value: object) -> object:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE]\+?[0-9]{1,2})?)\s*([A-Za-z]*)\s*", value)
        if not found or found[2].lower() not in units:
            raise ValueError(f"expected a number such as {example}, got {value!r}")
        return int(Decimal(found[1].replace("_", "")) * units[found[2].lower()])

    return BeforeValidator(parse, json_schema_input_type=int | str)


def parse_share(value: object, *, zero: bool = False) -> float:
    """A share of a percentage; raises ValueError with what to write for anything else. `zero`: 0% is one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(
            f"shares are percentages: write {as_percentage(value if value <= 1 else value / 100)}"
        )
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*", value) if isinstance(value, str) else None
    if not found or not (zero or Decimal(found[1])) or Decimal(found[1]) > 100:
        least = "from 0%" if zero else "above 0% and"
        raise ValueError(f"expected a percentage {least} up to 100% such as 20%, got {value!r}")
    return float(Decimal(found[1]) / 100)


def as_percentage(share: float) -> str:
    """How a share is written.

    >>> as_percentage(0.005)
    '0.5%'
    """
    return f"{(Decimal(str(share)) * 100).normalize():f}%"


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str | dict) else value


def _one_name(value: object) -> object:
    if isinstance(value, dict) and len(value) == 1:
        name, settings = next(iter(value.items()))
        if isinstance(name, str) and (settings is None or isinstance(settings, dict)):
            return value
    if not isinstance(value, str):
        raise ValueError("expected a name, or one name with its settings: NAME or {NAME: {KEY: VALUE}}")
    return value


class OneOrMore:
    """Marks a list that may be written as its only entry; editors are told what is wrong at the entry, not above."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_as_tuple, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        several = handler(schema)
        return {"if": {"type": "array"}, "then": several, "else": several["items"]}


NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=64)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | list[str])]
WrittenPath = Annotated[str, StringConstraints(min_length=1)]
WrittenPaths = Annotated[
    tuple[WrittenPath, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | list[str])
]
Columns = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1)], ...],
    BeforeValidator(_as_tuple, json_schema_input_type=str | list[str]),
]
Family = Literal[
    "qwen", "deepseek", "gpt", "llama", "mistral"
]  # of tokenizers, for which tokens are estimated
DEFAULT_FAMILY: Family = "qwen"
TokenCount = Annotated[int, _quantity(_UNITS, "500M or 2B"), Field(gt=0)]
ByteCount = Annotated[int, _quantity(_BYTE_UNITS, "256MiB"), Field(gt=0)]
Percentage = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?%$")]  # how a share is written
Share = Annotated[
    float,
    BeforeValidator(parse_share, json_schema_input_type=Percentage),
    PlainSerializer(as_percentage, when_used="json"),
]
ShareOrNone = Annotated[  # 0% is one
    float,
    BeforeValidator(partial(parse_share, zero=True), json_schema_input_type=Percentage),
    PlainSerializer(as_percentage, when_used="json"),
]
# A name alone, or {name: {settings}}. The formats are where `schema.py` puts what there is of each kind.
Use = Annotated[str | dict[str, Any], BeforeValidator(_one_name)]
TransformUse = Annotated[Use, WithJsonSchema({"format": "Transform"})]
MeasurerUse = Annotated[Use, WithJsonSchema({"format": "Measurer"})]
TransformUses = Annotated[tuple[TransformUse, ...], OneOrMore()]
MeasurerUses = Annotated[tuple[MeasurerUse, ...], OneOrMore()]
RuleSetName = Annotated[str, StringConstraints(min_length=1), WithJsonSchema({"format": "RuleSet"})]


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
