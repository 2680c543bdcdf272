"""What many studies measure with: axes along which runs are labelled, both sides of a threshold, and exponents."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike


def axis(name: str, values: ArrayLike) -> xr.DataArray:
    """The values along a dimension that they label."""
    return xr.DataArray(np.asarray(values), [(name, np.asarray(values))])


def both_sides(distance: float) -> xr.DataArray:
    """1 less and 1 plus this relative distance, along the dimension ``side``: below and above a threshold."""
    return xr.DataArray([1 - distance, 1 + distance], [("side", ["below", "above"])])


def exponent(parameters: Any, values: Any) -> float:
    """p in |value| ≈ constant · parameterᵖ: by least squares, the slope of log |value| against log parameter."""
    return float(np.polyfit(np.log(np.asarray(parameters)), np.log(np.abs(np.asarray(values))), 1)[0])
