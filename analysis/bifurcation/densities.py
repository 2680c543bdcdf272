"""Diagrams as densities: how often runs visit each row of each column, counted block by block.

A column is a value of the parameter, or an interval of it; a row is an interval of the state. Of a block of recorded
states nothing is kept but its counts, so that memory is bounded by the picture and not by the number of states in it.

Shapes: counts (columns, rows); the columns and values of one call alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from numeric.compile import Array

RECORDED_AT_ONCE = 2**20  # numbers
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """Equal intervals between two ends, the first end included, the last not."""

    ends: tuple[float, float]
    count: int

    @property
    def centres(self) -> Array:
        """The middles of the intervals."""
        low, high = self.ends
        return np.asarray(low + (np.arange(self.count) + 0.5) * ((high - low) / self.count))

    def number(self, values: Array) -> Integers:
        """The number of the interval that holds each value, −1 for values beyond the ends."""
        low, high = self.ends
        inside = (values >= low) & (values < high)
        numbers = np.floor((np.where(inside, values, low) - low) * (self.count / (high - low)))
        return np.where(inside, np.minimum(numbers, self.count - 1), -1).astype(np.int64)


@dataclass(frozen=True)
class Density:
    """Counts of visits to rows, for every column; visits beyond the ends are left out."""

    columns: int
    rows: Bins
    counts: NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", np.zeros((self.columns, self.rows.count), np.uint32))

    def add(self, columns: Integers, values: Array) -> None:
        """Count a visit of each value in its column, in none if that is −1."""
        rows = self.rows.number(values)
        cells = (columns * self.rows.count + rows)[(rows >= 0) & (columns >= 0)]
        np.add.at(self.counts.reshape(-1), cells, np.uint32(1))  # a 1 of another type takes 16 times as long

    def labelled(self, column: str, values: Array, row: str) -> xr.DataArray:
        """The counts with the names and values of columns and rows; files hold them compressed."""
        counts = xr.DataArray(self.counts, {column: values, row: self.rows.centres}, (column, row))
        counts.attrs["units"] = "visits"
        counts.encoding = {"zlib": True, "complevel": 1, "shuffle": True}
        return counts


def blocks(steps: int, numbers: int) -> Iterator[int]:
    """Iterations that add up to `steps`, of so many numbers each, in blocks of `RECORDED_AT_ONCE` numbers at most."""
    most = max(1, RECORDED_AT_ONCE // numbers)
    while steps > 0:
        yield min(most, steps)
        steps -= most
