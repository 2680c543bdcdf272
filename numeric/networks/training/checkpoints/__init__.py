"""What survives a run that is interrupted: its checkpoints, in a locked folder, and Ctrl-C between steps."""

from numeric.networks.training.checkpoints.checkpoint import Checkpoints
from numeric.networks.training.checkpoints.interruption import postponed_interrupt
from numeric.networks.training.checkpoints.run_folder import RunFolder, locked

__all__ = ["Checkpoints", "RunFolder", "locked", "postponed_interrupt"]
