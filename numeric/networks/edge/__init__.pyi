from .descent import consecutive as consecutive
from .descent import exact_loss as exact_loss
from .midpoint import MidpointReading as MidpointReading
from .midpoint import midpoint_identity as midpoint_identity
from .midpoint import read_midpoint as read_midpoint
