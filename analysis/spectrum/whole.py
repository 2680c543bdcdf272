"""The whole spectrum at a point, from products with vectors, and as all eigenvalues of the dense matrices.

grid, density, probe_error, quadrature_error, lower, upper, cumulative_error     along ``point``
trace, square, with errors; least and its bound
layer_top, layer_bound, layer_trace, layer_trace_error                           along ``layer``
slow_lower, slow_upper, slow_dense          the share of ‖∇S⊥‖² in slow modes
eigenvalues, gauss_newton                   of H and G, the largest first, along ``number``
end_distance                                the largest distance of an end or a layer's top from the dense one
sharpness, edge
"""

import numpy as np
import xarray as xr

from analysis.spectrum.point import Point, dense
from numeric.networks.curvature import GaussNewtonAt, HessianAt
from numeric.networks.curvature.spectrum import (
    blocks,
    layer,
    parameter_places,
    spectral_density,
)

PROBES, NODES = 8, 30
PRODUCTS = 60  # of the traces
WIDTH = 1 / 60  # of the sharpness
SLOW = 0.01


def whole(point: Point) -> xr.Dataset:
    """All of the above."""
    loss, weights = point.loss, point.weights
    hessian, places = HessianAt(loss, weights), parameter_places(loss, layer)
    density = spectral_density(
        hessian, weights, width=WIDTH * point.sharpness, probes=PROBES, products=NODES, known=point.outliers
    ).drop_vars(["nodes", "weights", "known"])
    layers = blocks(hessian, weights, places, relative=1e-4, products=PRODUCTS)
    (values, vectors), ends, measure = point.pairs, point.ends, point.measure
    matrix, tangent = (vectors * values) @ vectors.T, dense(GaussNewtonAt(loss, weights), weights)
    tops = [np.linalg.eigvalsh(matrix[own][:, own])[-1] for own in (one.numpy() for one in places.values())]
    rounding = len(values) * np.finfo(np.float64).eps * np.abs(values).max()  # of the dense ones
    distances = [
        np.abs(ends.eigenvalue.values[:, 0] - values[[-1, 0]]) / (ends.bound.values[:, 0] + rounding),
        np.abs(layers.eigenvalue.values - tops) / (layers.bound.values + rounding),
    ]
    slow = SLOW / point.eta
    bounds = [measure.mass_below(level) for level in (-slow, slow)]
    squares = (vectors.T @ point.change_across.numpy()) ** 2
    return xr.Dataset(
        {name: ("point", one.values) for name, one in density.items()}
        | {"grid": ("point", density.eigenvalue.values)}
        | {name: float(layers[name]) for name in ("trace", "trace_error", "square", "square_error")}
        | {"least": float(ends.eigenvalue.sel(end="least")[0]), "least_bound": float(ends.bound.sel(end="least")[0])}
        | {"layer_top": ("layer", layers.eigenvalue.values), "layer_bound": ("layer", layers.bound.values)}
        | {
            "layer_trace": ("layer", layers.block_trace.values),
            "layer_trace_error": ("layer", layers.block_trace_error.values),
        }
        | {"slow_lower": max(bounds[1][0] - bounds[0][1], 0.0) / measure.mass}
        | {"slow_upper": (bounds[1][1] - bounds[0][0]) / measure.mass}
        | {"slow_dense": float(squares[np.abs(values) <= slow].sum() / squares.sum())}
        | {"eigenvalues": ("number", values[::-1]), "gauss_newton": ("number", np.linalg.eigvalsh(tangent)[::-1])}
        | {"end_distance": float(np.concatenate(distances).max())}
        | {"sharpness": point.sharpness, "edge": 2 / point.eta, "evaluations": density.evaluations},
        {"point": np.arange(density.sizes["eigenvalue"]), "layer": [*places], "number": np.arange(1, len(values) + 1)},
    )
