"""What survives a run that is interrupted: its checkpoints, in the folder of the run, and Ctrl-C between steps."""

from numeric.networks.training.checkpoints.checkpoint import Checkpoints
from numeric.networks.training.checkpoints.interruption import postponed_interrupt
from numeric.networks.training.checkpoints.run_folder import RunFolder

__all__ = ["Checkpoints", "RunFolder", "postponed_interrupt"]
