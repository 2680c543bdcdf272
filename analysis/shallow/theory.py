"""The theory of ½(1 − xy)² beside that of ½(1 − xyzw)²: series, first integrals, edge law, and the limit η → 0.

The derivation of the minimalist example serves for both: D, P, a, b, and the maps between them depend on the loss only
through its gradient and its sharpness. At degree 2 the coordinate a = √D − ∜(4η⁻² − 4) has √2/κ as its leading term,
so the series is taken in h with η = 2h², where every coefficient is rational.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Poly, Rational, Symbol, cancel, factor, fraction, limit, simplify, solve, sqrt, symbols

from analysis.minimalist.theory import KAPPA, SCALE, A, B, D, P, Theory, a, b
from eos_sym import STEP_SIZE, GradientDescent, Map, Objective, Undecided, shallow
from eos_sym.algebra import expand_in
from eos_sym.edge import EdgeNormalForm, edge_normal_form, invariant_curve

SCALED_IMBALANCE = Symbol("K", positive=True)  # ηD
SCALED_OFFSET, EXCESS = symbols("rho delta", real=True)  # η(P − 1), and ηD − 2
LEVEL = Symbol("C", positive=True)
STEP_SIZE_RATIO = {2: 1.0, 4: 0.5}  # of the step size of ½(1 − xy)², and of ½(1 − xyzw)², to that of ½(1 − xy)²
SMALL = Symbol("h", positive=True)
SERIES_ORDERS = {a: 11, b: 10}  # with a = O(κ³), b = O(κ²): the next terms are of these orders


@dataclass(frozen=True)
class DegreeTwo(Theory):
    """The theory of ½(1 − xy)², whose two weights need no symmetry."""

    @cached_property
    def subspace(self) -> Mapping[Symbol, Expr]:
        """All of the plane."""
        return {}

    @cached_property
    def series(self) -> dict[int, dict[Symbol, Expr]]:
        """a and b after two steps, up to the orders SERIES_ORDERS in κ."""
        return {2: {name: self.expanded(exact, SERIES_ORDERS[name]) for name, exact in self.moved[2].items()}}

    def expanded(self, exact: Expr, order: int) -> Expr:
        """The series in κ up to this order, where a = O(κ³) and b = O(κ²); taken in h = κ/√2."""
        in_h = expand_in(exact.subs(KAPPA, sqrt(2) * SMALL), SMALL, order, SCALE)
        return in_h.subs(SMALL, KAPPA / sqrt(2)).expand()

    @cached_property
    def cubic_term(self) -> Expr:
        """The term of b'' in b³, which is of one order more."""
        return self.expanded(self.moved[2][b], SERIES_ORDERS[b] + 1).coeff(b, 3).coeff(a, 0) * b**3

    @cached_property
    def ellipse(self) -> Expr:
        """C = a² + κ²b²/4, which two steps conserve to leading order."""
        coefficient = Symbol("c")
        changes = {name: step - name for name, step in self.series[2].items()}
        rate = 2 * a * changes[a] + 2 * coefficient * b * changes[b]
        (value,) = solve(rate, coefficient)
        return a**2 + value * b**2

    @cached_property
    def ellipse_branch(self) -> Expr:
        """b² on the ellipse with the given C."""
        (square,) = solve(self.ellipse - LEVEL, b**2)
        return factor(square)

    @cached_property
    def scale_free_map(self) -> Map:
        """The limit η → 0 of the map of K = ηD and ρ = η(P − 1)."""
        moved = self.product_map.substitution
        scaled = {D: SCALED_IMBALANCE / STEP_SIZE, P: 1 + SCALED_OFFSET / STEP_SIZE}
        steps = [STEP_SIZE * moved[D], STEP_SIZE * (moved[P] - 1)]
        limits = [_at_zero(simplify(step.subs(scaled, simultaneous=True))) for step in steps]
        return Map((SCALED_IMBALANCE, SCALED_OFFSET), (), tuple(limits))

    @cached_property
    def first_integral(self) -> Expr:
        """The polynomial in δ = K − 2 and ρ, normalized to δ² + …, that two steps of the limit map conserve.

        Its cubic terms are those that leave a change of the fifth order only.
        """
        unknowns = symbols("c1:4")
        candidate = EXCESS**2 + unknowns[0] * SCALED_OFFSET**2
        candidate += unknowns[1] * EXCESS**3 + unknowns[2] * EXCESS * SCALED_OFFSET**2
        moved = self.scale_free_map.iterate(2).substitution
        near_edge = {SCALED_IMBALANCE: 2 + SMALL * EXCESS, SCALED_OFFSET: SMALL * SCALED_OFFSET}
        steps = [
            (expand_in(moved[name].subs(near_edge, simultaneous=True), SMALL, 5) - edge) / SMALL
            for name, edge in ((SCALED_IMBALANCE, 2), (SCALED_OFFSET, 0))
        ]
        powers = {EXCESS: SMALL * EXCESS, SCALED_OFFSET: SMALL * SCALED_OFFSET}
        after = candidate.subs({EXCESS: SMALL * steps[0], SCALED_OFFSET: SMALL * steps[1]}, simultaneous=True)
        change = Poly((after - candidate.subs(powers, simultaneous=True)).expand(), SMALL)
        equations = [
            coefficient
            for (order,), term in change.terms()
            if order <= 4
            for coefficient in Poly(term, EXCESS, SCALED_OFFSET).coeffs()
        ]
        solutions = solve(equations, unknowns, dict=True)
        if len(solutions) != 1 or set(solutions[0]) != set(unknowns):
            raise Undecided(f"the first integral: {len(solutions)} polynomials of degree 3 are conserved, not one")
        return candidate.subs(solutions[0])

    @cached_property
    def overshoot(self) -> Expr:
        """δ∞ as a series in δ₀ > 0 up to δ₀³, where the first integral takes on ρ = 0 the value it started with."""
        coefficient = Symbol("c")
        on_axis = self.first_integral.subs(SCALED_OFFSET, 0)
        end = -EXCESS - coefficient * EXCESS**2
        equation = Poly((on_axis.subs(EXCESS, end) - on_axis).expand(), EXCESS)
        (value,) = solve(equation.coeff_monomial(EXCESS**3), coefficient)
        return end.subs(coefficient, value)

    def as_report(self) -> dict[str, Any]:
        """What is printed and written."""
        return {
            "loss": self.objective.loss,
            "map": self.full_map,
            "map_of_imbalance_and_product": self.product_map,
            "coordinates_at_the_edge": {"a": sqrt(D) - self.edge_root, "b": P - 1, "kappa": sqrt(STEP_SIZE)},
            "two_steps": self.series[2],
            "ellipse": {"C": self.ellipse, "b_squared": self.ellipse_branch},
            "limit_of_small_step_sizes": self.scale_free_map,
            "conserved_near_the_edge": self.first_integral,
            "end_of_K_minus_2": self.overshoot,
        }


def parabola(theory: Theory) -> Expr:
    """a on the curve that two steps at degree 4 keep to leading order, in b and κ."""
    scaled = {a: A * KAPPA**3, b: B * KAPPA**2}
    steps = [step.subs(scaled, simultaneous=True) / KAPPA ** SCALE[name] for name, step in theory.series[2].items()]
    curve = invariant_curve(Map((A, B), (KAPPA,), tuple(step.expand() for step in steps)), KAPPA, 1)
    return (KAPPA**3 * curve.subs(B, b / KAPPA**2)).expand()


def frozen_product_map(theory: Theory) -> Expr:
    """The limit η → 0 of the new P at fixed K = ηD: what the product does while the imbalance stands still."""
    return _at_zero(theory.product_map.substitution[P].subs(D, SCALED_IMBALANCE / STEP_SIZE))


def degree_two() -> DegreeTwo:
    """The theory of the catalogue's ½(1 − xy)²."""
    return DegreeTwo(shallow())


