"""The training loop: the batches it takes steps on, its record of losses and accuracies, and when it ends."""

from numeric.networks.training.loop.batches import Batch, Batches
from numeric.networks.training.loop.history import Recorder
from numeric.networks.training.loop.train import Stop, Training, loss_and_gradient

__all__ = ["Batch", "Batches", "Recorder", "Stop", "Training", "loss_and_gradient"]
