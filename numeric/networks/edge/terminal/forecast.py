"""Where a network's sharpness will end, from its weights at the edge, without training on.

    from numeric.networks.edge import terminal_sharpness

    forecast = terminal_sharpness(model, criterion, inputs, targets, eta=0.1)
    forecast.sharpness                  where it ends, by the model in function space
    forecast.gap                        how far below 2/η
    forecast.trusted, forecast.reason   whether to believe it, and why not

    forecast.evaluations                what F took, in gradients

Two models are made at a two-step midpoint and followed until they come to rest: the equation with memory M
(`memory`), and the model in function space F (`function_space`), whose reach is that of the peak it predicts. Where the
two agree on the gap, |ln(gap_M/gap_F)| < `AGREE`, F is to be believed; where a second eigenvalue is at the edge,
neither is, nor where F does not come to rest. F holds near its midpoint. It may be made again every so many steps, at
the weights to which it has come itself (`rebuilt`): nearer to gradient descent, for as many gradients as that or more.

Units: sharpness and gap in those of 1/η; steps; `evaluations` in gradients of the full batch, of which a row of a
Jacobian is one. Errors: `BadInput` as `numeric.networks.edge.descent` says, for more than `LONGEST` steps, and where
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
from numeric.networks.edge.terminal.function_space import FARTHEST, NODES, function_space_model, reach_for
from numeric.networks.edge.terminal.memory import memory_model
from numeric.networks.edge.terminal.rebuilt import Rebuilt, rebuilt
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import whole_number

AGREE = 0.1
NEAR = 0.15  # of 2/η: the sharpness from which an end may be forecast
LONGEST, SHORTEST = 100_000, 10  # steps: of a forecast at most, and of a model that is made again at least
BUILT = 2  # models made at most for one reach


@dataclass(frozen=True)
class TerminalForecast:
    """How the two models end."""

    eta: float
    start: float  # the sharpness where the models were made
    second: float
    memory: Ending
    function_space: Ending
    models: int = 1  # in function space
    evaluations: float = 0.0  # for them and what they are made at

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
    rebuilt_every: int | None = None,
) -> TerminalForecast:
    """Where full-batch gradient descent with step size `eta` ends; the module stays as it is.

    `weights` are three or more consecutive ones, rows of ``parameters_to_vector``, of which the last three are used;
    without any, two steps are made from the module's own. Models that are not at rest after `steps` steps say so. With
    `rebuilt_every` F is made again every so many steps while it oscillates.
    """
    whole_number("steps", steps, least=1)
    if steps > LONGEST:
        raise BadInput(f"steps = {steps}: must be {LONGEST} or less; what is not at rest by then has no end foretold")
    if rebuilt_every is not None:
        whole_number("rebuilt_every", rebuilt_every, least=SHORTEST)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        path = consecutive(loss, eta, GIVEN if weights is None else len(weights), weights)
        frame = frame_at(loss, path[-GIVEN:], eta)
        if abs(frame.sharpness * eta / 2 - 1) > NEAR:
            level = f"{frame.sharpness * eta / 2:.3f} of 2/eta"
            raise BadInput(f"the sharpness is {level}: forecast the end from within {NEAR:.0%} of the edge")
        return forecasts([frame], steps, rebuilt_every)[0]


def forecasts(frames: Sequence[Frame], steps: int, rebuilt_every: int | None = None) -> list[TerminalForecast]:
    """The forecasts of several frames, of losses with as many outputs each, together."""
    memories = endings([memory_model(frame) for frame in frames], steps)
    reaches = [reach_for(one.peak) for one in memories]
    made = _once(frames, reaches, steps) if rebuilt_every is None else rebuilt(frames, reaches, steps, rebuilt_every)
    return [
        TerminalForecast(frame.eta, frame.sharpness, frame.second, memory, one.ending, one.models, one.evaluations)
        for frame, memory, one in zip(frames, memories, made, strict=True)
    ]


def _once(frames: Sequence[Frame], reaches: list[float], steps: int) -> list[Rebuilt]:
    """F where it begins alone, made again only where its peak is beyond its reach."""
    found: dict[int, Ending] = {}
    models = [0] * len(frames)
    waiting = list(range(len(frames)))
    for _ in range(BUILT):
        here = [function_space_model(frames[index], reaches[index]) for index in waiting]
        found |= zip(waiting, endings(here, steps), strict=True)
        for index in waiting:
            models[index] += 1
        waiting = [index for index in waiting if reaches[index] < min(found[index].peak, FARTHEST)]
        if not waiting:
            break
        reaches = [reach_for(found[index].peak) if index in waiting else reach for index, reach in enumerate(reaches)]
    return [
        Rebuilt(found[index], count, frame.evaluations + count * NODES * frame.shape.numel())
        for index, (frame, count) in enumerate(zip(frames, models, strict=True))
    ]
