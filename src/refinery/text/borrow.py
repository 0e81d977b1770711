"""Arrays without reference counts, for kernels that call kernels in their inner loops.

Numba counts references of each array that is passed to a function or taken out of a tuple, with atomic
instructions; at a call or two a token that took most of the signals' time. A borrowed array has no owner to count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)  # type: ignore[no-untyped-call]
        array.parent = cgutils.get_null_value(array.parent.type)  # type: ignore[no-untyped-call]
        return array._getvalue()  # the public way to a struct's value
    for i, part in enumerate(kind):
        element = _without_owner(context, builder, part, builder.extract_value(value, i))
        value = builder.insert_value(value, element, i)
    return value


def _borrow(typing_context: Any, value: Any) -> Any:  # noqa: ARG001
    """The same array, or tuple of arrays or tuples, unowned: valid while the one it was made from is alive."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owner(context, builder, signature.args[0], arguments[0])

    return value(value), generate


borrow: Callable[[Any], Any] = intrinsic(_borrow)  # type: ignore[assignment]  # numba supplies the first argument
