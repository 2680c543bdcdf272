"""Training runs as values: an experiment, the rule that moves its weights, what is read on the way, and checkpoints."""

from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.iterates import gradient_descent

__all__ = ["Experiment", "GradientFlow", "Measure", "Stop", "gradient_descent"]
