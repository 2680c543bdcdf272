"""Training runs as values: an experiment, the rule that moves its weights, what is read on the way, and checkpoints."""

from numeric.networks.training.experiment import Experiment, Measure, Stop

__all__ = ["Experiment", "Measure", "Stop"]
