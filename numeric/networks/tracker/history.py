"""The readings of a tracker so far: one row each, by step, as tensors to be kept and as a labelled dataset.

A row has `reading`, its step, `status` and `point` by their numbers in `STATUSES` and `POINTS`; along ``index``, of the
k eigenvalues, `eigenvalue`, `bound` and `gradient_projection`; and one real number, NaN where it is missing, of each of
`numbers`. A reading of a step that has one already takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from numeric.networks.curvature.eigen import STATUSES

BY_INDEX = ("eigenvalue", "bound", "gradient_projection")
WHOLE = ("reading", "status", "point")
POINTS = ("iterate", "midpoint")


class History:
    """Rows of k eigenvalues and of these numbers, ascending in their steps."""

    def __init__(self, eigenvalues: int, numbers: tuple[str, ...]) -> None:
        self.eigenvalues, self.numbers = eigenvalues, numbers
        self.rows: list[dict[str, Tensor]] = []

    def add(self, row: Mapping[str, Tensor]) -> None:
        """File a row under its step; the numbers that it lacks are NaN."""
        missing = {name: torch.tensor(torch.nan, dtype=torch.float64) for name in self.numbers}
        whole = {name: value.cpu() for name, value in (missing | {**row}).items()}
        self.rows = [known for known in self.rows if known["reading"] != whole["reading"]]
        self.rows.append(whole)
        self.rows.sort(key=lambda known: int(known["reading"]))  # a midpoint may come after a later `measure`

    @property
    def columns(self) -> dict[str, Tensor]:
        """All rows by name, the first dimension their number."""
        empty = {name: torch.empty(0, dtype=torch.int64) for name in WHOLE}
        empty |= {name: torch.empty(0, self.eigenvalues, dtype=torch.float64) for name in BY_INDEX}
        empty |= {name: torch.empty(0, dtype=torch.float64) for name in self.numbers}
        return {name: torch.stack([row[name] for row in self.rows]) for name in empty} if self.rows else empty

    def fits(self, columns: Mapping[str, Tensor]) -> bool:
        """Whether these are the columns of such rows."""
        return columns.keys() == self.columns.keys() and columns["eigenvalue"].shape[1] == self.eigenvalues

    def restore(self, columns: Mapping[str, Tensor]) -> None:
        """Have the rows of these columns."""
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    @property
    def dataset(self) -> xr.Dataset:
        """All readings, labelled by their step and by index 1 … k."""
        columns = {name: column.numpy() for name, column in self.columns.items()}
        steps = columns.pop("reading")
        columns["status"] = np.array(STATUSES)[columns["status"]]
        points = np.array(POINTS)[columns.pop("point")]
        dims = {name: ("reading", "index") if name in BY_INDEX else ("reading",) for name in columns}
        variables = {name: (dims[name], column) for name, column in columns.items()}
        return xr.Dataset(
            {"sharpness": (("reading",), columns["eigenvalue"][:, 0]), **variables},
            {"reading": steps, "index": np.arange(1, self.eigenvalues + 1), "point": ("reading", points)},
        )

    @property
    def line(self) -> str:
        """The latest reading in a few words."""
        if not self.rows:
            return "no reading yet"
        row: dict[str, Any] = self.rows[-1]
        beside = row["eigenvalue"][0] / row["edge"] if "edge" in row else torch.tensor(torch.nan)
        if beside.isnan() and "effective_edge" in row:
            beside = row["effective_sharpness"] / row["effective_edge"]
        words = [f"step {int(row['reading'])}", f"loss {float(row['full_loss']):.4g}"]
        words += [f"sharpness {float(row['eigenvalue'][0]):.4g}"]
        return ", ".join(words if beside.isnan() else [*words, f"{float(beside):.3g} of the edge"])
