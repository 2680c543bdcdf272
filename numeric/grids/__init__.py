"""Grids of runs larger than memory: chunk by chunk into a Zarr store, resumed where an interruption left them."""

from numeric.grids.grid import compute_grid

__all__ = ["compute_grid"]
