"""A linear network with two examples, f(z) = a(pz₁ + qz₂): ½(1 − ap)² + ½μ(30 − aq)².

The sharp example is fitted at once, learning the flat one raises a, and with it the sharpness a² + p², until the edge.
Beside the run goes the central flow of `eos_sym.flows.central_flow`: gradient flow below 2/η, and at it the average
over the oscillation whose variance σ² holds the sharpness there. Its loss is the average E L = L + ½Sσ².
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, S, pi, sqrt

from analysis.exploring.model import ALONG, SHARPNESS, Compared, Curve, Model, Preset, Slider, Stage
from analysis.self_stabilization.theory import MU, TWO_EXAMPLES
from eos_sym import STEP_SIZE as ETA
from eos_sym import GradientDescent, Objective
from eos_sym.flows import CentralFlow

AT_THE_EDGE = 1 + S.One / 10**9  # times 2/η, where a stage below it ends
BEYOND = "the start is beyond the edge, where the central flow does not begin"
COMPARED = (
    Compared("sharpness", "2/η at the edge", "sharpness", "mean_sharpness"),
    Compared("mean square of the oscillation", "σ²", 0, "variance"),
    Compared("loss, mean", "L + σ²/η", "loss", "mean_loss"),
    Compared("steps of a small turn", "√2π/(η√α)", 1, "turn"),
)


def network() -> Model:
    """The plane of p and a, in which the run turns; q learns across it."""
    p, q, a = TWO_EXAMPLES.weights
    return Model(
        "network",
        "A small network",
        """½(1 − ap)² + ½μ(30 − aq)²: the linear network f(z) = a(pz₁ + qz₂) with a sharp example and a flat one, of
weight μ. The sharp one is fitted at once, ap ≈ 1, and learning the flat one raises the sharpness, which is near a² +
p², up to the edge. From there on the central flow (:cite:t:`cohen2024understanding`) is what runs oscillate about,

    θ̇ = −η[∇L + ½σ²∇S],     σ² = 2⟨−∇L, ∇S⟩/‖∇S‖²,

in which S = 2/η, σ² is the mean square of the oscillation along the top eigenvector, and the loss is on average L +
½Sσ². It does not resolve the turns about it, of √2π/(η√α) steps with α = ½σ²‖∇S‖² if they are small
(:cite:t:`damian2022selfstabilization`), nor does it begin beyond the edge: of such starts nothing is predicted.""",
        ("self_stabilization", "central_flow"),
        GradientDescent().map(TWO_EXAMPLES),
        TWO_EXAMPLES.loss,
        TWO_EXAMPLES.hessian,
        (
            Slider(ETA, "step size", 0.02, 0.5, 0.1, 0.001),
            Slider(MU, "weight of the flat example", 0.00002, 0.001, 0.0001, 0.00001),
            Slider(p, "start", -1.0, 2.0, 0.2558, 0.0001),
            Slider(q, "start", 0.0, 8.0, 4.4, 0.01),
            Slider(a, "start", 0.5, 6.0, 4.43, 0.01),
        ),
        3000,
        (
            Preset("below the edge", _values(0.06, 0.0001, 0.2558, 4.4, 4.43, 3000)),
            Preset("at the edge", _values(0.1, 0.0001, 0.2558, 4.4, 4.43, 3000)),
            Preset("from far below", _values(0.1, 0.0005, 0.3, 3.5, 3.5, 3000)),
            Preset("diverges", _values(0.25, 0.0001, 0.4, 4.4, 4.43, 500)),
        ),
        (2, 0),
        (Curve("sharp example fitted, ap = 1", (ALONG, 1 / ALONG), 0),),
        (),
        flow="the central flow",
        unanswered=BEYOND,
        stages=central_flow(TWO_EXAMPLES, (a, p)),
        compared=COMPARED,
    )


def central_flow(objective: Objective, place: tuple[Expr, Expr]) -> tuple[Stage, Stage]:
    """The flow below the edge and at it; besides sharpness and loss, σ² and the steps of a small turn about it."""
    flow = CentralFlow(objective)
    variance = flow.variance
    alpha = variance * flow.sharpness_gradient.dot(flow.sharpness_gradient) / 2
    below = Stage(
        state=objective.weights,
        before=objective.weights,
        enter=objective.weights,
        rates=flow.below.velocity,
        hessian=objective.hessian,
        place=place,
        loss=objective.loss,
        others=(S.Zero, S.NaN),
        watch=SHARPNESS - AT_THE_EDGE * 2 / ETA,
        following=1,
    )
    at_the_edge = replace(
        below,
        rates=flow.edge.velocity,
        loss=objective.loss + variance / ETA,
        others=(variance, sqrt(2) * pi / (ETA * sqrt(alpha))),
        direction=flow.direction,
        watch=-variance,
        following=0,
    )
    return below, at_the_edge


def _values(eta: float, mu: float, p: float, q: float, a: float, steps: int) -> dict[str, float]:
    return {"eta": eta, "mu": mu, "p": p, "q": q, "a": a, "steps": steps}
