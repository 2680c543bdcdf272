"""The central flow of a network: the path about which its training oscillates at the edge of stability.

    from numeric.networks.flows import central_flow

    told = central_flow(model, criterion, inputs, targets, optimizer=optimizer, steps=1000)
    told.mean_loss, told.mean_loss_error, told.sharpness, told.variance, told["rank"]

At θ + δ, with δ an oscillation about 0 of covariance Σ, the gradient is on average ∇L + ½∇³L[Σ] to second order. So
gradient descent moves on average, with the time counted in steps, by

    θ̇ = −η (∇L + ½ ∇³L[Σ]),     Σ = U X Uᵀ,     X ⪰ 0,

with U the eigenvectors whose eigenvalues are at the edge, 2/η: elsewhere nothing keeps an oscillation going. These are
not to rise beyond it, and what falls by itself does not oscillate. That makes X unique, by semidefinite complementarity
(`numeric.networks.edge.covariance`). What becomes of this with momentum and with the second moments of RMSProp is in
`rules` and `oscillation`; the sharpness is then λ₁(P⁻¹H).

**The step.** X is to hold the edge over a step h, not at an instant: the eigenvalues near it move by ηh times their
rate and have 2/η − Λ to go, hence with T_ab = ∇³L(u_a, u_b, ·), A_ab = T_ab·∇L, and B[X]_ab = ½ Σ T_ab·T_cd X_cd

    X ⪰ 0,     S = A + (2/η − Λ)/(ηh) + B[X] ⪰ 0,     ⟨X, S⟩ = 0.

This makes no difference between eigenvalues at the edge and those about to arrive, needs no events, and takes back in
each step what the one before has left beyond the edge. X and T are held over the step (`flow_step`). With momentum the
average takes the rule's own steps (`own_steps`) and ηh is the reach of h of them. A step is halved if it carries an
eigenvalue beyond the edge by more than `BEYOND` of it, or if its estimated error is too large. (In the condition h is
at least `AHEAD` of a step of training: what is left to the edge is only known to the precision of an eigenvalue.)

**The start.** Where training begins beyond the edge by more than `START` of it, as often with a second moment that is
still empty, no oscillation holds it there: what is told is training itself, on the average over two steps
(`beginning`), up to the first such average below the edge, `begins`, from which the flow goes on.

**Averages of training** are over its oscillation, E L = L + ½ tr(HΣ), which is L + tr Σ/η for gradient descent at the
edge, and E‖g‖² = ‖∇L + ½∇³L[Σ]‖² + tr(HΣH). Their errors are those of the next order (`oscillation`), as it is at the
moment, and without momentum by how much the loss falls in the time that the flow is late (`foretold`). They are no
errors of where training has not yet begun to oscillate: behind the onset, or in a burst, a time average has to be over
many turns to be what is foretold. What the next order does to the path in the long run the flow shows with the `secant`
for the `tangent`.

    over step 0 … T      loss (at the centre), mean_loss, mean_gradient_norm (root of the mean square), sharpness,
                         variance (tr Σ), rank (of X), and mean_loss_error, mean_gradient_norm_error, sharpness_error
    over step and mode   eigenvalues, the largest, as many as were followed (NaN where fewer were)
    over kept            weights (kept, weight), if every so many steps are to be kept
    attributes           eta, edge; begins, −1 if there was no flow; arrival, the first step with an oscillation, −1 if
                         none; ending, "steps" or why the flow ended before; evaluations, in gradients; taken, from one
                         reading of the edge to the next; beyond, how far beyond the edge the sharpness was at most from
                         `begins` on, relative to it

Errors: `BadInput` for what `exact_loss` and `rules` refuse; `Undecided` where already the start tells nothing. What
ends later is told up to there. Source: :cite:t:`cohen2024understanding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import BadInput, Undecided
from numeric.networks.flows.beginning import Average, averages_of_training
from numeric.networks.flows.edge_space import EdgeFollower, EdgeSpace
from numeric.networks.flows.flow_step import flow_step
from numeric.networks.flows.foretold import Foretold
from numeric.networks.flows.oscillation import Ends, Oscillation, balanced
from numeric.networks.flows.own_steps import own_steps
from numeric.networks.flows.rules import OngoingRule, Rule, State, training_of
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.exact_copy import exact_copy
from numeric.networks.tracker.given import checked_loss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.networks.training.optimizers import GradientDescent
from numeric.progress import Progress, listener
from numeric.values import whole_number

BEYOND = 1e-3  # of the edge
START = 0.1
LONGEST, AHEAD, FIRST, SHORTEST = 4.0, 1 / 4, 1 / 8, 1 / 64


def central_flow(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    optimizer: torch.optim.Optimizer | Rule | None = None,
    eta: float | None = None,
    steps: int,
    swing: Literal["tangent", "secant"] = "tangent",
    keep_every: int | None = None,
) -> xr.Dataset:
    """The central flow of training from the module's weights on; module and optimizer stay as they are.

    Training goes on by the optimizer with what it has gathered, or begins by a rule of
    `numeric.networks.training.optimizers`, or by gradient descent with the step size `eta`.
    """
    whole_number("steps", steps, least=1)
    if swing not in ("tangent", "secant"):
        raise BadInput(f"swing = {swing}: must be tangent or secant")
    if keep_every is not None:
        whole_number("keep_every", keep_every, least=1)
    loss, training = loss_and_training(module, criterion, inputs, targets, optimizer, eta)
    with undisturbed(loss.module):
        return _Flow(loss, training, swing == "secant", keep_every).run(steps)


def loss_and_training(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    optimizer: torch.optim.Optimizer | Rule | None,
    eta: float | None,
) -> tuple[FlatLoss, OngoingRule]:
    """The loss in double precision, of a copy, and how it is trained; what every flow is made of."""
    if eta is not None and optimizer is None:
        optimizer = GradientDescent(eta)
    elif optimizer is None or eta is not None:
        raise BadInput("give either the optimizer, or the step size eta of gradient descent")
    loss = checked_loss(module, criterion, inputs, targets)
    training = training_of(optimizer, loss)
    return exact_copy(loss, optimizer if isinstance(optimizer, torch.optim.Optimizer) else None), training


class _Flow:
    """The flow on its way: where it is, what the edge is like there, and what it has foretold."""

    def __init__(self, loss: FlatLoss, training: OngoingRule, secant: bool, keep_every: int | None) -> None:
        self.loss, self.training, self.secant, self.keep_every = loss, training, secant, keep_every
        self.follower, self.told = EdgeFollower(loss, training.edge), Foretold(training, secant, keep_every)
        weights = loss.parameters
        self.state = training.start(weights, loss.value_and_gradient(weights)[1])
        self.shortest = 1.0 if training.has_momentum else SHORTEST
        self.time, self.begins, self.evaluations, self.late = 0.0, 0, 1.0, 0.0
        self.last, self.swing = self.shortest, np.zeros(0)  # the duration of the last step, and its X_aa
        self.softer = 0.0  # by how much of the edge λ was below it where the secant was at it
        self.here = self._read(self.state)

    def run(self, steps: int) -> xr.Dataset:
        """The flow for so many steps of training, or up to where it is lost."""
        report, desired, ending = listener(), max(FIRST, self.shortest), "steps"
        try:
            self._begin(steps, report)
            while True:
                every = self.keep_every
                goal = steps if every is None else min(steps, every * (self.time // every + 1))
                remaining = goal - self.time
                h = self._duration(desired, remaining)
                oscillation, ends = self._oscillation(h)
                if self.time >= steps:
                    self.told.note(self.time, self.state, self.here, oscillation, ends, self.late)
                    break
                where = self.loss, self.training, self._read, self.state, self.here, oscillation
                taken = own_steps(*where, int(h)) if self.training.has_momentum else flow_step(*where, h)
                self.evaluations += taken.evaluations
                strain = max(taken.error, self._strain(taken.there, oscillation, ends, h))
                if strain > 1 and h > self.shortest:
                    desired = max(h / 2, self.shortest)
                    continue
                self.told.note(self.time, self.state, self.here, oscillation, ends, self.late)
                self.told.note_between(self.time, taken.between)
                before, self.time, self.last = self.time, goal if h == remaining else self.time + h, h
                self.swing = np.diag(oscillation.covariance)
                if self.secant:
                    stiffer = 0.0 if ends is None else float((ends.stiffness * self.swing).max(initial=0.0))
                    self.softer = stiffer / self.training.edge
                report(int(self.time) - int(before))
                self.state, self.here, self.late = taken.state, taken.there, self.late + taken.late
                if strain < 0.5:
                    desired = max(desired, min(2 * h, LONGEST))
        except Undecided as reason:
            if not self.told.rows:
                raise
            ending = str(reason)
        return self.told.dataset().assign_attrs(begins=self.begins, ending=ending, evaluations=self.evaluations)

    def _begin(self, steps: int, report: Progress) -> None:
        """Training itself, as long as it is beyond the edge; from the first average below it on there is a flow."""
        if self._excess(self.here) <= START:
            return
        self.begins = -1
        average = Average(self.state, self.here.value, float(self.here.gradient.square().sum()), 0.0)
        following = averages_of_training(self.loss, self.training, self.state)
        self.evaluations += 2
        while self._excess(self.here) > 0:
            self.told.note_training(self.time, average, self.here)
            if self.time >= steps:
                raise Undecided(f"training is sharper than the edge, {self.training.edge:.4g}, all the time")
            average = next(following)
            self.time, self.state, self.here = self.time + 1, average.state, self._read(average.state)
            self.evaluations += 1
            report(1)
        self.begins = int(self.time)

    def _read(self, state: State) -> EdgeSpace:
        here = self.follower.read(state.weights, self.training.scale(state.moment), self.softer)
        self.evaluations += here.evaluations
        return here

    def _duration(self, desired: float, remaining: float) -> float:
        """Of the next step: parts of what remains that are alike, or whole steps of training."""
        if not remaining:
            return self.last
        if self.training.has_momentum:  # at the edge one at a time, as more would swing about it
            return float(int(min(desired, remaining, 1.0 if self.here.near else LONGEST)))
        return remaining / math.ceil(remaining / min(desired, LONGEST))

    def _oscillation(self, h: float) -> tuple[Oscillation, Ends | None]:
        """What holds the edge over a step, and what its swing meets, if there is any."""
        where = self.here, self.training, self.state, max(h, AHEAD)
        oscillation = balanced(*where)
        if oscillation.still:
            return oscillation, None
        swing = np.diag(oscillation.covariance)
        if self.secant and len(self.swing) == len(swing) and self.swing.any():
            swing = self.swing  # of the step before: the tangent's may be far off
        ends = Ends.of(self.loss, self.state.weights, self.here, swing, self.training.scale(self.state.moment))
        self.evaluations += 2 * self.here.near
        return (balanced(*where, ends) if self.secant else oscillation), ends

    def _strain(self, there: EdgeSpace, oscillation: Oscillation, ends: Ends | None, h: float) -> float:
        """How near a step is to being refused at 1 for the edge, where it leads."""
        softer = 0.0  # how far beyond the edge λ₁ may be where the stiffness is at it, relative to it
        if self.secant and ends is not None:
            softer = -float(ends.stiffness[0] * oscillation.covariance[0, 0]) / self.training.edge
        strain = (self._excess(there) - softer) / max(BEYOND, self._excess(self.here) - softer)
        if not (oscillation.still or self.secant) and self._excess(self.here) < -BEYOND and h > FIRST:
            return abs(strain)  # it is to arrive, and not to stop short of the edge for a rate that has changed
        return strain

    def _excess(self, here: EdgeSpace) -> float:
        return float(here.eigenvalues[0]) / self.training.edge - 1