def square_of_squares() -> Objective:
    """½(1 − x²y²)², a loss of two weights."""
    x, y = shallow().weights
    return Objective("½(1 − x²y²)²", Rational(1, 2) * (1 - x**2 * y**2) ** 2, (x, y))


def with_step_size(objective: Objective, step_size: Expr) -> tuple[Expr, ...]:
    """One step of gradient descent with the given step size."""
    return tuple(step.subs(STEP_SIZE, step_size) for step in GradientDescent().map(objective).step)


def edge_form(theory: Theory) -> EdgeNormalForm:
    """The normal form of the edge law at the symmetric minimum x = 1/y whose sharpness is 2/η, as functions of η.

    β and κ₄ are rational in t = x², and do not change with x ↔ y, that is, t ↔ 1/t. Modulo the equation of the edge,
    t² − σt + 1 = 0, numerator and denominator are linear in t, and proportional.
    """
    form = edge_normal_form(theory.objective)
    x, y = theory.reduced_map.state
    square = Symbol("t", positive=True)
    sum_of_squares = 2 / STEP_SIZE / cancel(theory.sharpness_at_minima / (x**2 + y**2))
    edge = Poly(square**2 - sum_of_squares * square + 1, square)
    chart = {x: sqrt(square), y: 1 / sqrt(square)}
    point = {weight: theory.subspace.get(weight, weight).subs(chart) for weight in theory.objective.weights}

    def at_edge(quantity: Expr) -> Expr:
        parts = [Poly(part, square).rem(edge) for part in fraction(cancel(quantity.subs(point)))]
        above, below = ((part.coeff_monomial(square), part.coeff_monomial(1)) for part in parts)
        if cancel(above[0] * below[1] - above[1] * below[0]) != 0:
            raise Undecided(f"the edge law of {theory.objective.name}: {quantity} is not symmetric in x and y")
        return factor(above[1] / below[1])

    return EdgeNormalForm(at_edge(form.beta), at_edge(form.quartic))


def edge_law(form: EdgeNormalForm) -> dict[str, Expr]:
    """β, κ₄, and the depth 1/e = 3β/(2|κ₄|) below the edge of the end that a large excess leads to."""
    return {"beta": form.beta, "quartic": form.quartic, "depth": factor(1 / form.e)}


def _at_zero(expression: Expr) -> Expr:
    return factor(limit(expression, STEP_SIZE, Integer(0), "+"))
