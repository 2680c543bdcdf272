"""The cheap expansion: of the loss itself, as a polynomial fitted to gradients on lines (`model`), with its gates."""

from numeric.networks.forecast.loss_expansion.expansion import LossExpansion, expand_loss
from numeric.networks.forecast.loss_expansion.model import LossModel

__all__ = ["LossExpansion", "LossModel", "expand_loss"]
