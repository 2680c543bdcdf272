"""Where a network's sharpness ends: the forecast, its two models, and the edge law beside them.

frame            the midpoint and the outputs along its top eigenvector
memory           M, the equation with memory
function_space   F, the model in function space
ending           gradient descent on models, to rest
forecast         both, and whether to believe them
law              the edge law with a split of the spectrum
"""

from numeric.networks.edge.terminal.forecast import TerminalForecast, forecasts, terminal_sharpness
from numeric.networks.edge.terminal.frame import Frame, frame_at
from numeric.networks.edge.terminal.law import SplitLaw, split_law

__all__ = ["Frame", "SplitLaw", "TerminalForecast", "forecasts", "frame_at", "split_law", "terminal_sharpness"]
