"""Merging Arrow types: the narrowest type that holds the values of both exactly, or none."""

from __future__ import annotations

from typing import Literal, get_args

import pyarrow as pa

TypeName = Literal["string", "int", "float", "bool", "date", "timestamp"]
TYPES: dict[TypeName, pa.DataType] = dict(
    zip(
        get_args(TypeName),
        (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us")),
        strict=True,
    )
)
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_UNSIGNED = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without encodings that say nothing about values, at any depth: dictionaries, views, extension types.

    UUIDs are texts, others are what they are stored in.
    """
    if isinstance(kind, pa.UuidType):
        return pa.string()
    if isinstance(kind, pa.Bool8Type):
        return pa.bool_()
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(plain(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(plain(kind.key_type), plain(kind.item_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain(kind.value_type), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(plain(kind.value_type))
    if pa.types.is_list(kind):
        return pa.list_(plain(kind.value_type))
    return kind


def storage(kind: pa.DataType) -> pa.DataType:
    """The type that values of an extension type, such as Arrow's of JSON and of UUIDs, are stored in; else itself."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def merge(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """A type for the values of both (both `plain`), or None when there is none.

    >>> merge(pa.int64(), pa.float64()), merge(pa.null(), pa.string()), merge(pa.string(), pa.binary())
    (DataType(double), DataType(string), None)
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if storage(one) != one or storage(other) != other:
        return merge(storage(one), storage(other))
    if _is_number(one) and _is_number(other):
        return _merge_numbers(one, other)
    if is_text(one) and is_text(other):
        return pa.large_string()
    if is_bytes(one) and is_bytes(other):
        return pa.large_binary()
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _merge_structs(one, other)
    if pa.types.is_map(one) and pa.types.is_map(other):
        key, item = merge(one.key_type, other.key_type), merge(one.item_type, other.item_type)
        return None if key is None or item is None else pa.map_(key, item)
    if is_list(one) and is_list(other):
        value = merge(one.value_type, other.value_type)
        large = pa.types.is_large_list(one) or pa.types.is_large_list(other)
        return None if value is None else (pa.large_list(value) if large else pa.list_(value))
    if one.id == other.id or (pa.types.is_decimal(one) and pa.types.is_decimal(other)):
        return _merge_units(one, other)
    return None


def fields_in(kind: pa.DataType) -> tuple[int, int]:
    """How many fields a type has over all depths, and how many structs among them are empty."""
    children = [kind.field(number) for number in range(kind.num_fields)]
    fields, empty = len(children), int(pa.types.is_struct(kind) and not children)
    for child in children:
        below = fields_in(child.type)
        fields, empty = fields + below[0], empty + below[1]
    return fields, empty


def levels(kind: pa.DataType) -> int:
    """How many structs and lists lie in one another; 0 for a type without fields. Any depth is counted."""
    count = 0
    layer = [kind]
    while layer := [one.field(number).type for one in layer for number in range(one.num_fields)]:
        count += 1
    return count


def _merge_numbers(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    widths = (one.bit_width, other.bit_width)
    if pa.types.is_floating(one) or pa.types.is_floating(other):
        return pa.float64()
    signed = (pa.types.is_signed_integer(one), pa.types.is_signed_integer(other))
    if signed[0] == signed[1]:
        return (_SIGNED if signed[0] else _UNSIGNED)[max(widths)]
    unsigned = widths[0] if signed[1] else widths[1]
    return _SIGNED.get(max(*widths, 2 * unsigned))  # uint64 beside a signed type: nothing holds both


def _merge_structs(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    merged = {field.name: field.type for field in one}
    for field in other:
        kind = merge(merged.get(field.name, pa.null()), field.type)
        if kind is None:
            return None
        merged[field.name] = kind
    return pa.struct(list(merged.items()))


def _merge_units(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Times in different units, decimals of different widths: Arrow knows the finer one."""
    schemas = [pa.schema([("it", one)]), pa.schema([("it", other)])]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def is_text(kind: pa.DataType) -> bool:
    """string or large_string."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """binary or large_binary."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def is_list(kind: pa.DataType) -> bool:
    """A list of any size; no map."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def type_name(kind: pa.DataType) -> TypeName | None:
    """The plain type that stands for an Arrow type; None for lists, objects, bytes and what else has none."""
    types = pa.types
    if is_text(kind):
        return "string"
    if types.is_boolean(kind):
        return "bool"
    if types.is_integer(kind) and not types.is_uint64(kind):
        return "int"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "float"
    if types.is_date(kind):
        return "date"
    return "timestamp" if types.is_timestamp(kind) else None
