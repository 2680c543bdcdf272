"""The theory of ½(1 − xyzw)², derived step by step; nothing is typed in but the loss and the names of coordinates.

weights x, y, z, w  →  symmetric subspace x, y  →  D = x² − y², P = xy  →  a, b  →  series, parabola, endpoint
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Poly, Symbol, factor, reduced, solve, sqrt, symbols

from analysis.minimalist.two_cycles import TwoCycles
from eos_sym import STEP_SIZE, GradientDescent, Map, Minima, Objective, minimalist
from eos_sym.algebra import expand_in
from eos_sym.edge import invariant_curve
from eos_sym.flows import conserved_quantities

D = Symbol("D", positive=True)
P, A, B, a, b = symbols("P A B a b", real=True)
KAPPA = Symbol("kappa", positive=True)
EIGENVALUE = Symbol("mu", real=True)
DISTANCE_SQUARED = Symbol("r2", nonnegative=True)  # x² + y²

# a = O(κ³) and b = O(κ²) balance the terms of the two-step map: the scale of the endpoint and of the parabola there.
SCALE = {a: 3, b: 2}
REMAINDERS = {a: 9, b: 8}
CURVE_ORDERS = 3


@dataclass(frozen=True)
class Theory:
    """Every derived result is computed on first use; the order of the properties is the order of the argument."""

    objective: Objective

    @cached_property
    def full_map(self) -> Map:
        """Gradient descent on all four weights."""
        return GradientDescent().map(self.objective)

    @cached_property
    def subspace(self) -> Mapping[Symbol, Expr]:
        """The symmetric subspace z = x, w = y."""
        x, y, z, w = self.objective.weights
        return {z: x, w: y}

    @cached_property
    def reduced_map(self) -> Map:
        """Gradient descent on the symmetric subspace, which it keeps (or `restrict` would refuse)."""
        return self.full_map.restrict(self.subspace)

    @cached_property
    def minima(self) -> Minima:
        """The global minima, xyzw = 1."""
        return self.objective.minima

    @cached_property
    def spectrum_at_minima(self) -> Poly:
        """The characteristic polynomial of the Hessian at the minima: λ³ (λ − sharpness)."""
        return self.minima.on(self.objective.hessian).charpoly()

    @cached_property
    def sharpness_at_minima(self) -> Expr:
        """The sharpness at a symmetric minimum xy = 1: the trace of the rank-one Hessian, modulo xy − 1."""
        x, y = self.reduced_map.state
        trace = self.objective.hessian.subs(self.subspace).trace()
        return factor(reduced(trace, [x * y - 1], x, y)[1])

    @cached_property
    def symmetric_spectrum(self) -> Poly:
        """The characteristic polynomial of the Hessian at any symmetric point."""
        return self.objective.hessian.subs(self.subspace).charpoly(EIGENVALUE)

    @cached_property
    def product_map(self) -> Map:
        """What the imbalance D and the product P obey: exact, and closed in themselves."""
        x, y = self.reduced_map.state
        return self.reduced_map.semiconjugate({D: x**2 - y**2, P: x * y}, {DISTANCE_SQUARED: x**2 + y**2})

    @cached_property
    def conserved(self) -> tuple[Expr, ...]:
        """The quadratic quantities that gradient flow conserves."""
        return conserved_quantities(self.objective, 2)

    @cached_property
    def imbalance_cofactor(self) -> Expr:
        """What one step of gradient descent multiplies the imbalance x² − y² by."""
        x, y = self.reduced_map.state
        return self.reduced_map.cofactor(x**2 - y**2)

    @cached_property
    def edge_root(self) -> Expr:
        """√D at the symmetric minimum whose sharpness is 2/η."""
        sharpness = self.sharpness_of_imbalance(D)
        (edge,) = solve(sharpness**2 - (2 / STEP_SIZE) ** 2, D)
        return sqrt(edge)

    def sharpness_of_imbalance(self, imbalance: Expr) -> Expr:
        """The sharpness at the minimum P = 1 with the given imbalance."""
        return self._in_products(self.sharpness_at_minima).subs({D: imbalance, P: 1})

    def _in_products(self, symmetric: Expr) -> Expr:
        """A polynomial in x² + y² through D and P, using (x² + y²)² = D² + 4P²."""
        x, y = self.reduced_map.state
        return symmetric.subs(x**2, DISTANCE_SQUARED - y**2).expand().subs(DISTANCE_SQUARED, sqrt(D**2 + 4 * P**2))

    @cached_property
    def centred_map(self) -> Map:
        """The map of a = √D − √D_edge and b = P − 1."""
        forward = {a: sqrt(D) - self.edge_root, b: P - 1}
        inverse = {D: (a + self.edge_root) ** 2, P: b + 1}
        return self.product_map.conjugate(forward, inverse)

    @cached_property
    def moved(self) -> dict[int, dict[Symbol, Expr]]:
        """a and b after one and after two steps, exactly, in κ."""
        once = Map((a, b), (KAPPA,), tuple(step.subs(STEP_SIZE, KAPPA**2) for step in self.centred_map.step))
        return {steps: once.iterate(steps).substitution for steps in (1, 2)}

    @cached_property
    def series(self) -> dict[int, dict[Symbol, Expr]]:
        """a and b after one and after two steps, up to the orders REMAINDERS in κ."""
        return {
            steps: {name: expand_in(exact, KAPPA, REMAINDERS[name], SCALE) for name, exact in moved.items()}
            for steps, moved in self.moved.items()
        }

    @cached_property
    def scaled_two_step_map(self) -> Map:
        """Two steps in A = a/κ³, B = b/κ², a series in η known as far as the invariant curve needs it."""
        order, scaled = 2 * (2 + CURVE_ORDERS), {a: A * KAPPA**3, b: B * KAPPA**2}
        steps = (
            expand_in(exact.subs(scaled, simultaneous=True) / KAPPA ** SCALE[name], KAPPA, order)
            for name, exact in self.moved[2].items()
        )
        return Map((A, B), (STEP_SIZE,), tuple(step.subs(KAPPA, sqrt(STEP_SIZE)) for step in steps))

    @cached_property
    def curve(self) -> Expr:
        """A on the invariant curve of two steps, as a polynomial in B and η."""
        return invariant_curve(self.scaled_two_step_map, STEP_SIZE, CURVE_ORDERS)

    @cached_property
    def parabola(self) -> Expr:
        """a on the invariant curve at leading order, in b and κ."""
        return (KAPPA**3 * self.curve.subs(STEP_SIZE, 0).subs(B, b / KAPPA**2)).expand()

    @cached_property
    def endpoint(self) -> Expr:
        """a where the invariant curve meets the minima b = 0, in κ."""
        return (KAPPA**3 * self.curve.subs(B, 0).subs(STEP_SIZE, KAPPA**2)).expand()

    @cached_property
    def terminal_sharpness(self) -> Expr:
        """The sharpness at the endpoint, a series in η with the error O(η⁵)."""
        imbalance = (self.endpoint + self.edge_root.subs(STEP_SIZE, KAPPA**2)) ** 2
        order = 2 * CURVE_ORDERS + 3
        return expand_in(self.sharpness_of_imbalance(imbalance), KAPPA, order).subs(KAPPA, sqrt(STEP_SIZE))

    @cached_property
    def two_cycles(self) -> TwoCycles:
        """All two-cycles of the reduced map with x ≠ 0."""
        return TwoCycles(self.reduced_map)

    def as_report(self) -> dict[str, Any]:
        """What is printed and written, in the order of the argument."""
        x, y = self.reduced_map.state
        return {
            "loss": self.objective.loss,
            "map": self.full_map,
            "reduced_map": self.reduced_map,
            "zero_at_the_minima": list(self.minima.equations),
            "sharpness_at_symmetric_minima": self.sharpness_at_minima,
            "spectrum_at_symmetric_points": factor(self.symmetric_spectrum.as_expr()),
            "imbalance_and_product": {"D": x**2 - y**2, "P": x * y},
            "map_of_imbalance_and_product": self.product_map,
            "conserved_by_gradient_flow": list(self.conserved),
            "imbalance_multiplied_by": self.imbalance_cofactor,
            "coordinates_at_the_edge": {"a": sqrt(D) - self.edge_root, "b": P - 1, "kappa": sqrt(STEP_SIZE)},
            "one_step": self.series[1],
            "two_steps": self.series[2],
            "parabola": {"a": self.parabola},
            "endpoint": {"a": self.endpoint},
            "terminal_sharpness": self.terminal_sharpness,
            "two_cycles": self.two_cycles.as_report(),
        }


def derive() -> Theory:
    """The theory of the catalogue's minimalist loss."""
    return Theory(minimalist())
