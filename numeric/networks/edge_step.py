"""A step size that is kept at a fraction of the optimizer's own edge, while the sharpness moves.

    tracker = SharpnessTracker(model, criterion, inputs, targets, optimizer=optimizer, every=10)    before the loop
    edge_step = EdgeStep(tracker, fraction=0.9)
    edge_step.step()                    in the loop, in place of optimizer.step()
    edge_step.history                   the tracker's, and the step_size of every step

Of every reading of the tracker, at θ_t before the step, the step size becomes

    η = fraction · η_edge(S),    1/η_edge = S/k + decay,

k/S the rule's own edge on a quadratic of this sharpness: 2/S for gradient descent, (2 + 2β)/S for heavy ball, of the
effective sharpness for Adam, see `numeric.networks.training.optimizers.own_edge`. Between readings it stays. It is the
largest of the parameter groups'; the others keep their shares of it.

The optimizer's own step size is used until there is a reading: with a preconditioner P up to the first one after the
first step, as before there is no P. A tracker of midpoints has that of θ_t one step later, when θ_{t+1} is known. Where
there is no edge, as no direction bends up (S/k + decay ≤ 0), and where the weights are no longer finite, the step size
stays what it was. Just above that, where the sharpness is small, the step is large: the edge says what the curvature at
θ_t stands, and nothing of the curvature a step away.

With fraction < 1 the rule is stable at every reading, but the sharpness may rise from one to the next by more than
1/fraction: then `every` is too large, and the loss rises. With fraction > 1 the rule is unstable at every reading. A
fixed step would drive the sharpness down to its edge and leave it there; here the step follows it, so that the weights
go on to flatter places with larger steps, and the loss has spikes. Nothing keeps such a run from diverging.

Whatever else sets the step size, such as a scheduler, would be undone: it is refused; set `fraction` instead. Training
is disturbed by nothing but the step size, and a run that goes on from a `state_dict` has the same bits. Readings cost
what the history's `evaluations` say, a gradient each among them.

Units: step_size in those of the optimizer's lr. Errors: `BadInput` for a tracker that knows no optimizer or reads no
sharpness, for a fraction that is not positive, for an optimizer without a known edge, and for step sizes that are all
zero or that something else has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.preconditioner import groups_of
from numeric.networks.tracker import SharpnessTracker
from numeric.networks.training.optimizers.own_edge import OwnEdge, own_edge_of
from numeric.values import positive_number


class EdgeStep:
    """Takes the steps of a tracker's optimizer, with a step size that follows the sharpness."""

    def __init__(self, tracker: SharpnessTracker, *, fraction: float) -> None:
        if tracker.optimizer is None:
            raise BadInput("the tracker knows no optimizer: make it with optimizer=…, the one that takes the steps")
        if not tracker.eigenvalues:
            raise BadInput("the tracker reads no sharpness: make it with eigenvalues=1")
        self.tracker, self.optimizer = tracker, tracker.optimizer
        self.fraction = fraction
        self._own_edge()  # refused here if it is not known
        largest = self._largest
        if not largest > 0:
            raise BadInput("the optimizer's step sizes are all zero: they are used until the first reading; give one")
        self._shares = [share / largest for share in self._step_sizes]
        self._left = self._step_sizes
        self._followed = tracker.latest
        self._taken: list[float] = []

    @property
    def fraction(self) -> float:
        """η/η_edge; a new one holds from the next reading on."""
        return self._fraction

    @fraction.setter
    def fraction(self, fraction: float) -> None:
        self._fraction = positive_number("fraction", fraction)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take the reading that is due, follow it, and take the optimizer's step, whose value is given back."""
        if self._step_sizes != self._left:
            raise BadInput(
                f"the step sizes were {self._left} after the last step and are {self._step_sizes}: what else sets them,"
                " a scheduler, is undone here; set the fraction instead"
            )
        self.tracker.step()
        if self.tracker.latest is not self._followed:
            self._follow()
        self._taken.append(self._largest)
        return self.optimizer.step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """The optimizer's."""
        self.optimizer.zero_grad(set_to_none)

    @property
    def history(self) -> xr.Dataset:
        """The tracker's history, and of every step taken its largest step size, `step_size`."""
        return self.tracker.history.assign(step_size=("step", self._taken)).assign_coords(step=range(len(self._taken)))

    def state_dict(self) -> dict[str, Any]:
        """What the steps to come depend on, and those so far: of the optimizer, of the tracker, and its own."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "tracker": self.tracker.state(),
            "fraction": self.fraction,
            "shares": torch.tensor(self._shares, dtype=torch.float64),
            "step_size": torch.tensor(self._taken, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, of the same module, optimizer and tracker."""
        if len(state["shares"]) != len(self._shares):
            raise BadInput(f"the state is of {len(state['shares'])} parameter groups, here are {len(self._shares)}")
        self.tracker.restore(state["tracker"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.fraction = state["fraction"]
        self._shares, self._taken = state["shares"].tolist(), state["step_size"].tolist()
        self._left, self._followed = self._step_sizes, self.tracker.latest

    def _follow(self) -> None:
        """Set the step size by the latest reading, if that tells one."""
        self._followed = self.tracker.latest
        edge = self._own_edge()
        reading = self.tracker.latest_effective if edge.effective else self.tracker.latest
        if reading is None or not math.isfinite(step := edge.largest_step(float(reading.eigenvalues[0]))):
            return
        for group, share in zip(self.optimizer.param_groups, self._shares, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(share * self.fraction * step)
            else:
                group["lr"] = share * self.fraction * step
        self._left = self._step_sizes

    def _own_edge(self) -> OwnEdge:
        return own_edge_of(self.optimizer, [*self.tracker.loss.trainable.values()])

    @property
    def _step_sizes(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @property
    def _largest(self) -> float:
        """Of the groups that hold any of the module's parameters, which P⁻¹ is relative to."""
        return max(float(group["lr"]) for group in groups_of(self.optimizer, [*self.tracker.loss.trainable.values()]))
