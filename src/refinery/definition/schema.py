"""The JSON Schema of definitions for editors, which knows the settings of each measurer and transform by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from refinery.definition.models import Pipeline

ID = "urn:refinery:definition:1"
Settings = Mapping[str, type[BaseModel]]  # by the name that a definition uses


def json_schema(
    pipeline: type[Pipeline], transforms: Settings, measurers: Settings, rule_sets: Iterable[str]
) -> dict[str, Any]:
    """The schema of a pipeline with its verbs; what there is of each kind is put where formats stand for it."""
    schema = pipeline.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    column = {"type": "string", "description": "another name for its columns"}
    kinds = {
        "Transform": _uses(transforms, definitions, {}),
        "Measurer": _uses(measurers, definitions, {"as": column}),
        "RuleSet": {"anyOf": [{"enum": [*rule_sets]}, {"type": "string", "pattern": r"/|\.ya?ml$"}]},
    }
    definitions |= kinds
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID}
    filled: dict[str, Any] = head | _filled(schema, kinds.keys())
    return filled


def _uses(settings: Settings, definitions: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A name alone, if nothing must be set, or one name with its settings; `more` properties for each."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, model in settings.items():
        schemas[name] = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= schemas[name].pop("$defs", {})
        schemas[name]["properties"] = schemas[name].get("properties", {}) | more
    alone = [name for name, schema in schemas.items() if not schema.get("required")]
    one = {"type": "object", "properties": schemas, "additionalProperties": False}
    return {"anyOf": [{"enum": alone}, one | {"minProperties": 1, "maxProperties": 1}]}


def _filled(node: Any, kinds: Collection[str]) -> Any:
    if isinstance(node, dict):
        if str(node.get("format")) in kinds:
            return {"$ref": f"#/$defs/{node['format']}"} | {k: v for k, v in node.items() if k != "format"}
        return {key: _filled(value, kinds) for key, value in node.items()}
    return [_filled(value, kinds) for value in node] if isinstance(node, list) else node
