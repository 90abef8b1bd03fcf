"""Ask the processor for memory before a kernel needs it: an account's ring is rarely in the cache."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own objects
    """Inside a kernel: start to load the line of the cache that holds ``array[index]``, one dimension.

    It changes no result, whatever the index: a place outside the array is not read.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        place = context.cast(builder, arguments[1], signature.args[1], types.intp)
        address = cgutils.get_item_pointer(context, builder, kind, view, [place], wraparound=False)
        word, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        intrinsic_function = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        read, keep_close, data = word(0), word(3), word(1)
        builder.call(intrinsic_function, [builder.bitcast(address, byte), read, keep_close, data])
        return context.get_dummy_value()

    return types.void(array, index), generate
