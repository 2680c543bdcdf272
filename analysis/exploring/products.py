"""The minimalist example and degree 2: ½(1 − x²y²)² in a plane of four weights, and ½(1 − xy)².

What is predicted of a start is where gradient descent ends, by y₀, the excess over 2/η of the sharpness of the minimum
that gradient flow would reach from there, which x² − y² says. The edge law is that of `eos_sym.edge`, with σ, the
relative order of what it neglects (`analysis.edge_law`), as its error: where σ is 1 or more it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Abs, Expr, Integer, Piecewise, Rational, S, Symbol, solve, sqrt

from analysis.exploring.model import ALONG, UNKNOWN, Curve, Model, Prediction, Preset, Slider, Zero
from analysis.minimalist.theory import Theory, derive
from analysis.minimalist.two_cycles import RATIO, SQUARE, TwoCycles
from analysis.shallow.theory import EXCESS, SCALED_OFFSET, DegreeTwo, degree_two
from eos_sym import STEP_SIZE as ETA
from eos_sym.edge import EdgeNormalForm, edge_normal_form

START = Symbol("y0", positive=True)
NOT_ABOVE = "the minimum ahead is not above the edge: nothing oscillates"
ABOVE = "the minimum ahead is above the edge, where gradient descent does not stay"
ALL_UNSTABLE = "every minimum is above the edge at this step size"
TOO_FLAT = "it would be flatter than the flattest minimum is"
TOO_FAR = "so far above the edge the law neglects as much as it says"
NOT_LARGE = "the excess is not large: where it ends depends on it by a tenth or more, as the edge law says"


def minimalist() -> Model:
    """½(1 − xyzw)² on z = x, w = y."""
    theory = derive()
    law = _Law.of(theory)
    series = Prediction(
        "from a large excess",
        "S∞ = 2/η − ½η + (129/32)η³ + O(η⁵)",
        (theory.terminal_sharpness,),
        "end",
        holds=(*law.holds, (Rational(1, 10) - 1 - law.end / law.form.depth, NOT_LARGE)),
    )
    return _model(
        theory,
        "minimalist",
        "The minimalist example",
        f"""½(1 − xyzw)² from symmetric starts z = x, w = y, where it stays (:cite:t:`zhu2022minimalist`). Gradient
flow keeps x² − y², and with it the sharpness of the minimum ahead; near the minima gradient descent lowers both while
xy oscillates about 1, and ends below 2/η: from far enough above by a depth that does not depend on the start. {LAW}
Beyond η = ½ every minimum is unstable, and runs settle on the two-cycle with x = y, until it becomes unstable, too.""",
        (law.prediction, series),
        (6.0, 2.0, 0.7),
        (
            Preset("below the edge", {"eta": 0.12, "x": 2.6, "y": 0.4, "steps": 200}),
            Preset("at the edge", {"eta": 0.2, "x": 2.26, "y": 0.46, "steps": 1500}),
            Preset("two-cycle", {"eta": 0.55, "x": 1.2, "y": 0.9, "steps": 1500}),
            Preset("diverges", {"eta": 0.2, "x": 3.6, "y": 0.28, "steps": 200}),
        ),
    )


def degree_two_model() -> Model:
    """½(1 − xy)²."""
    theory = degree_two()
    law = _Law.of(theory)
    x, y = theory.reduced_map.state
    level = theory.first_integral
    start = {EXCESS: ETA * _excess(theory), SCALED_OFFSET: ETA * (x * y - 1)}
    on_axis = level.subs({SCALED_OFFSET: 0, EXCESS: UNKNOWN})
    integral = Prediction(
        "by what two steps conserve",
        "δ² + 2ρ² + (2/3)δ³ + 2δρ²,   δ = ηS − 2,   ρ = η(xy − 1)",
        (Piecewise(((2 + UNKNOWN) / ETA, ETA * law.flattest - 2 <= UNKNOWN), (S.NaN, True)),),
        "end",
        holds=law.holds[:2],
        otherwise="too far above the edge: what is conserved has no such value at a minimum",
        zero=Zero(on_axis - level.subs(start, simultaneous=True), -1, 0),
        line="sharpness",
    )
    return _model(
        theory,
        "degree-2",
        "Degree 2",
        f"""½(1 − xy)², which :cite:t:`zhu2022minimalist` set beside the minimalist example. Its minima are on the same
curve, it drifts along them alike, and it lacks the cubic damping, so that runs go half around an ellipse, and end about
as far below the edge as they came in above it. {LAW} As η → 0, two steps conserve a polynomial, from which the end is
found, too; both are expansions about the edge.""",
        (law.prediction, integral),
        (5.0, 2.0, 1.4),
        (
            Preset("below the edge", {"eta": 0.2, "x": 2.6, "y": 0.4, "steps": 200}),
            Preset("at the edge", {"eta": 0.2, "x": 3.2, "y": 0.33, "steps": 400}),
            Preset("far beyond it", {"eta": 0.2, "x": 3.4, "y": 0.25, "steps": 300}),
            Preset("two-cycle", {"eta": 1.1, "x": 1.2, "y": 0.8, "steps": 300}),
            Preset("diverges", {"eta": 0.2, "x": 4.55, "y": 0.222, "steps": 200}),
        ),
    )


LAW = """By the edge law an orbit that comes in with the excess y₀ of sharpness ends at

    S∞ = 2/η − [1 + W(−(1 + e y₀) e^{−(1 + e y₀)})]/e,     e = −2κ₄/(3β),

