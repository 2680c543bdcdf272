"""Where a network's sharpness ends: the forecast, its two models, and the laws beside them.

frame            the midpoint and the outputs along its top eigenvector
memory           M, the equation with memory
function_space   F, the model in function space
rebuilt          F, made again on its way
ending           gradient descent on models, to rest
stack            many models as one
forecast         both, and whether to believe them
law              the edge law with a split of the spectrum
valley           the curvature at the end, and the gap and the parabola that its modes have
rate             how fast the drive of a network that hovers decays, and the gap that this would leave
"""

from numeric.networks.edge.terminal.forecast import TerminalForecast, forecasts, terminal_sharpness
from numeric.networks.edge.terminal.frame import Frame, frame_at
from numeric.networks.edge.terminal.law import SplitLaw, split_law
from numeric.networks.edge.terminal.rate import DriveDecay, drive_decay, drive_decay_at

__all__ = [
    "DriveDecay",
    "Frame",
    "SplitLaw",
    "TerminalForecast",
    "drive_decay",
    "drive_decay_at",
    "forecasts",
    "frame_at",
    "split_law",
    "terminal_sharpness",
]
