"""What training will do next, from a network's weights at one moment: a reduced-order model of the edge of stability.

`forecasting` makes and runs it from an `anchor`, the point that it is made at, in one of two expansions:

    loss_expansion   of the loss, the polynomial of `loss_model`:            cheap, for the squared error
    cut_expansion    of what its head is applied to (`cut`, `cut_model`):    accurate, for any loss

`path` is training on either by one of the `rules`, `trust` says whether to believe it, and `defect` until when.
"""

from numeric.networks.forecast.cut_expansion import CutExpansion
from numeric.networks.forecast.forecasting import Forecast, forecast
from numeric.networks.forecast.loss_expansion import LossExpansion
from numeric.networks.forecast.loss_model import LossModel
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