W Lambert's function, β and κ₄ of the derivatives at the minimum whose sharpness is 2/η, and y₀ that of the minimum
ahead. What stands after ± is the order of what the law neglects, and no bound; that the start is near the minima is
supposed, too, and not looked at."""


@dataclass(frozen=True)
class _Law:
    """The edge law for a start: normal form at the edge, excess y₀ over it, σ, and the least sharpness of a minimum."""

    form: EdgeNormalForm
    excess: Expr
    neglected: Expr
    flattest: Expr

    @classmethod
    def of(cls, theory: Theory) -> _Law:
        x, y = theory.reduced_map.state
        along = {weight: value.subs(y, 1 / x) for weight, value in theory.subspace.items()}
        form = edge_normal_form(theory.objective, {**along, y: 1 / x} if along else None).in_step_size()
        order, excess = form.next_order(), _excess(theory)
        rate = ETA + Abs(order.beta_slope / form.beta) + Abs(order.quartic_slope / form.quartic)
        return cls(form, excess, rate * excess, theory.sharpness_of_imbalance(Integer(0)))

    @property
    def end(self) -> Expr:
        """y∞."""
        return self.form.end(START).subs(START, self.excess)

    @property
    def holds(self) -> tuple[tuple[Expr, str], ...]:
        """Where the law speaks."""
        above = (self.form.beta, ALL_UNSTABLE), (self.excess, NOT_ABOVE)
        return *above, (1 - self.neglected, TOO_FAR), (2 / ETA + self.end - self.flattest, TOO_FLAT)

    @property
    def prediction(self) -> Prediction:
        """Where gradient descent ends, and σ of how far that is from the edge."""
        return Prediction(
            "the edge law",
            "",
            (2 / ETA + self.end, self.neglected * Abs(self.end)),
            "end",
            holds=self.holds,
            line="sharpness",
        )


def _excess(theory: Theory) -> Expr:
    """The sharpness of the minimum ahead less 2/η."""
    x, y = theory.reduced_map.state
    return theory.sharpness_of_imbalance(x**2 - y**2) - 2 / ETA


def _model(
    theory: Theory,
    name: str,
    title: str,
    text: str,
    own: tuple[Prediction, ...],
    reach: tuple[float, float, float],
    presets: tuple[Preset, ...],
) -> Model:
    x, y = theory.reduced_map.state
    plane: Mapping[Symbol, Expr] = theory.subspace
    loss, hessian = theory.objective.loss.subs(plane), theory.objective.hessian.subs(plane)
    first = presets[1].values
    return Model(
        name,
        title,
        text,
        ("shallow" if isinstance(theory, DegreeTwo) else "minimalist", "edge_law"),
        theory.reduced_map,
        loss,
        hessian,
        (
            Slider(ETA, "step size", 0.01, reach[2], first["eta"], 0.001),
            Slider(x, "start", -reach[0], reach[0], first["x"], 0.005),
            Slider(y, "start", -reach[1], reach[1], first["y"], 0.001),
        ),
        int(first["steps"]),
        presets,
        (0, 1),
        tuple(Curve("minima", (ALONG, branch.subs(x, ALONG)), 0) for branch in solve(loss, y)),
        (*own, _flow_end(theory), _two_cycle(theory)),
    )


def _flow_end(theory: Theory) -> Prediction:
    excess = _excess(theory)
    return Prediction(
        "the end of gradient flow",
        "",
        (excess + 2 / ETA,),
        "end",
        holds=((-excess, ABOVE),),
        line="sharpness",
    )


def _two_cycle(theory: Theory) -> Prediction:
    """x and rx on the diagonal, r by the step size."""
    cycles: TwoCycles = theory.two_cycles
    square = sqrt(cycles.asymmetric_square)
    equation = cycles.step_size_of_ratio.subs(SQUARE, square).subs(RATIO, UNKNOWN)
    point = sqrt(square.subs(RATIO, UNKNOWN))
    birth = equation.limit(UNKNOWN, 1)  # r falls from 1 there, and to 0 as η → ∞
    return Prediction(
        "larger x of the two-cycle on y = x",
        "",
        (point,),
        "cycle",
        holds=((ETA - birth, "there is none: it is born at the step size at which the flattest minimum is unstable"),),
        zero=Zero(equation - ETA, 0.01, 0.999999),
        marks=((point, point), (UNKNOWN * point, UNKNOWN * point)),
    )
