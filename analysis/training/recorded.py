"""Training runs that another program recorded: data, the weights at the start, and what it saw on the way.

A file ``NAME.npz`` holds one run of gradient descent on the full batch, θ_{t+1} = θ_t − η∇L(θ_t), with

    L(θ) = 1/(2 n k) Σ ‖f(xᵢ) − yᵢ‖²        half the mean square over n examples and k outputs

    inputs, targets   (n, inputs), (n, k)
    sizes             of the layers, inputs and outputs among them
    weights           θ_0: each layer's matrix row by row, then its biases
    activation        tanh, relu, …; linear is the identity, and gelu its approximation by a tanh, as in a browser
    eta               η
    loss              (m,): L at θ_0, θ_e, θ_2e …, with e = `every`, 1 if it is not there
    eigenvalues       (m, 3): the largest of the Hessian, in descending order, at θ_e, θ_2e, θ_3e …

In a configuration the digest of the file stands for its values. Errors: `BadInput` for a folder without any run, a file
that is none, lacks one of these, or holds values whose shapes do not fit or that are not finite.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.data.examples import Examples

SERIES, CONSTANTS = ("inputs", "targets", "weights", "loss", "eigenvalues"), ("sizes", "activation", "eta")
CALLED_HERE: Mapping[str, Any] = {"linear": "identity", "gelu": "gelu_tanh"}


def half_mean_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the mean square over examples and outputs, the loss of recorded runs."""
    return (outputs - targets).square().mean() / 2


@dataclass(frozen=True)
class Recorded:
    """A recorded run, which is its data, and as a network begins with its weights."""

    file: Path

    def configuration(self) -> dict[str, Any]:
        """What stands for it where a run is described: its name and the digest of its file."""
        return {"kind": "Recorded", "name": self.name, "sha256": hashlib.sha256(self.file.read_bytes()).hexdigest()}

    def load(self) -> Examples:
        """Its inputs and targets."""
        return Examples(torch.tensor(self._record["inputs"]), torch.tensor(self._record["targets"]), classes=False)

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """Its network with its weights; nothing is drawn."""
        widths = tuple(int(size) for size in self._record["sizes"][1:-1])
        network = FullyConnected(widths, CALLED_HERE.get(self.activation, self.activation))
        module = network.build(examples, generator)
        nn.utils.vector_to_parameters(torch.tensor(self._record["weights"]), module.parameters())  # a copy
        return module

    @property
    def name(self) -> str:
        """The file's name, in words."""
        return self.file.stem.replace("_", " ")

    @property
    def activation(self) -> Any:
        """The activation, by the name that the file has for it."""
        return str(self._record["activation"])

    @property
    def eta(self) -> float:
        """Its step size."""
        return float(self._record["eta"])

    @property
    def every(self) -> int:
        """The number of steps from one recorded value to the next."""
        return int(self._record.get("every", np.array(1)))

    @property
    def steps(self) -> int:
        """The step of the last loss."""
        return (len(self.loss) - 1) * self.every

    @property
    def loss(self) -> Array:
        """Its loss at the steps 0, every, 2·every and so on."""
        return self._record["loss"]

    @property
    def eigenvalues(self) -> Array:
        """Its largest eigenvalues at the steps every, 2·every and so on."""
        return self._record["eigenvalues"]

    @cached_property
    def _record(self) -> Mapping[str, Array]:
        try:
            with np.load(self.file) as record:
                known = {name: record[name] for name in record.files}
        except (OSError, EOFError, ValueError, TypeError, BadZipFile, zlib.error) as error:
            raise BadInput(f"{self.file}: not a recorded run: {error}") from error
        missing = [name for name in (*SERIES, *CONSTANTS) if name not in known]
        if missing:
            raise BadInput(f"{self.file}: not a recorded run: without {', '.join(missing)}")
        for name in (*SERIES, "eta"):
            if known[name].dtype.kind != "f" or not np.isfinite(known[name]).all():
                raise BadInput(f"{self.file}: {name} must be finite floating-point numbers")
        self._check_shapes(known)
        return known

    def _check_shapes(self, known: Mapping[str, Array]) -> None:
        sizes = [int(size) for size in np.atleast_1d(known["sizes"])]
        weights = sum((before + 1) * after for before, after in pairwise(sizes))
        examples = len(np.atleast_1d(known["inputs"]))
        shapes = {"weights": (weights,), "targets": (examples, sizes[-1]), "inputs": (examples, sizes[0])}
        shapes |= {"loss": (known["loss"].size,), "eigenvalues": (known["loss"].size, 3), "eta": ()}
        for name, shape in shapes.items():
            if known[name].shape != shape:
                raise BadInput(f"{self.file}: {name} of shape {known[name].shape}: {shape} fits layers of {sizes}")


def recorded_in(folder: Path) -> list[Recorded]:
    """The runs of a folder, by their names."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise BadInput(f"--recorded {folder}: no file NAME.npz of a recorded run there")
    return [Recorded(file) for file in files]
