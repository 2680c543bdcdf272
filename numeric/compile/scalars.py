"""The functions of scalars that kernels call: those of `math`, and those that it lacks.

They are compiled into the kernels by Numba, and are like NumPy's where arguments are infinite or nan.
"""

from math import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    fabs,
    inf,
    log,
    log1p,
    nan,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)

import numpy as np
from numba import njit

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "fabs",
    "floor",
    "heaviside",
    "inf",
    "log",
    "logaddexp",
    "maximum",
    "minimum",
    "nan",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]


@njit(inline="always")
def floor(number: float) -> float:
    """The largest whole number that is not larger, as a float."""
    return np.floor(number)


@njit(inline="always")
def heaviside(number: float, at_zero: float) -> float:
    """0 or 1 by the sign of the number; the second number at 0, and nan of nan."""
    return number if number != number else 1.0 if number > 0.0 else 0.0 if number < 0.0 else at_zero


@njit(inline="always")
def logaddexp(first: float, second: float) -> float:
    """Log(eˣ + eʸ)."""
    if first == second:
        return first + log(2.0)
    return maximum(first, second) + log1p(exp(-fabs(first - second)))


@njit(inline="always")
def maximum(first: float, second: float) -> float:
    """The larger number; nan if one is."""
    return first if first > second or first != first else second


@njit(inline="always")
def minimum(first: float, second: float) -> float:
    """The smaller number; nan if one is."""
    return first if first < second or first != first else second


@njit(inline="always")
def sign(number: float) -> float:
    """-1, 0 or 1; nan of nan."""
    return number if number != number else 1.0 * (number > 0.0) - 1.0 * (number < 0.0)
