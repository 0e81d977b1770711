"""Features: the types of an output's columns in the form of the Hugging Face hub, for files that do not hold them.

`datasets` reads JSON Lines by the features of the card, where there are some, else it guesses by what it meets first.
The form is that of `datasets.Features._to_yaml_list`.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from refinery.sources.types import is_bytes, is_list, is_text, plain
from refinery.storage.marks import is_json_text

_NAMES = {  # where the hub's is not Arrow's
    pa.float16(): "float16",
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.date32(): "date32",
    pa.date64(): "date64",
}

_AS_TEXT = (pa.types.is_decimal, pa.types.is_duration, pa.types.is_time)


def hub_features(schema: pa.Schema) -> list[dict[str, Any]] | None:
    """The types that JSON Lines of a schema are read as, None where a column's values can be of any type.

    What JSON has no form for is a string there, see `storage.write.json_lines`, but instants and days are read back.

    >>> hub_features(pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string()))]))
    [{'name': 'id', 'dtype': 'int64'}, {'name': 'tags', 'list': 'string'}]
    """
    found = [None if is_json_text(field) else _feature(plain(field.type)) for field in schema]
    told = [one for one in found if one]
    if len(told) < len(found):
        return None
    return [{"name": name, **one} for name, one in zip(schema.names, told, strict=True)]


def _feature(kind: pa.DataType) -> dict[str, Any] | None:
    if pa.types.is_struct(kind):
        fields = hub_features(pa.schema(list(kind)))
        return {"struct": fields} if fields else None
    if is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("dtype") or inner.get("struct") or inner} if inner else None
    if pa.types.is_nested(kind):  # the pairs of a map are of two types
        return None
    if is_text(kind) or is_bytes(kind) or any(test(kind) for test in _AS_TEXT):
        return {"dtype": "string"}
    return {"dtype": _NAMES.get(kind, str(kind))}
