"""What a forecast is held beside: other losses at the same point and on the same directions, as models of a path."""

from numeric.networks.forecast.beside.linearized_network import LinearizedNetwork
from numeric.networks.forecast.beside.pointwise import PointwiseModel
from numeric.networks.forecast.beside.restricted_loss import RestrictedLoss

__all__ = ["LinearizedNetwork", "PointwiseModel", "RestrictedLoss"]
