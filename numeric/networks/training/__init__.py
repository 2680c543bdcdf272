"""Training runs as values: an experiment, the rule that moves its weights, what is read on the way, and checkpoints.

    settings, experiment   what a run is made of; the run as a value that gives its history
    optimizers             the rules, each from its formula
    flow                   gradient flow, a rule without steps of its own
    loop                   batches, steps, record and stop conditions
    running                an experiment under way, with the whole of its state
    measure                the sharpness and more, read along the way
    checkpoints            what survives `kill -9`

What users import comes from here.
"""

from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.iterates import gradient_descent
from numeric.networks.training.optimizers import (
    SAM,
    Adam,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    RMSProp,
    RootLossGradientDescent,
    ScalarRMSProp,
    WeightDecay,
)

__all__ = [
    "SAM",
    "Adam",
    "Experiment",
    "GradientDescent",
    "GradientFlow",
    "HeavyBall",
    "Measure",
    "Nesterov",
    "NormalizedGradientDescent",
    "RMSProp",
    "RootLossGradientDescent",
    "ScalarRMSProp",
    "Stop",
    "WeightDecay",
    "gradient_descent",
]
