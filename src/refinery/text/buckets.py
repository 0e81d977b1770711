"""Hash tables for kernels whose keys stand in buckets of a cache line: a look costs one line and no guess.

A bucket is ROOM keys (uint32) and ROOM numbers (uint32), 0 where it is free; keys fill it from the left. What finds
no room in its bucket stands in the next that has. All keys of a bucket are compared at once, for a processor that
guesses at each of them guesses wrong; Numba makes no vector code of such a loop, so it is written out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ROOM = 8
BUCKET = np.uint64(2 * ROOM)
LAST = np.uint64(2 * ROOM - 1)  # where a number stands if the bucket is full
_VECTOR = ir.VectorType(ir.IntType(32), ROOM)


def _in_bucket(typing_context: Any, table: Any, bucket: Any, key: Any) -> Any:  # noqa: ARG001
    """The largest number of a key (uint32) of a bucket, 0 if it is not there; table: uint32 (buckets, 2 * ROOM)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, bucket, key = arguments
        place = builder.mul(bucket, ir.Constant(bucket.type, 2 * ROOM))
        place = builder.gep(context.make_array(signature.args[0])(context, builder, table).data, [place])
        keys, numbers = (_load(builder, place, skipped) for skipped in (0, ROOM))
        nothing = ir.Constant(_VECTOR, None)
        every = builder.shuffle_vector(
            builder.insert_element(nothing, key, ir.Constant(key.type, 0)), nothing, nothing
        )
        found = builder.select(builder.icmp_unsigned("==", keys, every), numbers, nothing)
        kind, name = ir.FunctionType(key.type, [_VECTOR]), f"llvm.vector.reduce.umax.v{ROOM}i32"
        largest = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(largest, [found])

    return types.uint32(table, types.uint64, types.uint32), generate


def _load(builder: Any, place: Any, skipped: int) -> Any:
    place = builder.gep(place, [ir.Constant(ir.IntType(64), skipped)])
    loaded = builder.load(builder.bitcast(place, _VECTOR.as_pointer()))
    loaded.align = 4
    return loaded


in_bucket: Callable[[Any, Any, Any], Any] = intrinsic(_in_bucket)  # type: ignore[assignment]  # numba gives the first
