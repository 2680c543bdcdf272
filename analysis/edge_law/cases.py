"""The losses under test, each with a curve of minima, and what the edge law says of them.

    depth 2, 4, 8    ½ (1 − x₁ x₂ … x_d)²                          curve: x, 1/x, x, 1/x, …
    log-cosh         log cosh(1 − xy)                              curve: y = 1/x
    soft label       log(1 + e^{−xy}) + xy/4                       curve: y = log(3)/x
    fast direction   ½ s u² + 6 w u² + (45/2) w² + (5/24) u⁴       curve: s

The soft label is logistic regression on an example that is labelled +1 three times out of four, so that the best
product is finite, e^{−xy} = 1/3. In the last loss Q = 5 is positive, and it is the fast direction w that makes κ₄
negative, 5 − 48/5. The step sizes are such that ηy₀ ≤ 1/10 where e y₀ = 10; at depth 2 that is out of reach, where
e = 2η³/(1 − η²).

The law neglects terms of relative order ηy, the change of β and κ₄ along the minima, and the lag y/λ of a fast
direction behind q. Between y₀ and y∞ they add up to

    σ = y₀ (η + |d log β/dy| + |d log κ₄/dy| + Σ 1/λ),

the sum over the fast directions other than u, which is the tolerance of the claims, with no factor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq
from sympy import Expr, Float, Integer, Rational, Symbol, log, simplify

from eos_sym import GradientDescent, Objective, product
from eos_sym.edge import LocalEdgeNormalForm, edge_normal_form_at
from numeric import CompiledFunction, Simulator, compile_function, compile_map

Array = NDArray[np.float64]

SLOW = Rational(1, 20)  # τ; every eigenvalue other than 0 has ηλ > 0.14 here
COORDINATE_RANGE = (1.001, 1e3)  # of the coordinate along the curves
SLOPE_STEP = 1e-3  # of the sharpness, relatively, for the logarithmic derivatives
DECADES = (3e-3, 1e1)  # of e y₀
LARGEST_RATE = 0.1  # of ηy₀
SMALLEST_AMPLITUDE = 1e-7  # q₀ over 2y₀²/β, which q reaches later; y₀ is displaced by half of this, relatively
LONG_ENOUGH = 20_000_000  # iterations; every run to its end ends by itself long before


@dataclass(frozen=True)
class Case:
    """A loss, a curve of its minima parametrized by the first weight, and a step size."""

    name: str
    objective: Objective
    curve: tuple[Expr, ...]
    step_size: Rational

    @cached_property
    def simulator(self) -> Simulator:
        """Gradient descent."""
        return compile_map(GradientDescent().map(self.objective))

    @cached_property
    def _on_curve(self) -> CompiledFunction:
        """All weights, and then the entries of ∇²L, at the minimum with this coordinate."""
        weights = self.objective.weights
        at = dict(zip(weights[1:], self.curve[1:], strict=True))
        hessian = self.objective.hessian.xreplace(at).applyfunc(simplify)
        return compile_function([*self.curve, *hessian], weights[:1])

    def at(self, coordinate: float) -> tuple[Array, Array, Array]:
        """The weights, and the eigenvalues, rising, and eigenvectors of ∇²L at a minimum of the curve."""
        size = len(self.curve)
        values = np.array(self._on_curve(coordinate))
        return values[:size], *np.linalg.eigh(values[size:].reshape(size, size))

    def excess_at(self, coordinate: float) -> float:
        """y = λ₁ − 2/η at a minimum of the curve."""
        return float(self.at(coordinate)[1][-1]) - self.edge

    def coordinate(self, excess: float) -> float:
        """The minimum of this excess y, in double precision."""
        return float(brentq(lambda x: self.excess_at(x) - excess, *COORDINATE_RANGE, xtol=1e-15, rtol=1e-15))

    @property
    def edge(self) -> float:
        """2/η."""
        return float(2 / self.step_size)

    def form_beside(self, excess: float) -> LocalEdgeNormalForm:
        """The normal form at the minimum of this excess, for the step size that has its edge there."""
        weights = self.at(self.coordinate(excess))[0]
        point = dict(zip(self.objective.weights, map(float, weights), strict=True))
        return edge_normal_form_at(self.objective, point, 2 / (self.edge + excess), SLOW, {})

    @cached_property
    def form(self) -> LocalEdgeNormalForm:
        """The normal form at the edge."""
        return self.form_beside(0.0)

    @cached_property
    def neglected_rate(self) -> float:
        """σ/y₀ = η + |d log β/dy| + |d log κ₄/dy| + Σ 1/λ."""
        distance = SLOPE_STEP * self.edge
        beside = self.form_beside(distance)
        slopes = [
            abs(math.log(float(getattr(beside, name) / getattr(self.form, name)))) for name in ("beta", "quartic")
        ]
        others = self.at(self.coordinate(0.0))[1][:-1]
        lags = 1 / others[float(self.step_size) * others > float(SLOW)]
        return float(self.step_size) + sum(slopes) / distance + float(lags.sum())

    def predicted(self, excess: float) -> float:
        """y∞ for the excess y₀."""
        return float(self.form.end(Float(excess)))

    def excesses(self, points: int, slowest: float) -> Array:
        """y₀ over the decades, as far as `slowest` ≤ ηy₀ ≤ LARGEST_RATE allows."""
        e, eta = float(self.form.e), float(self.step_size)
        return np.geomspace(max(DECADES[0] / e, slowest / eta), min(DECADES[1] / e, LARGEST_RATE / eta), points)

    def start(self, excess: float) -> Array:
        """All weights at the minimum of excess y₀, displaced a little along the top eigenvector."""
        weights, _, vectors = self.at(self.coordinate(excess))
        amplitude = float(np.sqrt(2 * SMALLEST_AMPLITUDE / float(self.form.beta))) * excess
        displaced: Array = weights + amplitude * vectors[:, -1]
        return displaced

    def starts(self, y0: Sequence[float] | Array) -> dict[str, xr.DataArray]:
        """The starts of several excesses."""
        columns = np.array([self.start(excess) for excess in y0]).T
        pairs = zip(self.objective.weights, columns, strict=True)
        return {weight.name: xr.DataArray(column, dims="start") for weight, column in pairs}

    def run(self, y0: Sequence[float] | Array, steps: int = LONG_ENOUGH, record_every: int | None = None) -> xr.Dataset:
        """Gradient descent from excesses y₀."""
        eta = float(self.step_size)
        return self.simulator.run(self.starts(y0), {"eta": eta}, steps=steps, record_every=record_every)

    def ends(self, y0: Sequence[float] | Array) -> xr.Dataset:
        """Runs from excesses y₀: their ends y∞ as simulated and as predicted, and the size σ of what is neglected."""
        run = self.run(y0)
        first = run.final.sel(state=self.objective.weights[0].name)
        columns = {
            "excess": list(y0),
            "end": [self.excess_at(float(x)) for x in first],
            "predicted": [self.predicted(excess) for excess in y0],
            "neglected": [excess * self.neglected_rate for excess in y0],
            "scaled_excess": [excess * float(self.form.e) for excess in y0],
        }
        values = xr.Dataset({name: ("start", column, {"units": "1"}) for name, column in columns.items()})
        values["end"] = values.end.where(run.outcome == "converged")
        return values.merge(run[["outcome", "step"]])


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in the order of the essay."""
    log_cosh = Objective.from_text("log(cosh(1 - x*y))", "x y", name="log-cosh")
    soft_label = Objective.from_text("log(1 + exp(-x*y)) + x*y/4", "x y", name="soft label")
    x, _ = log_cosh.weights
    return (
        product_case(2, Rational(1, 2)),
        product_case(4, Rational(3, 20)),
        product_case(8, Rational(3, 20)),
        Case("log-cosh", log_cosh, (x, 1 / x), Rational(2, 25)),
        Case("soft label", soft_label, (x, log(3) / x), Rational(3, 10)),
        _fast_direction(),
    )


def product_case(depth: int, step_size: Rational) -> Case:
    """½ (1 − x₁ … x_d)² at the minima x, 1/x, x, 1/x, …."""
    objective = product(depth)
    first = objective.weights[0]
    return Case(f"depth {depth}", objective, (first, 1 / first) * (depth // 2), step_size)


def quartic_case(coefficient: Rational, step_size: Rational) -> Case:
    """½ s u² + c u⁴/24, for which κ₄ = c and β = 1 exactly."""
    s, u = Symbol("s", real=True), Symbol("u", real=True)
    objective = Objective("quartic", s * u**2 / 2 + coefficient * u**4 / 24, (s, u))
    return Case(f"quartic {coefficient}", objective, (s, Integer(0)), step_size)


def _fast_direction() -> Case:
    text = "s*u**2/2 + 6*w*u**2 + 45*w**2/2 + 5*u**4/24"
    objective = Objective.from_text(text, "s u w", name="fast direction")
    return Case("fast direction", objective, (objective.weights[0], Integer(0), Integer(0)), Rational(3, 100))
