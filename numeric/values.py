"""Initial values and parameters as labelled arrays, and the refusals that every simulation shares.

Values are numbers, arrays or labelled arrays (`xarray.DataArray`) of real numbers, in memory or in Dask chunks. They
broadcast by the names of their dimensions, so the coordinates along a dimension that two of them share have to be the
same. Values in chunks are not computed here.

Errors: `BadInput`, in one line that names the value and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Symbol

from eos_sym import BadInput

RESULTS = frozenset(
    {"initial", "final", "outcome", "period", "step", "trajectory", "lyapunov_exponent", "state", "iteration"}
)
MOST_ITERATIONS = 2**63 - 1  # the largest int64

Values = Mapping[str, float | xr.DataArray]


def labelled_values(
    values: Values, symbols: tuple[Symbol, ...], kind: str, *, chunks_checked: bool = True
) -> list[xr.DataArray]:
    """One finite array per symbol, in the order of the symbols.

    To see that values in Dask chunks are finite they have to be computed; without `chunks_checked` that is left to
    the one who computes them.
    """
    names = [symbol.name for symbol in symbols]
    values = {str(name): value for name, value in values.items()}  # symbols are as good as their names
    missing, unknown = sorted(set(names) - set(values)), sorted(set(values) - set(names))
    if missing or unknown:
        faults = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise BadInput(f"{kind}s: {' and '.join(faults)}; give exactly {', '.join(names) or 'none'}")
    arrays = []
    for name in names:
        try:
            array = xr.DataArray(values[name])
            array = (array if array.dtype == np.float64 else array.astype(np.float64)).assign_attrs(units="1")
        except (TypeError, ValueError) as error:
            raise BadInput(f"{kind} {name}: not a number or an array of numbers") from error
        if chunks_checked or array.chunks is None:
            refuse_unless_finite(array.values, f"{kind} {name}")
        reserved = sorted({str(dim) for dim in array.dims} & RESULTS)
        if reserved:
            raise BadInput(f"{kind} {name}: its dimension {reserved[0]} is the simulator's own; rename it")
        arrays.append(array)
    return arrays


def refuse_unless_finite(values: NDArray[np.float64], what: str) -> None:
    """Refuse infinite and missing values: if one is, the sum is none of the finite numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(values.sum()) or np.isfinite(values).all()
    if not finite:
        raise BadInput(f"{what}: not a finite number")


def aligned(arrays: Sequence[xr.DataArray]) -> tuple[xr.DataArray, ...]:
    """The arrays, after a look that they have the same coordinates along every dimension they share."""
    try:
        return tuple(xr.align(*arrays, join="exact", copy=False))
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise BadInput(f"initial values and parameters: {said}; give them the same coordinates") from error


def chunked_alike(arrays: Sequence[xr.DataArray]) -> tuple[xr.DataArray, ...]:
    """The arrays in the same chunks along every dimension they share, if any of them is in chunks."""
    if all(array.chunks is None for array in arrays):
        return tuple(arrays)
    chunked = [array.chunk() if array.ndim and array.chunks is None else array for array in arrays]
    return tuple(array for array in xr.unify_chunks(*chunked) if isinstance(array, xr.DataArray))


def whole_number(name: str, value: object, *, least: int) -> int:
    """A number of iterations, after a look that it is one."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise BadInput(f"{name} = {value}: must be an integer")
    if value < least:
        raise BadInput(f"{name} = {value}: must be {least} or more")
    if value > MOST_ITERATIONS:
        raise BadInput(f"{name} = {value}: must be {MOST_ITERATIONS} or less, the largest 64-bit integer")
    return int(value)


def real_number(name: str, value: object) -> float:
    """A setting, after a look that it is a number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise BadInput(f"{name} = {value!r}: must be a number")
    try:
        return float(value)
    except OverflowError:  # an integer or a fraction, exact at any size
        raise BadInput(f"{name} is beyond the largest floating-point number, 1.8e308") from None


def non_negative_number(name: str, value: object) -> float:
    """A setting, after a look that it is finite and not negative."""
    number = real_number(name, value)
    if not 0 <= number < math.inf:
        raise BadInput(f"{name} = {value}: must be a finite number, 0 or more")
    return number


def yes_or_no(name: str, value: object) -> bool:
    """A setting, after a look that it is True or False: any text, "no" too, would count as True."""
    if not isinstance(value, bool | np.bool):
        raise BadInput(f"{name} = {value!r}: must be True or False")
    return bool(value)


def positive_number(name: str, value: object, *, most: float = math.inf) -> float:
    """A setting, after a look that it is positive, finite and not too large."""
    number = real_number(name, value)
    if not 0 < number < math.inf:
        raise BadInput(f"{name} = {value}: must be positive and finite")
    if number > most:
        raise BadInput(f"{name} = {value}: must be {most:g} or less")
    return number
