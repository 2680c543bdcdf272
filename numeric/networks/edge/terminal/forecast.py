"""Where a network's sharpness will end, from its weights at the edge, without training on.

    from numeric.networks.edge import terminal_sharpness

    forecast = terminal_sharpness(model, criterion, inputs, targets, eta=0.1)
    forecast.sharpness                  where it ends, by the model in function space
    forecast.gap                        how far below 2/η
    forecast.trusted, forecast.reason   whether to believe it, and why not

Two models are made at a two-step midpoint and followed until they come to rest: the equation with memory M
(`memory`), and the model in function space F (`function_space`), whose reach is that of the peak it predicts. Where the
two agree on the gap, |ln(gap_M/gap_F)| < `AGREE`, F is to be believed; where a second eigenvalue is at the edge,
neither is, nor where F does not come to rest.

Units: sharpness and gap in those of 1/η; steps. Errors: `BadInput` as `numeric.networks.edge.descent` says, and where
there is no edge near: at sharpnesses far from 2/η the models describe nothing. Source: derived for this project.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.edge.descent import GIVEN, consecutive, exact_loss
from numeric.networks.edge.midpoint import SECOND_MODE
from numeric.networks.edge.terminal.ending import Ending, endings
from numeric.networks.edge.terminal.frame import Frame, frame_at
from numeric.networks.edge.terminal.function_space import function_space_model
from numeric.networks.edge.terminal.memory import memory_model
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import whole_number

AGREE = 0.1
NEAR = 0.15  # of 2/η: the sharpness from which an end may be forecast
REACH, LEAST, FARTHEST = 0.3, 0.05, 2.0  # of the first model where M predicts no peak; bounds
BEYOND, BUILT = 1.3, 2  # reach over predicted peak; models made at most


@dataclass(frozen=True)
class TerminalForecast:
    """How the two models end."""

    eta: float
    start: float  # the sharpness where the models were made
    second: float
    memory: Ending
    function_space: Ending

    @property
    def sharpness(self) -> float:
        """Where the sharpness ends, nan if F does not come to rest."""
        return self.function_space.sharpness

    @property
    def gap(self) -> float:
        """2/η less that."""
        return 2 / self.eta - self.sharpness

    @property
    def disagreement(self) -> float:
        """|ln(gap_M/gap_F)|, inf where one of them has no gap."""
        gaps = [2 / self.eta - one.sharpness for one in (self.memory, self.function_space)]
        return abs(math.log(gaps[0] / gaps[1])) if all(gap > 0 for gap in gaps) else math.inf

    @property
    def trusted(self) -> bool:
        """Whether the forecast is to be believed."""
        return not self.reason

    @property
    def reason(self) -> str:
        """Why not."""
        if self.function_space.outcome != "converged":
            return f"the model in function space does not come to rest ({self.function_space.outcome})"
        if self.second * self.eta / 2 > SECOND_MODE:
            return f"a second eigenvalue is at {self.second * self.eta / 2:.4f} of the edge"
        if not self.disagreement < AGREE:
            return f"the two models differ: |ln(gap_M/gap_F)| = {self.disagreement:.2g}"
        return ""


def terminal_sharpness(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    weights: Tensor | None = None,
    steps: int = 20_000,
) -> TerminalForecast:
    """Where full-batch gradient descent with step size `eta` ends; the module stays as it is.

    `weights` are three or more consecutive ones, rows of ``parameters_to_vector``, of which the last three are used;
    without any, two steps are made from the module's own. Models that are not at rest after `steps` steps say so.
    """
    whole_number("steps", steps, least=1)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        path = consecutive(loss, eta, GIVEN if weights is None else len(weights), weights)
        frame = frame_at(loss, path[-GIVEN:], eta)
        if abs(frame.sharpness * eta / 2 - 1) > NEAR:
            level = f"{frame.sharpness * eta / 2:.3f} of 2/eta"
            raise BadInput(f"the sharpness is {level}: forecast the end from within {NEAR:.0%} of the edge")
        return forecasts([frame], steps)[0]


def forecasts(frames: Sequence[Frame], steps: int) -> list[TerminalForecast]:
    """The forecasts of several frames, of losses with as many outputs each, together."""
    memories = endings([memory_model(frame) for frame in frames], steps)
    reaches = [_reach(one.peak) for one in memories]
    found: dict[int, Ending] = {}
    waiting = list(range(len(frames)))
    for _ in range(BUILT):
        models = [function_space_model(frames[index], reaches[index]) for index in waiting]
        found |= zip(waiting, endings(models, steps), strict=True)
        waiting = [index for index in waiting if reaches[index] < min(found[index].peak, FARTHEST)]
        if not waiting:
            break
        reaches = [_reach(found[index].peak) if index in waiting else reach for index, reach in enumerate(reaches)]
    return [
        TerminalForecast(frame.eta, frame.sharpness, frame.second, memory, found[index])
        for index, (frame, memory) in enumerate(zip(frames, memories, strict=True))
    ]


def _reach(peak: float) -> float:
    """The reach of a model for a peak, if one is known."""
    return min(max(BEYOND * peak, LEAST), FARTHEST) if peak < FARTHEST else REACH
