"""What a training run is made of: data, network, rule and loss, batches, seed and precision, its end and its readings.

Errors: `BadInput` for numbers out of range, and for names and None where descriptions belong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from eos_sym import BadInput
from numeric.networks.architectures import Architecture
from numeric.networks.data.examples import DataSet
from numeric.networks.loss import CRITERIA
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.loop import Stop
from numeric.networks.training.measure import Measure
from numeric.networks.training.optimizers import Rule
from numeric.values import positive_number, whole_number

PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Settings:
    """The parts of a training run of at most so many steps.

    `batch_size` None is the full batch; `micro_batch` is the number of examples in memory at a time, if not all fit;
    `later_etas` are pairs of a step and the step size from there on; `measure` None reads nothing.
    """

    data: DataSet
    network: Architecture
    rule: Rule | GradientFlow
    steps: int
    loss: str = "mse"
    batch_size: int | None = None
    micro_batch: int | None = None
    later_etas: tuple[tuple[int, float], ...] = ()
    seed: int = 0
    precision: str = "float32"
    device: str = "cpu"
    stop: Stop = field(default_factory=Stop)
    measure: Measure | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        whole_number("steps", self.steps, least=1)
        whole_number("seed", self.seed, least=0)
        for name in ("batch_size", "micro_batch"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=1)
        for name, known in (("loss", CRITERIA), ("precision", PRECISIONS)):
            if getattr(self, name) not in [*known]:  # a list: what was given may have no hash
                raise BadInput(f"{name} = {getattr(self, name)}: give {' or '.join(known)}")
        try:
            drops = [whole_number("a step of later_etas", step, least=1) for step, _ in self.later_etas]
        except (TypeError, ValueError) as error:
            raise BadInput("later_etas: give pairs of a step and a step size, ((3000, 0.01),)") from error
        if drops != sorted(set(drops)) or any(step >= self.steps for step in drops):
            raise BadInput(f"later_etas: steps {drops}; give ascending ones between 0 and {self.steps}")
        for _, eta in self.later_etas:
            positive_number("a step size of later_etas", eta)

    def _check_kinds(self) -> None:
        """Refuse names and None where descriptions belong."""
        for name, attributes, example in (
            ("data", ("load",), "Digits()"),
            ("network", ("build",), "FullyConnected((200, 200))"),
            ("rule", ("eta", "step_times_sharpness"), "GradientDescent(0.01)"),
        ):
            described = getattr(self, name)
            if isinstance(described, type) or not any(hasattr(described, attribute) for attribute in attributes):
                raise BadInput(f"{name}: must be a description such as {example}, not {type(described).__name__}")
        if not isinstance(self.measure, Measure | None):
            raise BadInput("measure: must be a description such as Measure(every=10), or None")
        if not isinstance(self.stop, Stop):
            raise BadInput("stop: must be a description such as Stop(accuracy=0.99)")
