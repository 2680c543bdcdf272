"""What training will do next, from a network's weights at one moment: a reduced-order model of the edge of stability.

`forecasting` makes and runs it from an `anchor`, the point that it is made at, in one of two expansions:

    loss_expansion   of the loss, a polynomial:              cheap, for the squared error
    cut_expansion    of what the loss is applied to:         accurate, for any loss

`path` is training on either by one of the `rules`, `trust` says whether to believe it, and `defect` until when. What
they are held `beside` are other models at the same point.
"""

from numeric.networks.forecast.cut_expansion import CutExpansion
from numeric.networks.forecast.forecasting import Forecast, forecast
from numeric.networks.forecast.loss_expansion import LossExpansion, LossModel
from numeric.networks.forecast.path import Path, Peak, first_peak
from numeric.networks.forecast.trust import LIMITS, Trust

__all__ = [
    "LIMITS",
    "CutExpansion",
    "Forecast",
    "LossExpansion",
    "LossModel",
    "Path",
    "Peak",
    "Trust",
    "first_peak",
    "forecast",
]
