"""The optimizers of networks, each from its rule's formula in `eos_sym.rules`.

    descriptions        frozen numbers that name a rule, build its optimizer and know its critical sharpness
    own_edge            the step size up to which an optimizer of torch.optim stands a sharpness
    formula_optimizer   a torch optimizer that takes the steps of a formula
    program             the formula as operations on lists of tensors: terms, numbers, points where gradients are taken

What users import comes from here.
"""

from numeric.networks.training.optimizers.descriptions import (
    SAM,
    Adam,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    RMSProp,
    RootLossGradientDescent,
    Rule,
    ScalarRMSProp,
    WeightDecay,
)
from numeric.networks.training.optimizers.formula_optimizer import FormulaOptimizer

__all__ = [
    "SAM",
    "Adam",
    "FormulaOptimizer",
    "GradientDescent",
    "HeavyBall",
    "Nesterov",
    "NormalizedGradientDescent",
    "RMSProp",
    "RootLossGradientDescent",
    "Rule",
    "ScalarRMSProp",
    "WeightDecay",
]
