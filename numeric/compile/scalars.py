"""The functions of numbers that kernels call: those of `math`, and those that it lacks.

The latter are written in the part of Python that `numeric.compile.lowering` puts into kernels, and are like NumPy's
where arguments are infinite or nan.
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
    floor,
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


def heaviside(number: float, at_zero: float) -> float:
    """0 or 1 by the sign of the number; the second number at 0, and nan of nan."""
    return number if number != number else 1.0 if number > 0.0 else 0.0 if number < 0.0 else at_zero


def logaddexp(first: float, second: float) -> float:
    """Log(eˣ + eʸ)."""
    apart = maximum(first, second) + log1p(exp(-fabs(first - second)))
    return first + log(2.0) if first == second else apart


def maximum(first: float, second: float) -> float:
    """The larger number; nan if one is."""
    return first if first > second or first != first else second


def minimum(first: float, second: float) -> float:
    """The smaller number; nan if one is."""
    return first if first < second or first != first else second


def sign(number: float) -> float:
    """-1, 0 or 1; nan of nan."""
    return 1.0 if number > 0.0 else -1.0 if number < 0.0 else 0.0 if number == 0.0 else number
