"""A nonlinear unit, f(z) = vφ(wz) with φ(s) = s/√(1 + s²), that learns a line: ¼(f(½) − ½T)² + ¼(f(1) − T)².

A unit that saturates fits a line the better the smaller w and the larger v: the minimum is at v = ∞, vw = T, and on the
way the sharpness, near v²(½² + 1²)/2, rises without a bound. Gradient descent comes as far as the edge, and stays. The
plane of v and w holds all of it.
"""

from __future__ import annotations

from sympy import Expr, Integer, Rational, Symbol, sqrt, symbols

from analysis.exploring.model import ALONG, Curve, Model, Preset, Slider
from analysis.exploring.network import BEYOND, COMPARED, central_flow
from eos_sym import STEP_SIZE as ETA
from eos_sym import GradientDescent, Objective

V, W = symbols("v w", real=True)
SLOPE = Symbol("T", positive=True)


def output(z: Expr) -> Expr:
    """f(z)."""
    return V * W * z / sqrt(1 + (W * z) ** 2)


INPUTS = (Rational(1, 2), Integer(1))
LINE = Objective("line", sum((output(z) - SLOPE * z) ** 2 for z in INPUTS) / 4, (V, W), (SLOPE,))


def unit() -> Model:
    """The plane of v and w, with the weights at which the second example is fitted."""
    return Model(
        "unit",
        "A nonlinear unit",
        """¼(f(½) − ½T)² + ¼(f(1) − T)² with f(z) = vφ(wz), φ(s) = s/√(1 + s²): a network of one unit that saturates
learns a line. It fits it the better the smaller w and the larger v, so that learning raises the sharpness without a
bound: no minimum is at the end of the valley. Gradient descent comes as far as the edge. There it turns about the
central flow (:cite:t:`cohen2024understanding`), as the small network does,

    θ̇ = −η[∇L + ½σ²∇S],     σ² = 2⟨−∇L, ∇S⟩/‖∇S‖²,

until drift and oscillation balance: the turns die out, and the run ends in a two-cycle at the edge, at a loss that
gradient flow passes. Of starts beyond the edge nothing is predicted; and the flow is an expansion in the oscillation,
which is not small with large steps.""",
        ("central_flow", "edge_of_stability"),
        GradientDescent().map(LINE),
        LINE.loss,
        LINE.hessian,
        (
            Slider(ETA, "step size", 0.02, 1.0, 0.2, 0.001),
            Slider(SLOPE, "slope of the line", 0.5, 4.0, 4.0, 0.01),
            Slider(V, "start", 0.1, 6.0, 1.0, 0.01),
            Slider(W, "start", 0.1, 4.0, 1.0, 0.01),
        ),
        2000,
        (
            Preset("below the edge", _values(0.05, 4.0, 1.0, 1.0, 2000)),
            Preset("at the edge", _values(0.2, 4.0, 1.0, 1.0, 2000)),
            Preset("smaller steps", _values(0.1, 4.0, 1.0, 1.0, 6000)),
            Preset("large steps", _values(0.8, 3.6, 1.0, 1.0, 1000)),
        ),
        (0, 1),
        (Curve("second example fitted", (ALONG, SLOPE / sqrt(ALONG**2 - SLOPE**2)), 0),),
        (),
        flow="the central flow",
        unanswered=BEYOND,
        stages=central_flow(LINE, (V, W)),
        compared=COMPARED[:3],
    )


def _values(eta: float, slope: float, v: float, w: float, steps: int) -> dict[str, float]:
    return {"eta": eta, "T": slope, "v": v, "w": w, "steps": steps}
