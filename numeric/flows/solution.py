"""One run of a flow as a function of the time: θ(t) for any 0 ≤ t ≤ T, by the interpolation of the solver.

Between two steps the interpolation is as good as the steps, up to a factor that is near 1 for LSODA and BDF; for
DOP853, whose steps are long and better than asked for, it can be less accurate than their ends, within the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.integrate import OdeSolution

from eos_sym import BadInput


@dataclass(frozen=True)
class Solution:
    """One run as a function of the time, from 0 to `until`, known to its `end`.

    `outcome`, `reason`, `final`, `evaluations` and `events` are what the dataset of a run holds under these names, the
    events as in `numeric.flows.events`.
    """

    until: float
    end: float
    outcome: str
    reason: str
    final: xr.DataArray
    evaluations: int
    events: xr.Dataset
    interpolation: OdeSolution | None
    time_units: str

    def __call__(self, times: ArrayLike) -> xr.DataArray:
        """The states at the times, with the dimensions ``time``, unless it is one number, and ``state``.

        Missing (nan) after the end of a run that diverged or was lost; `BadInput` for times not from 0 to `until`.
        """
        asked = np.asarray(times, dtype=np.float64)
        if asked.ndim > 1 or not ((asked >= 0) & (asked <= self.until)).all():
            raise BadInput(f"times: the solution is known from 0 to {self.until:g}; give one such time or a list")
        flat = asked.reshape(-1)
        states = np.full((flat.size, self.final.size), np.nan)
        known = flat <= self.end
        if known.any():
            states[known] = self.final if self.interpolation is None else self.interpolation(flat[known]).T
        dims = ("time",) * asked.ndim
        return xr.DataArray(
            states.reshape(*asked.shape, self.final.size),
            dims=(*dims, "state"),
            coords={"time": (dims, asked, {"units": self.time_units}), "state": self.final.state},
            attrs={"units": "1"},
        )
