"""Optimizers as formulas, and the `Map` that a rule makes of a loss.

A rule is written once, in `optimizers` or, drawn at random, in `stochastic`; `RULES` has them by name. Its Jacobian,
simulator, LaTeX and stability follow from the map.
"""

from eos_sym.rules.map import Map
from eos_sym.rules.optimizers import (
    MOMENTUM,
    RADIUS,
    RULES,
    STEP_SIZE,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    Preconditioned,
    PreconditionedMomentum,
    RootLossGradientDescent,
    Rule,
    SharpnessAwareMinimization,
    formula,
)
from eos_sym.rules.stochastic import StochasticGradientDescent

__all__ = [
    "MOMENTUM",
    "RADIUS",
    "RULES",
    "STEP_SIZE",
    "GradientDescent",
    "HeavyBall",
    "Map",
    "Nesterov",
    "NormalizedGradientDescent",
    "Preconditioned",
    "PreconditionedMomentum",
    "RootLossGradientDescent",
    "Rule",
    "SharpnessAwareMinimization",
    "StochasticGradientDescent",
    "formula",
]
