"""Normalized gradient descent on ½(1 − xy)²: along gradient flow to the minima, and along them to the flattest.

The flow beside the run has two stages. In the first it is gradient flow in the length of its path, of which a step is
η, until the effective step η/‖∇L‖ is at the edge; then, from the minimum that gradient flow would reach, the limit flow
of `eos_sym.flows.limit_flow` in the time η²t.
"""

from __future__ import annotations

from sympy import Expr, Integer, Matrix, S, factor, sign, sqrt

from analysis.exploring.model import ALONG, SHARPNESS, Compared, Curve, Model, Prediction, Preset, Slider, Stage
from analysis.normalized_gd.theory import HYPERBOLA, NORMALIZED, flow
from eos_sym import STEP_SIZE as ETA
from eos_sym.flows.limit_flow import CURVATURE


def normalized() -> Model:
    """The hyperbola of minima xy = 1, in the chart y = 1/x."""
    objective, chart = HYPERBOLA.objective, HYPERBOLA.chart
    x, y = objective.weights
    dynamics = NORMALIZED.rule.map(objective)
    length = sqrt(sum((slope**2 for slope in objective.gradient), Integer(0)))
    on_minima: Expr = factor(objective.hessian.subs(chart).trace())
    imbalance = x**2 - y**2  # which gradient flow conserves
    reached = sign(x + y) * sqrt((imbalance + sqrt(imbalance**2 + 4)) / 2)
    limit = flow(HYPERBOLA, NORMALIZED)
    return Model(
        "normalized",
        "Normalized gradient descent",
        """θ ← θ − η∇L/‖∇L‖ on ½(1 − xy)² (:cite:t:`arora2022understanding`). It cannot converge: it follows gradient
flow to the minima, oscillates across them with steps of length η, and walks along them, by the order of η² a step, to
where they are flattest,

    dX/dτ = −¼ P∇log λ₁(X),     τ = η²t,

X on the minima and P the projection onto their tangent. Its edge is not at 2/η: what is multiplied with the gradient is
η/‖∇L‖, and the stableness that follows from it has the harmonic mean 2,

    1/S_t + 1/S_{t+1} → 1,     S_t = ηλ₁/‖∇L‖,

here with λ₁ and ∇L after t steps: λ₁ is at the mean of 2‖∇L‖/η over two steps, which is drawn as its edge. How the
oscillation is divided between the two sides is not predicted, and neither is the loss after a single step; the sum of
the roots of two is.""",
        ("normalized_gd",),
        dynamics,
        objective.loss,
        objective.hessian,
        (
            Slider(ETA, "step size", 0.005, 0.5, 0.05, 0.001),
            Slider(x, "start", -4.0, 4.0, 2.5, 0.01),
            Slider(y, "start", -4.0, 4.0, 1.0, 0.01),
        ),
        2500,
        (
            Preset("small steps", {"eta": 0.03, "x": 2.5, "y": 1.0, "steps": 5000}),
            Preset("to the flattest minimum", {"eta": 0.05, "x": 2.5, "y": 1.0, "steps": 2500}),
            Preset("from far away", {"eta": 0.05, "x": 3.5, "y": -2.0, "steps": 3000}),
            Preset("large steps", {"eta": 0.3, "x": 2.5, "y": 1.0, "steps": 300}),
        ),
        (0, 1),
        (Curve("minima", (ALONG, chart[y].subs(x, ALONG)), 0),),
        (Prediction("stableness of two steps", "1/S_t + 1/S_{t+1}", (Integer(1),), "reciprocals"),),
        effective_step=ETA / length,
        edge="2‖∇L‖/η",
        flow="gradient flow, then the limit flow",
        unanswered="the start is at the edge already",
        stages=(
            Stage(
                state=(x, y),
                before=(x, y),
                enter=(x, y),
                rates=tuple(-slope / length for slope in objective.gradient),
                pace=ETA,
                hessian=objective.hessian,
                place=(x, y),
                loss=objective.loss,
                others=(S.NaN,),
                watch=SHARPNESS * ETA / length - 2,
                following=1,
            ),
            Stage(
                state=(x,),
                before=(x, y),
                enter=(reached,),
                rates=limit.velocity,
                pace=ETA**2,
                hessian=Matrix([[on_minima]]),
                place=(x, chart[y]),
                loss=S.NaN,
                others=(NORMALIZED.root_loss_sum.subs(CURVATURE, on_minima),),
            ),
        ),
        compared=(
            Compared("sharpness", "λ₁(X)", "sharpness", "mean_sharpness"),
            Compared("losses of two steps", "√L_t + √L_{t+1} = η√(λ₁/2)", 0, "root_losses"),
        ),
    )
