"""What is claimed of the two rules near a manifold of minima: the limit flows, the two phases, the edge.

What is derived by averaging is a formal argument: that it agrees with the paper is support, and not proof.
"""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from sympy import Expr, diff, log, simplify, sqrt

from analysis.claim import Claim, Evidence, agreement, bounded, supported
from analysis.normalized_gd.claims import HERE, PAPER, Context
from analysis.normalized_gd.theory import FORKED, RULES, VALLEYS, x, y
from eos_sym import STEP_SIZE, Map, Undecided
from eos_sym.flows import gradient_flow
from eos_sym.flows.limit_flow import CURVATURE

NAMES = {"normalized": "normalized GD", "root_loss": "GD on √L"}
ORDERS = {"straight": 2, "hyperbola": 1}
CHECK_STEP_SIZE = 0.01


def claims_about_limit_flows(context: Context) -> list[Claim]:
    """The drift along the minima, with noise and without."""
    theory, drift, noise = context.theory, context.data["drift"], context.data["noise"]
    at_end = drift.isel(tau=-1)
    checked = at_end.x.sel(valley="straight", rule="root_loss").sel(eta=CHECK_STEP_SIZE, method="nearest")
    final = noise.trajectory.isel(tau=-1).sel(state="x")
    straight = at_end.limit.sel(valley="straight")
    claims = []
    for name, order in ORDERS.items():
        errors = (at_end.x - at_end.limit).sel(valley=name)
        claims.append(
            Claim(
                f"limit_flow_{name}",
                f"on {VALLEYS[name].objective.loss} both rules follow dX/dτ = −¼ P∇log λ₁ and −⅛ P∇λ₁, τ = η²t, with "
                f"an error of the order η^{order} from a start of the order η beside the minima",
                PAPER,
                [
                    *(
                        functools.partial(supported, _paper_flow(name, kind), theory.flows[name][kind].velocity[0])
                        for kind in RULES
                    ),
                    *(functools.partial(_order, order, drift.eta, errors.sel(rule=kind), error=0.15) for kind in RULES),
                ],
            )
        )
    return [
        *claims,
        Claim(
            "tabulated_drift",
            "GD on √L for ½(1 + x²)y² comes from x = 1 to x = exp(−½) = .60653 at τ = 2",
            HERE,
            [
                lambda: supported(-x / 4, theory.flows["straight"]["root_loss"].velocity[0]),
                lambda: agreement("simulation", float(np.exp(-0.5)), float(checked), absolute=1e-4),
            ],
        ),
        Claim(
            "noise",
            "a start exactly across a lesser eigenvector stays across it, and does not move along the minima; the "
            "least noise turns it to the top eigenvector, and it follows the limit flow",
            HERE,
            [
                *(
                    functools.partial(supported, 0 * x, miss)
                    for kind in RULES
                    for miss in _held(RULES[kind].map(FORKED))
                ),
                lambda: bounded("simulation", float(abs(final.sel(noise="without") - 1).max()), below=1e-12),
                *(
                    functools.partial(
                        agreement,
                        "simulation",
                        float(straight.sel(rule=kind)),
                        float(final.sel(noise="with", rule=kind)),
                        relative=0.01,
                    )
                    for kind in RULES
                ),
            ],
        ),
    ]


def claims_about_phases(context: Context) -> list[Claim]:
    """How long each phase takes, and what the first conserves."""
    phases, hyperbola = context.data["phases"], VALLEYS["hyperbola"].objective
    finest = phases.isel(eta=int(phases.eta.values.argmin()))
    return [
        Claim(
            "first_phase",
            "the first phase takes Θ(1/η) steps and follows gradient flow: x² − y², which that conserves, "
            "changes by O(η)",
            PAPER,
            [
                lambda: supported(0 * x, simplify(gradient_flow(hyperbola).along(x**2 - y**2))),
                *(functools.partial(_order, -1, phases.eta, phases["first"].sel(rule=kind)) for kind in RULES),
                *(functools.partial(_order, 1, phases.eta, phases.imbalance.sel(rule=kind)) for kind in RULES),
            ],
        ),
        Claim(
            "second_phase",
            "the second phase takes Θ(1/η²) steps, as many as the limit flow says",
            PAPER,
            [
                *(
                    functools.partial(
                        supported, _paper_flow("hyperbola", kind), context.theory.flows["hyperbola"][kind].velocity[0]
                    )
                    for kind in RULES
                ),
                *(functools.partial(_order, -2, phases.eta, phases["second"].sel(rule=kind)) for kind in RULES),
                *(
                    functools.partial(
                        agreement,
                        "simulation",
                        float(phases.expected.sel(rule=kind)),
                        float(finest["second"].sel(rule=kind) * finest.eta**2),
                        relative=0.03,
                    )
                    for kind in RULES
                ),
            ],
        ),
    ]


