"""Single machine instructions for the fastText kernels, which numba has no names for, as portable LLVM code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTE, _WORD, _FLAG = ir.IntType(8), ir.IntType(64), ir.IntType(1)
_ROW = ir.VectorType(ir.FloatType(), 16)


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


def _load_eight(typing_context: Any, data: Any, position: Any) -> Any:  # noqa: ARG001
    """data[position:position + 8] of a uint8 array as a little-endian uint64; all eight must be there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(place, _WORD.as_pointer()), align=1)

    return types.uint64(data, types.int64), generate


def _space_bits(typing_context: Any, data: Any, position: Any) -> Any:  # noqa: ARG001
    """Bit i is whether byte position + i is a fastText space: 0, 9 to 13 or 32; all 64 bytes must be there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(_BYTE, 64)
        place = _address(context, builder, signature.args[0], *arguments)
        text = builder.load(builder.bitcast(place, kind.as_pointer()), align=1)

        def all_of(byte: int) -> Any:
            return ir.Constant(kind, [byte] * 64)

        control = builder.icmp_unsigned("<", builder.sub(text, all_of(9)), all_of(5))
        found = builder.or_(control, builder.icmp_unsigned("==", text, all_of(32)))
        found = builder.or_(found, builder.icmp_unsigned("==", text, all_of(0)))
        return builder.bitcast(found, _WORD)

    return types.uint64(data, types.int64), generate


def _lowest_bit(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    """Number of the lowest bit that is set; there must be one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(_FLAG, 1))

    return types.int64(types.uint64), generate


def _high_product(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """The upper 64 bits of a product of two uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), _WORD)

    return types.uint64(types.uint64, types.uint64), generate


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    """Asks for the cache line of array[index], without waiting."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.bitcast(_address(context, builder, signature.args[0], *arguments), _BYTE.as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _add_sixteen(typing_context: Any, rows: Any, ids: Any, n: Any, column: Any, sums: Any, w: Any) -> Any:  # noqa: ARG001
    """sums[w, column:column + 16] += the same columns of rows[ids[:n]], two in turn: one order everywhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, listed, count, first, total, row = arguments
        width = builder.extract_value(context.make_array(signature.args[0])(context, builder, data).shape, 1)
        numbers = context.make_array(signature.args[1])(context, builder, listed).data
        zero = ir.Constant(_ROW, [0.0] * 16)
        even, odd = (cgutils.alloca_once_value(builder, zero) for _ in range(2))

        def place(kind: Any, array: Any, number: Any) -> Any:
            index = builder.add(builder.mul(number, width), first)
            address = _address(context, builder, kind, array, index)
            return builder.bitcast(address, _ROW.as_pointer())

        def add(index: Any, to: Any) -> None:
            number = builder.zext(builder.load(builder.gep(numbers, [index])), _WORD)
            value = builder.load(place(signature.args[0], data, number), align=4)
            builder.store(builder.fadd(builder.load(to), value), to)

        one = ir.Constant(_WORD, 1)
        with cgutils.for_range(builder, builder.lshr(count, one)) as loop:
            index = builder.shl(loop.index, one)
            add(index, even)
            add(builder.add(index, one), odd)
        with builder.if_then(builder.trunc(count, _FLAG)):
            add(builder.sub(count, one), even)
        target = place(signature.args[4], total, row)
        both = builder.fadd(builder.load(even), builder.load(odd))
        builder.store(builder.fadd(builder.load(target, align=4), both), target, align=4)
        return context.get_dummy_value()

    return types.void(rows, ids, types.int64, types.int64, sums, types.int64), generate


# numba supplies the first argument
load_eight: Callable[[Any, Any], Any] = intrinsic(_load_eight)  # type: ignore[assignment]
space_bits: Callable[[Any, Any], Any] = intrinsic(_space_bits)  # type: ignore[assignment]
lowest_bit: Callable[[Any], Any] = intrinsic(_lowest_bit)  # type: ignore[assignment]
high_product: Callable[[Any, Any], Any] = intrinsic(_high_product)  # type: ignore[assignment]
prefetch: Callable[[Any, Any], Any] = intrinsic(_prefetch)  # type: ignore[assignment]
add_sixteen: Callable[[Any, Any, Any, Any, Any, Any], Any] = intrinsic(_add_sixteen)  # type: ignore[assignment]
