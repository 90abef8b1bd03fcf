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


def elementwise(function: Function) -> Function:
    """A formula on numbers as a numpy ufunc: for one number, for columns, and inside other kernels.

    Every argument and the result are float64; arrays broadcast as in numpy.

    Examples
    --------
    >>> import numpy as np
    >>> @elementwise
    ... def loss_cents(pd: float, exposure_cents: float) -> float:
    ...     return pd * exposure_cents
    >>> loss_cents(0.5, 100.0), loss_cents(np.array([0.1, np.nan]), 100.0).tolist()
    (np.float64(50.0), [10.0, nan])
    """
    arguments = ",".join(["float64"] * function.__code__.co_argcount)
    ufunc = numba.vectorize([f"float64({arguments})"], cache=_is_in_a_file(function))(function)
    return cast("Function", ufunc)


def _is_in_a_file(function: Callable[..., object]) -> bool:
    return not function.__code__.co_filename.startswith("<")
