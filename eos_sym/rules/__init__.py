"""Optimizers as formulas, and the `Map` that a rule makes of a loss.

A rule is written once, as its `Update`, in `optimizers`, `adaptive` and `weight_decay`; or, drawn at random, in
`stochastic`. `RULES` has those of the command line by name. Jacobian, simulator, LaTeX and stability follow from the
map, the optimizer of a network from the formula.
"""

from eos_sym.rules.adaptive import Adam, RMSProp, ScalarRMSProp
from eos_sym.rules.map import Map
from eos_sym.rules.optimizers import (
    RULES,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    PreconditionedMomentum,
    PreconditionedNesterov,
    RootLossGradientDescent,
    SharpnessAwareMinimization,
)
from eos_sym.rules.rule import (
    BETA1,
    BETA2,
    DECAY,
    EPSILON,
    MOMENTUM,
    RADIUS,
    STEP_SIZE,
    Preconditioned,
    Rule,
    WrittenRule,
    formula,
)
from eos_sym.rules.stochastic import StochasticGradientDescent
from eos_sym.rules.update import GRADIENT, THETA, GradientAt, LossAt, Norm, Update
from eos_sym.rules.weight_decay import WeightDecay

__all__ = [
    "BETA1",
    "BETA2",
    "DECAY",
    "EPSILON",
    "GRADIENT",
    "MOMENTUM",
    "RADIUS",
    "RULES",
    "STEP_SIZE",
    "THETA",
    "Adam",
    "GradientAt",
    "GradientDescent",
    "HeavyBall",
    "LossAt",
    "Map",
    "Nesterov",
    "Norm",
    "NormalizedGradientDescent",
    "Preconditioned",
    "PreconditionedMomentum",
    "PreconditionedNesterov",
    "RMSProp",
    "RootLossGradientDescent",
    "Rule",
    "ScalarRMSProp",
    "SharpnessAwareMinimization",
    "StochasticGradientDescent",
    "Update",
    "WeightDecay",
    "WrittenRule",
    "formula",
]
