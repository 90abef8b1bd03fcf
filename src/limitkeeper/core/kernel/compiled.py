"""How kernels are compiled: cached, without the interpreter's lock, with IEEE arithmetic as written."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """A numba kernel of a function over columns.

    No fast-math: a row alone, in a batch and in a portfolio must give the same bits. Division by zero gives
    infinity or NaN, as in numpy.
    """
    return cast("Function", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
