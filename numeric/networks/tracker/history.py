"""The readings of a tracker so far: one row each, by step, as tensors to be kept and as a labelled dataset.

A row has `reading`, its step, `status`, `point` and perhaps `critical_status` by their numbers in `STATUSES`, `POINTS`
and those of `critical`; along ``index``, of the k eigenvalues, `eigenvalue`, `bound` and `gradient_projection`; and one
real number, NaN where it is missing, of each of `numbers`. A reading of a step that has one already takes its place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from numeric.networks.curvature.eigen import STATUSES
from numeric.networks.tracker import critical

BY_INDEX = ("eigenvalue", "bound", "gradient_projection")
WHOLE = ("reading", "status", "point")
POINTS = ("iterate", "midpoint")


class History:
    """Rows of k eigenvalues and of these numbers, ascending in their steps."""

    def __init__(self, eigenvalues: int, numbers: tuple[str, ...], *, critical_step: bool) -> None:
        self.eigenvalues, self.numbers = eigenvalues, numbers
        self.by_index = BY_INDEX if eigenvalues else ()
        self.whole = (*WHOLE, "critical_status") if critical_step else WHOLE
        self.rows: list[dict[str, Tensor]] = []
        nothing = torch.tensor(torch.nan, dtype=torch.float64)
        self._missing = dict.fromkeys(numbers, nothing) | dict.fromkeys(self.by_index, nothing.repeat(eigenvalues))
        self._missing["critical_status"] = torch.tensor(critical.STATUSES.index("not_finite"))

    def add(self, row: Mapping[str, Tensor]) -> None:
        """File a row under its step; what it lacks is NaN."""
        whole = {name: value.cpu() for name, value in (self._missing | {**row}).items() if name in self._names}
        step = _step(whole)
        before, after = (bisect(self.rows, step, key=_step) for bisect in (bisect_left, bisect_right))
        self.rows[before:after] = [whole]  # a midpoint may come after a later `measure`

    @property
    def _names(self) -> tuple[str, ...]:
        """What a row has."""
        return (*self.whole, *self.by_index, *self.numbers)

    @property
    def columns(self) -> dict[str, Tensor]:
        """All rows by name, the first dimension their number."""
        empty = {name: torch.empty(0, dtype=torch.int64) for name in self.whole}
        empty |= {name: torch.empty(0, self.eigenvalues, dtype=torch.float64) for name in self.by_index}
        empty |= {name: torch.empty(0, dtype=torch.float64) for name in self.numbers}
        return {name: torch.stack([row[name] for row in self.rows]) for name in empty} if self.rows else empty

    def fits(self, columns: Mapping[str, Tensor]) -> bool:
        """Whether these are the columns of such rows."""
        alike = columns.keys() == self.columns.keys()
        return alike and all(columns[name].shape[1] == self.eigenvalues for name in self.by_index)

    def restore(self, columns: Mapping[str, Tensor]) -> None:
        """Have the rows of these columns."""
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    @property
    def dataset(self) -> xr.Dataset:
        """All readings, labelled by their step and by index 1 … k."""
        columns = {name: column.numpy() for name, column in self.columns.items()}
        steps = columns.pop("reading")
        points = np.array(POINTS)[columns.pop("point")]
        for name, statuses in (("status", STATUSES), ("critical_status", critical.STATUSES)):
            if name in columns:
                columns[name] = np.array(statuses)[columns[name]]
        dims = {name: ("reading", "index") if name in BY_INDEX else ("reading",) for name in columns}
        variables = {name: (dims[name], column) for name, column in columns.items()}
        coordinates = {"reading": steps, "point": ("reading", points)}
        if self.eigenvalues:
            variables = {"sharpness": (("reading",), columns["eigenvalue"][:, 0]), **variables}
            coordinates["index"] = np.arange(1, self.eigenvalues + 1)
        dataset = xr.Dataset(variables, coordinates)
        for name in critical.IN_WORDS.keys() & dataset.keys():
            dataset[name].attrs["meaning"] = critical.IN_WORDS[name]
        return dataset

    @property
    def line(self) -> str:
        """The latest reading in a few words."""
        if not self.rows:
            return "no reading yet"
        row: dict[str, Any] = self.rows[-1]
        words = [f"step {int(row['reading'])}", f"loss {float(row['full_loss']):.4g}"]
        beside = torch.tensor(torch.nan)
        if self.eigenvalues:
            words += [f"sharpness {float(row['eigenvalue'][0]):.4g}"]
            beside = row["eigenvalue"][0] / row["edge"] if "edge" in row else beside
            if beside.isnan() and "effective_edge" in row:
                beside = row["effective_sharpness"] / row["effective_edge"]
        if not beside.isnan():
            words += [f"{float(beside):.3g} of the edge"]
        if "critical_sharpness" in row:
            words += [f"critical sharpness {float(row['critical_sharpness']):.4g}"]
        return ", ".join(words)


def _step(row: Mapping[str, Tensor]) -> int:
    """What rows are in the order of."""
    return int(row["reading"])
