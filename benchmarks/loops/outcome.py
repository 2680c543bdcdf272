"""What the tracker makes of a loop: right within its bound, refused in a line, or wrong.

    |λ read − λ₁(∇²L)| ≤ bound,     ∇²L dense and in float64, a row of the Hessian for every parameter

The truth differentiates the user's own loss by the module's own parameters, twice, in a loop of
``torch.autograd.grad``: neither the flat vector of weights nor the products of the tracker are in it. The loop trains
for `STEPS` steps of gradient descent, and is read at the last.

Where torch's own derivatives are wrong there is no such truth; these loops must be refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from benchmarks.loops.loop import Loop
from eos_sym import BadInput
from numeric.networks.tracker import SharpnessTracker

STEPS, STEP_SIZE = 3, 0.05
WIDEST = 0.01  # relative: a bound that is wider says nothing
_NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+|\d+%")


@dataclass(frozen=True)
class Outcome:
    """Right, refused or wrong; with the refusal's line, or what was read and what is true."""

    word: str
    line: str

    @property
    def cell(self) -> str:
        """What a table says of it, without the numbers, which rounding may change."""
        return "right" if self.word == "right" else f"{self.word}: {_NUMBER.sub('…', self.line)}"


def outcome(loop: Loop) -> Outcome:
    """Train in the loop with a tracker, and compare its last reading with the dense Hessian."""
    optimizer = torch.optim.SGD(loop.trained.values(), lr=STEP_SIZE)
    try:
        tracker = SharpnessTracker(*loop.for_tracker, **loop.options)
        for _ in range(STEPS):
            tracker.step()
            optimizer.zero_grad()
            loop.loss().backward()
            optimizer.step()
        reading = tracker.measure()
    except BadInput as refusal:
        return Outcome("refused", str(refusal))
    if "mode" in loop.options:
        loop.module.train(loop.options["mode"] == "train")
    read, bound, true = float(reading.eigenvalues[0]), float(reading.bounds[0]), sharpness(loop.in_double_precision())
    word = "right" if abs(read - true) <= bound <= WIDEST * abs(true) else "wrong"
    return Outcome(word, f"{read:.7g} ± {bound:.1e} for {true:.7g}")


def sharpness(loop: Loop) -> float:
    """The top eigenvalue of the dense Hessian of the user's loss, by the parameters that are chosen."""
    chosen = loop.options.get("parameters", "*")
    parameters = [own for name, own in loop.trained.items() if fnmatchcase(name, chosen)]

    def slopes(value: Tensor, *, keep: bool) -> Tensor:
        found = torch.autograd.grad(
            value, parameters, create_graph=keep, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return torch.cat([one.reshape(-1) for one in found])

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        gradient = slopes(loop.loss(), keep=True)
        rows = [slopes(entry, keep=False) if entry.requires_grad else torch.zeros_like(gradient) for entry in gradient]
    return float(torch.linalg.eigvalsh(torch.stack(rows))[-1])
