"""The text of a document from what its source has for it: a string, a list of paragraphs, chat messages, or several.

What a document consists of is joined by blank lines: paragraphs of a list, the turns of a chat, the values of several
columns. NULL and empty ones are left out. A turn is `role: content`, with the role as it is written; of a content in
parts the texts are taken. JSON values and Arrow columns give the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refinery.sources.types import is_bytes, is_list, is_text, plain, storage

BLANK_LINE = "\n\n"
EXPECTED = "expected string, a list of strings, or messages with `role` and `content` or `from` and `value`"
_TURNS = (("role", "content"), ("from", "value"))  # OpenAI's form, ShareGPT's
_PART = "text"  # the key of a part of a content


class NotTextError(Exception):
    """A JSON value that is no text; the message says what it is."""


def text_of(value: Any) -> str | None:
    """The text of a JSON value, None for null; raises NotTextError.

    >>> text_of(["One.", "", "Two."]), text_of([{"role": "user", "content": "Hi"}])
    ('One.\\n\\nTwo.', 'user: Hi')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return joined([_turn(one) if isinstance(one, dict) else text_of(one) for one in value])
    raise NotTextError(f"a JSON {kind_of(value)}")


def joined(texts: Sequence[str | None]) -> str:
    """What there is of several texts, with blank lines between."""
    return BLANK_LINE.join(text for text in texts if text)


def kind_of(value: Any) -> str:
    """What JSON calls a value."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _turn(message: dict[str, Any]) -> str | None:
    for who, said in _TURNS:
        if who in message and isinstance(role := message[who], str | None):
            content = message.get(said)
            if isinstance(content, list):
                content = [one.get(_PART) if isinstance(one, dict) else one for one in content]
            text = text_of(content)
            return f"{role}: {text}" if role is not None and text else text
    raise NotTextError(f"a list of objects with {', '.join(message)[:100]}; " + EXPECTED)


def is_textual(kind: pa.DataType) -> bool:
    """Whether values of a type have a text."""
    kind = plain(storage(kind))
    if is_list(kind):
        return is_textual(kind.value_type) or _turn_keys(kind.value_type) is not None
    return is_text(kind) or is_bytes(kind) or pa.types.is_null(kind)


def texts_of(values: pa.Array) -> pa.Array:
    """large_string: the text of each value of a type that is textual, NULL for NULL; bytes are taken as UTF-8."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return texts_of(values.dictionary_decode())
    if is_list(kind):
        return _each_joined(values, _elements)
    if is_bytes(kind) or pa.types.is_binary_view(kind):
        raw = values.cast(pa.large_binary())
        return pa.Array.from_buffers(pa.large_string(), len(raw), raw.buffers(), raw.null_count, raw.offset)
    return values.cast(pa.large_string())


def joined_columns(columns: Sequence[pa.Array]) -> pa.Array:
    """large_string: the texts of several columns together, NULL where all are."""
    texts = [texts_of(column) for column in columns]
    if len(texts) == 1:
        return texts[0]
    parts = [pc.if_else(pc.equal(text, ""), None, text) for text in texts]
    # Arrow leaves out the rows of which it would have to skip everything
    parts.append(pc.if_else(_any_valid(parts), None, _constant("")))
    together = pc.binary_join_element_wise(*parts, _constant(BLANK_LINE), null_handling="skip")
    return pc.if_else(_any_valid(texts), together, None)


def _any_valid(columns: Sequence[pa.Array]) -> pa.Array:
    return reduce(pc.or_, [column.is_valid() for column in columns])


def _elements(values: pa.Array) -> pa.Array:
    return _turns(values) if pa.types.is_struct(values.type) else texts_of(values)


def _turns(messages: pa.Array) -> pa.Array:
    """large_string: each message as a turn, NULL for one without content; without a role the content alone."""
    who, said = _turn_keys(messages.type) or _TURNS[0]
    content = pc.struct_field(messages, said)
    texts = _each_joined(content, _parts) if is_list(content.type) else texts_of(content)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    turns = pc.binary_join_element_wise(texts_of(pc.struct_field(messages, who)), texts, _constant(": "))
    return pc.coalesce(turns, texts)


def _parts(values: pa.Array) -> pa.Array:
    return texts_of(pc.struct_field(values, _PART) if pa.types.is_struct(values.type) else values)


def _turn_keys(kind: pa.DataType) -> tuple[str, str] | None:
    """The fields of a message that say who and what, if a type is one of messages."""
    fields = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
    for who, said in _TURNS:
        if is_text(fields.get(who, pa.null())) and said in fields and _is_content(fields[said]):
            return who, said
    return None


def _is_content(kind: pa.DataType) -> bool:
    if is_list(kind) and pa.types.is_struct(kind.value_type):
        field = kind.value_type.get_field_index(_PART)
        return field >= 0 and is_textual(kind.value_type.field(field).type)
    return is_textual(kind)


def _each_joined(lists: pa.Array, texts_in: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """large_string: of each list the texts of its elements together, NULL for NULL.

    Each text gets what stands after it, so that a list's texts lie in one another's wake: its own ends are theirs.
    """
    lists = lists.cast(pa.large_list(lists.type.value_type))
    texts, parents = texts_in(lists.flatten()), pc.list_parent_indices(lists)
    there = pc.fill_null(pc.not_equal(texts, ""), False)
    texts, owners = texts.filter(there), parents.filter(there).to_numpy()
    last = np.append(owners[1:] != owners[:-1], True)[: len(owners)]
    after = pc.if_else(pa.array(last, pa.bool_()), _constant(""), _constant(BLANK_LINE))
    whole = pc.binary_join_element_wise(texts, after, _constant(""))
    ends = np.frombuffer(whole.buffers()[1] or np.zeros(1, np.int64), np.int64)[: len(whole) + 1]
    counts = np.bincount(owners, minlength=len(lists))
    offsets = ends[np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])]
    result = pa.LargeStringArray.from_buffers(len(lists), pa.py_buffer(offsets), whole.buffers()[2])
    return pc.if_else(lists.is_valid(), result, None)


def _constant(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
