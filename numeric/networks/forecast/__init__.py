"""What training will do next, from a network's weights at one moment: a reduced-order model of the edge of stability.

`forecasting` makes and runs it; `anchor` is the point it is made at, `loss_expansion` the polynomial `loss_model` there
and the `directions` that are followed across the edge, `path` gradient descent on it, `trust` says how far to believe
it.
"""

from numeric.networks.forecast.forecasting import Forecast, forecast
from numeric.networks.forecast.loss_expansion import LossExpansion
from numeric.networks.forecast.loss_model import LossModel
from numeric.networks.forecast.path import Path, Peak, first_peak
from numeric.networks.forecast.trust import LIMITS, Trust

__all__ = ["LIMITS", "Forecast", "LossExpansion", "LossModel", "Path", "Peak", "Trust", "first_peak", "forecast"]