def claims_about_the_edge(context: Context) -> list[Claim]:
    """Stableness, and the two values of the loss."""
    theory, drift = context.theory, context.data["drift"]
    finest = drift.isel(eta=int(drift.eta.values.argmin()))
    eta = float(finest.eta)
    sums = {"normalized": STEP_SIZE * sqrt(CURVATURE / 2), "root_loss": STEP_SIZE * CURVATURE / 2}
    expected = {"normalized": np.sqrt(finest.curvature / 2), "root_loss": finest.curvature / 2}
    return [
        Claim(
            "stableness",
            "1/S_t + 1/S_{t+1} → 1 for the stableness S = η_eff sup λ₁, η_eff = η/‖∇L‖ or η/(2√L): harmonic mean 2",
            PAPER,
            [
                *(
                    functools.partial(supported, 1 + 0 * x, sum(1 / value for value in theory.stableness(kind)))
                    for kind in RULES
                ),
                *(
                    functools.partial(
                        agreement, "simulation", 1, float(finest.reciprocals.sel(valley=name, rule=kind)), absolute=eta
                    )
                    for name in VALLEYS
                    for kind in RULES
                ),
                lambda: agreement("network", 1, context.worst_on_networks("normalized", "reciprocals"), absolute=0.04),
            ],
        ),
        *(
            Claim(
                f"root_losses_{kind}",
                f"√L_t + √L_{{t+1}} → {formula} for {NAMES[kind]}",
                source,
                [
                    functools.partial(supported, sums[kind], theory.root_loss_sum(kind)),
                    *(
                        functools.partial(
                            agreement,
                            "simulation",
                            float(expected[kind].sel(valley=name, rule=kind)),
                            float(finest.root_losses.sel(valley=name, rule=kind)),
                            relative=0.01,
                        )
                        for name in VALLEYS
                    ),
                ],
            )
            for kind, formula, source in (
                ("normalized", "η√(λ₁/2)", PAPER),
                ("root_loss", "½ηλ₁, not ηλ₁,", f"corrects {PAPER}"),
            )
        ),
    ]


def claims_about_networks(context: Context) -> list[Claim]:
    """Predictions under test: on networks, and at a fixed number of steps, none of this is proved."""
    theory = context.theory
    tolerances = {"cosine": 0.01, "reciprocals": 0.04, "root_losses": 0.03}
    return [
        Claim(
            f"networks_{kind}",
            f"after 1000 steps {NAMES[kind]} oscillates along the top eigenvector on every one of several networks, "
            "with 1/S_t + 1/S_{t+1} = 1 to within η and √L_t + √L_{t+1} as on a quadratic to within 3 %",
            f"{PAPER}; here a prediction under test",
            [
                functools.partial(supported, 1 + 0 * x, sum((1 / s for s in theory.stableness(kind)), 0 * x)),
                *(
                    functools.partial(_worst_on_networks, context, kind, quantity, tolerance)
                    for quantity, tolerance in tolerances.items()
                ),
            ],
            open=True,
        )
        for kind in RULES
    ]


def _worst_on_networks(context: Context, kind: str, quantity: str, tolerance: float) -> Evidence:
    return agreement("network", 1, context.worst_on_networks(kind, quantity), absolute=tolerance)


def _paper_flow(name: str, kind: str) -> Expr:
    """The flow of the paper in the coordinate x, from the curvature of the minima (x, c(x)) and their slope.

    λ₁ is the trace of the Hessian there, and P∇f has the component f'(x)/(1 + c'(x)²) along x.
    """
    valley = VALLEYS[name]
    sharpness = valley.objective.hessian.trace().subs(valley.chart)
    slope = diff(valley.chart[y], x)
    rate = diff(log(sharpness), x) / 4 if kind == "normalized" else diff(sharpness, x) / 8
    return -rate / (1 + slope**2)


def _held(dynamics: Map) -> list[Expr]:
    """How far one step leaves y = 0, and moves x from there."""
    x_after, y_after, _ = dynamics.step
    return [simplify(y_after.subs(y, 0)), simplify(x_after.subs(y, 0) - x)]


def _order(expected: float, step_sizes: xr.DataArray, sizes: xr.DataArray, error: float = 0.05) -> Evidence:
    """The exponent p in size ≈ constant · ηᵖ, by least squares in the logarithms."""
    if not np.isfinite(sizes).all():
        raise Undecided("the exponent: a run has not come as far as is measured")
    measured = np.polyfit(np.log(step_sizes), np.log(abs(sizes)), 1)[0]
    return agreement("simulation", expected, float(measured), absolute=error)
