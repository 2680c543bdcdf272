"""The density of a matrix's spectrum, by stochastic Lanczos quadrature.

    φ(t) = (1/p) Σ_j g(t − λ_j) = E[∫ g(t − λ) dμ_v],    g the normal density of standard deviation `width`,

with μ_v the spectral measure (`measure`) of a v that is uniform on the unit sphere, whose mean is that of the spectrum.
Each of a few probes costs as many products as its rule has nodes. Two errors are told apart:

    probe_error        the standard error of the mean over the probes
    quadrature_error   the mean over the probes of what Laurie's anti-Gauss rule estimates for a rule of one step less:
                       no bound; of rules of six nodes it is below half of the error at one point in thirteen

and the share of eigenvalues at or below t has bounds beside its standard error: for every probe the nodes of the rule
hold its measure from both sides (Chebyshev, Markov, Stieltjes), whatever `width`.

Eigenpairs that are known, such as outliers that `TopEigenpairs` has certified, can be given: they enter as they are,
and the probes see what is across them. Then outliers have neither of the errors, and the nodes are left to the bulk.

Shapes: along ``eigenvalue`` (points,) the grid, which ends three widths beyond all nodes; nodes and weights along
``probe`` and ``node``. Units: φ is per unit of eigenvalue and integrates to 1. Errors: `BadInput` for fewer than two
probes, and a width that is not positive; `Undecided` where the matrix is not finite. Sources:
:cite:t:`ubaru2017fast`, :cite:t:`ghorbani2019investigation`; :cite:t:`laurie1996anti`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from eos_sym import BadInput
from numeric.compile import Array
from numeric.networks.curvature.eigen import Operator, Reading
from numeric.networks.curvature.spectrum.measure import SpectralMeasure, spectral_measure
from numeric.networks.curvature.spectrum.operators import Across, operator_of
from numeric.networks.curvature.spectrum.xtrace import gaussian
from numeric.values import positive_number, whole_number

FEWEST_PROBES = 2
MOST_POINTS = 4000
A_WIDTH = 4  # points
BEYOND = 3.0  # widths


def spectral_density(
    operator: Operator,
    weights: Tensor,
    *,
    width: float,
    probes: int = 10,
    products: int = 60,
    seed: int = 0,
    known: Reading | None = None,
) -> xr.Dataset:
    """The density of the spectrum at these weights, from so many products a probe."""
    operator = operator_of(operator, weights)
    positive_number("width", width)
    whole_number("products", products, least=1)
    if probes < FEWEST_PROBES:
        raise BadInput(f"probes = {probes}: {FEWEST_PROBES} or more tell how far they scatter")
    values = np.zeros(0) if known is None else known.eigenvalues.numpy()
    whole_number("seed", seed, least=0)
    starts = gaussian(weights, probes, torch.Generator().manual_seed(seed))
    if known is not None:
        operator = Across(operator, known.eigenvectors)
        starts = operator.across(starts)
    mass = (len(weights) - len(values)) / len(weights)
    lengths = torch.linalg.vector_norm(starts, dim=0)
    starts = starts / torch.where(lengths == 0, 1, lengths) * math.sqrt(mass)  # where all is known nothing is left
    measures = [spectral_measure(operator, start, products) for start in starts.T]
    grid = _grid(np.concatenate([values, *(one.rule.nodes for one in measures)]), width)
    share = 1 / len(weights)
    smoothed = np.array([one.integral(lambda x: _normal(grid[:, None] - x, width)) for one in measures])
    densities, errors = smoothed.swapaxes(0, 1)
    lower, upper = np.array([_cumulative(one, grid) for one in measures]).swapaxes(0, 1)
    exactly = share * (grid[:, None] >= values).sum(1)
    columns = {
        "density": densities.mean(0) + share * _normal(grid[:, None] - values, width).sum(1),
        "probe_error": _standard_error(densities),
        "quadrature_error": errors.mean(0),
        "lower": exactly + lower.mean(0),
        "upper": exactly + upper.mean(0),
        "cumulative_error": np.maximum(_standard_error(lower), _standard_error(upper)),
    }
    nodes, masses = (_padded([getattr(one.rule, name) for one in measures]) for name in ("nodes", "weights"))
    return xr.Dataset(
        {name: ("eigenvalue", one) for name, one in columns.items()}
        | {"nodes": (("probe", "node"), nodes), "weights": (("probe", "node"), masses)}
        | {"known": ("outlier", values)},
        {"eigenvalue": grid},
        {"width": width, "seed": seed, "evaluations": operator.evaluations},
    )


def _grid(nodes: Array, width: float) -> Array:
    low, high = nodes.min() - BEYOND * width, nodes.max() + BEYOND * width
    points = math.ceil((high - low) / width * A_WIDTH) + 1
    if points > MOST_POINTS:
        raise BadInput(
            f"width = {width:g}: the spectrum is {high - low:.3g} wide, which takes {points} points; give "
            f"{(high - low) * A_WIDTH / MOST_POINTS:.2g} or more, or the outliers as known"
        )
    return np.linspace(low, high, points)


def _normal(offsets: Array, width: float) -> Array:
    return np.asarray(np.exp(-((offsets / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi)))


def _cumulative(measure: SpectralMeasure, grid: Array) -> tuple[Array, Array]:
    """Bounds of the mass at or below every point, by the nodes: the one below it may be short of its weight."""
    total = np.concatenate([[0.0, 0.0], np.cumsum(measure.rule.weights), [measure.mass]])
    below = np.searchsorted(measure.rule.nodes, grid, side="right")
    if measure.exact:
        return total[below + 1], total[below + 1]
    return total[below], total[below + 2]


def _standard_error(samples: Array) -> Array:
    return np.asarray(samples.std(0, ddof=1) / math.sqrt(len(samples)))


def _padded(rows: Sequence[Array]) -> Array:
    """Rows of different lengths, with nan where there is nothing."""
    length = max(map(len, rows))
    return np.array([np.pad(row, (0, length - len(row)), constant_values=np.nan) for row in rows])
