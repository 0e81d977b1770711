"""Which of sixty-four bytes are of a kind, as the bits of a number: vector instructions that numba has no names for.

`upper_bits(data, position)` and its like read data[position:position + 64] of a uint8 array, all of which must be
there, and set bit i of a uint64 for byte position + i. `count_bits(bits)` is how many are set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_BYTES = ir.VectorType(_BYTE, 64)


def _among(*ranges: tuple[int, int]) -> Callable[[Any, Any], Any]:
    """The function for bytes of these ranges, ends included."""

    def among(typing_context: Any, data: Any, position: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array, index = arguments
            start = context.make_array(signature.args[0])(context, builder, array).data
            place = builder.bitcast(builder.gep(start, [index]), _BYTES.as_pointer())
            text = builder.load(place, align=1)
            found = ir.Constant(ir.VectorType(ir.IntType(1), 64), [0] * 64)
            for low, high in ranges:
                low_bytes, size = (ir.Constant(_BYTES, [byte] * 64) for byte in (low, high - low))
                found = builder.or_(found, builder.icmp_unsigned("<=", builder.sub(text, low_bytes), size))
            return builder.bitcast(found, _WORD)

        return types.uint64(data, types.int64), generate

    return intrinsic(among)  # type: ignore[return-value]


def _count_bits(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


upper_bits = _among((0x41, 0x5A))  # A to Z
lower_bits = _among((0x61, 0x7A))  # a to z
graphic_bits = _among((0x21, 0x7E))  # ASCII that leaves ink
mark_bits = _among((0x27, 0x27), (0x2D, 0x2D))  # ' and -, which are inside words
lead_bits = _among((0xC0, 0xFF))  # the first byte of a character that is not ASCII
count_bits: Callable[[Any], Any] = intrinsic(_count_bits)  # type: ignore[assignment]
