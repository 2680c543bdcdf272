"""What training will do next, from a network's weights at one moment: a reduced-order model of the edge of stability.

`forecasting` makes and runs it; `anchor` is the point it is made at, `loss_model` the expansion, `directions` what is
followed across the edge, `trust` says how far to believe it.
"""

from numeric.networks.forecast.forecasting import Forecast, Peak, forecast
from numeric.networks.forecast.loss_model import LossModel
from numeric.networks.forecast.trust import LIMITS, Trust

__all__ = ["LIMITS", "Forecast", "LossModel", "Peak", "Trust", "forecast"]
