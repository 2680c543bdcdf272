"""Self-stabilization, the reduced model: gradient descent on ½su² − αs + κ₄u⁴/24, a valley whose floor grows sharper.

In x = u and y = s − 2/η it is the map of `eos_sym.self_stabilization.cycle` with β = 1, exactly. Beside it go the
orbit of the continuous limit, Ẋ = XY, Ẏ = 1 − X², from the same start, with |u| = δX, s = 2/η + √α Y and the time εt;
where κ₄ = 0 it is closed, and its extremes are known. The loss is shown above the floor, whose own is −αs; its mean is
that of the two-cycle, and where κ₄ = 0 of every turn of the limit, on which the means of X² and X²Y are 1 and 0.
"""

from __future__ import annotations

from sympy import Abs, Integer, Matrix, Rational, expand, sqrt

from analysis.exploring.model import ALONG, Curve, Model, Prediction, Preset, Slider, Stage
from analysis.self_stabilization.theory import CYCLE, EXACT, SLICE, conserved
from eos_sym import STEP_SIZE as ETA
from eos_sym import GradientDescent
from eos_sym.self_stabilization import extremes
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import ALPHA, QUARTIC, SQUARE, X, Y
from eos_sym.self_stabilization.predicted_dynamics import EXCESS

CLOSED = (Rational(1, 10**9) - Abs(QUARTIC), "with κ₄ the orbits are not closed")


def self_stabilization() -> Model:
    """The valley."""
    dynamics, cycle = GradientDescent().map(SLICE), EXACT[SLICE]
    u, s = SLICE.weights
    delta, height = sqrt(2 * ALPHA), sqrt(ALPHA)
    start = {X: Abs(u) / delta, Y: (s - 2 / ETA) / height}
    level = conserved().subs(start, simultaneous=True)
    highest = {name: values[1].subs(LEVEL, level) for name, values in extremes(LEVEL).items()}
    lowest = extremes(LEVEL)[Y][0].subs(LEVEL, level)
    balance = 2 / ETA + cycle.equilibrium[EXCESS]
    above = SLICE.loss + ALPHA * s
    balanced = expand(above.subs({u: sqrt(cycle.equilibrium[SQUARE]), s: balance}, simultaneous=True))
    sides = tuple((sign * sqrt(cycle.equilibrium[SQUARE]), balance) for sign in (1, -1))
    return Model(
        "self-stabilization",
        "Self-stabilization",
        """½su² − αs + κ₄u⁴/24, the reduced model of :cite:t:`damian2022selfstabilization`. The loss raises the
sharpness s at the rate α, the oscillation of u lowers it at the rate ½u², and the two go around the balance u² = δ² =
2α. In X = |u|/δ, Y = (s − 2/η)/√α and the time εt, ε = η√α, the limit is Ẋ = XY, Ẏ = 1 − X², which conserves

    h = ½(X² − 2 ln X − 1 + Y²).

A step of the map raises h by the order ε², so that without κ₄ runs spiral outward, slowly, and pass the extremes of
that limit. The balance is a two-cycle, at s = 2/η − κ₄δ²/6; it attracts if κ₄ is negative and |κ₄| > 3η. How a run
escapes is not predicted.""",
        ("self_stabilization",),
        dynamics,
        above,
        SLICE.hessian,
        (
            Slider(ETA, "step size", 0.02, 0.3, 0.1, 0.001),
            Slider(ALPHA, "progressive sharpening", 0.001, 0.2, 0.01, 0.001),
            Slider(QUARTIC, "quartic coefficient", -20.0, 2.0, 0.0, 0.05),
            Slider(u, "start", -2.0, 2.0, 0.05, 0.005),
            Slider(s, "start", 0.0, 60.0, 20.0, 0.05),
        ),
        2500,
        (
            Preset("below the edge", _values(0.1, 0.01, 0.0, 0.05, 19.0, 2500)),
            Preset("at the edge", _values(0.1, 0.01, 0.0, 0.05, 20.0, 2500)),
            Preset("two-cycle", _values(0.1, 0.01, -3.0, 0.05, 20.0, 4000)),
            Preset("diverges", _values(0.1, 0.2, 1.0, 1.0, 20.0, 2000)),
        ),
        (0, 1),
        (Curve("floor of the valley", (Integer(0), ALONG), 1),),
        (
            Prediction(
                "sharpness of the two-cycle",
                "",
                (balance,),
                "mean_sharpness",
                marks=sides,
                line="sharpness",
            ),
            Prediction("growth of small turns about it in a step", "", (cycle.growth,), "growth"),
            Prediction("steps of a small turn about it", "", (cycle.turn,), "turn", otherwise="there is no turn"),
            Prediction("largest sharpness", "2/η + √(2hα)", (2 / ETA + height * highest[Y],), "largest", (CLOSED,)),
            Prediction("least sharpness", "2/η − √(2hα)", (2 / ETA + height * lowest,), "least", (CLOSED,)),
            Prediction("largest |u|", "", (delta * highest[X],), "extent", (CLOSED,)),
            Prediction("loss above the floor, mean", "δ²/η − κ₄δ⁴/24", (balanced,), "mean_loss", line="loss"),
        ),
        loss_words="loss above the floor of the valley",
        flow="the continuous limit, without κ₄",
        unanswered="a start on the floor stays there",
        stages=(
            Stage(
                state=(X, Y),
                before=(u, s),
                enter=(start[X], start[Y]),
                rates=tuple(CYCLE.limit[name] for name in (X, Y)),
                pace=ETA * height,
                hessian=Matrix([[2 / ETA + height * Y]]),
                place=(delta * X, 2 / ETA + height * Y),
                loss=(2 / ETA + height * Y) * (delta * X) ** 2 / 2,
            ),
        ),
    )


def _values(eta: float, alpha: float, quartic: float, u: float, s: float, steps: int) -> dict[str, float]:
    names = ("eta", *(symbol.name for symbol in (ALPHA, QUARTIC, *SLICE.weights)), "steps")
    return dict(zip(names, (eta, alpha, quartic, u, s, steps), strict=True))
