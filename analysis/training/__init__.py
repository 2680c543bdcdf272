"""What the analyses that train networks share: options, runs, measures of a history, and panels of figures."""

from analysis.training.options import StepSizeOptions, TrainingOptions
from analysis.training.runs import flat_loss, train

__all__ = ["StepSizeOptions", "TrainingOptions", "flat_loss", "train"]
