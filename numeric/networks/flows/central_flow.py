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
each step what the one before has left beyond the edge. X and T are held over the step, ∇L follows it by a stabilized
method (`stabilized`): the flow is stiff, ηλ = 2 a step of training. A step is halved if it carries an eigenvalue beyond
the edge by more than `BEYOND` of it, or if its estimated error is more than `ERROR` of the step. (In the condition h is
at least `AHEAD` of a step of training: what is left to the edge is only known to the precision of an eigenvalue.)

**Averages of training** are over its oscillation, E L = L + ½ tr(HΣ), which is L + tr Σ/η for gradient descent at the
edge, and E‖g‖² = ‖∇L + ½∇³L[Σ]‖² + tr(HΣH). Their errors are those of the next order (`oscillation`), as it is at the
moment, and of the time: a step of duration h and error e is late by h |∇L·e|/|∇L·Δθ|, and training, whose gradient
lags, by as much again as `rules` says; the sum of both times |dL/dt| is that of the loss. They are no errors of where
training has not yet begun to oscillate: behind the onset, or in a burst, a time average has to be over many turns to be
what is foretold. What the next order does to the path in the long run the flow shows with the `secant` for the
`tangent`.

    over step 0 … T      loss (at the centre), mean_loss, mean_gradient_norm (root of the mean square), sharpness,
                         variance (tr Σ), rank (of X), and mean_loss_error, mean_gradient_norm_error, sharpness_error
    over step and mode   eigenvalues, the largest, as many as were followed (NaN where fewer were)
    over kept            weights (kept, weight), if every so many steps are to be kept
    attributes           eta, edge; arrival, the first step with an oscillation, −1 if none; ending, "steps" or why the
                         flow ended before; evaluations, in gradients; taken, steps of the flow; beyond, how far beyond
                         the edge the sharpness was at most, relative to it

Between the flow's own steps values are interpolated linearly. Errors: `BadInput` for what `exact_loss` and `rules`
refuse; `Undecided` for a start beyond the edge by more than `START` of it. Source: :cite:t:`cohen2024understanding`.
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
from numeric.networks.flows.edge_space import EdgeFollower, EdgeSpace
from numeric.networks.flows.oscillation import Ends, Oscillation, balanced
from numeric.networks.flows.rules import Rule, Training, training_of
from numeric.networks.flows.stabilized import error_of_step, stabilized_step, stages_for
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.exact_copy import exact_copy
from numeric.networks.tracker.given import checked_loss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.networks.training.optimizers import GradientDescent
from numeric.progress import listener
from numeric.values import whole_number

BEYOND = 1e-3  # of the edge
START = 0.1
ERROR = 0.02  # of the step
AT_REST = 1e-6  # of the weights: an error that is always allowed, where the flow comes to rest
LONGEST, AHEAD, FIRST, SHORTEST = 4.0, 1 / 4, 1 / 8, 1 / 64
STIFFER = 1.1  # than the eigenvalues followed: what the step allows for


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
) -> tuple[FlatLoss, Training]:
    """The loss in double precision, of a copy, and how it is trained; what every flow is made of."""
    if eta is not None and optimizer is None:
        optimizer = GradientDescent(eta)
    elif optimizer is None or eta is not None:
        raise BadInput("give either the optimizer, or the step size eta of gradient descent")
    loss = checked_loss(module, criterion, inputs, targets)
    training = training_of(optimizer, loss)
    return exact_copy(loss, optimizer if isinstance(optimizer, torch.optim.Optimizer) else None), training


class _Flow:
    """The flow on its way: where it is, what the edge is like there, and what it has told."""

    def __init__(self, loss: FlatLoss, training: Training, secant: bool, keep_every: int | None) -> None:
        self.loss, self.training, self.secant, self.keep_every = loss, training, secant, keep_every
        self.follower = EdgeFollower(loss, training.edge)
        self.weights, self.time = loss.parameters, 0.0
        self.moment = training.moment(loss.value_and_gradient(self.weights)[1])
        self.here = self.follower.read(self.weights, training.scale(self.moment))
        self.evaluations, self.late, self.beyond = 1 + self.here.evaluations, 0.0, 0.0
        self.last, self.swing = SHORTEST, np.zeros(0)  # the duration of the last step, and its X_aa
        self.rows: list[dict[str, float]] = []
        self.values: list[np.ndarray] = []
        self.kept: dict[int, np.ndarray] = {}
        if self._excess(self.here) > START:
            raise Undecided(
                f"the start is sharper, {self.here.eigenvalues[0]:.4g}, than the edge, {training.edge:.4g}, where there"
                " is no central flow: start where training is below it or near it, or with a smaller step size"
            )

    def run(self, steps: int) -> xr.Dataset:
        """The flow for so many steps of training, or up to where it is lost."""
        report, desired, ending = listener(), FIRST, "steps"
        while True:
            goal = (
                steps if self.keep_every is None else min(steps, self.keep_every * (self.time // self.keep_every + 1))
            )
            remaining = goal - self.time
            h = remaining / math.ceil(remaining / min(desired, LONGEST)) if remaining else self.last
            try:
                oscillation, ends = self._oscillation(h)
                if self.time >= steps:
                    self._tell(oscillation, ends)
                    break
                strain, after = self._step(oscillation, ends, h)
            except Undecided as reason:
                ending = str(reason)
                break
            if strain > 1 and h > SHORTEST:
                desired = max(h / 2, SHORTEST)
                continue
            self._tell(oscillation, ends)
            before, self.time, self.last = self.time, goal if h == remaining else self.time + h, h
            self.swing = np.diag(oscillation.covariance)
            report(int(self.time) - int(before))
            self.weights, self.moment, self.here, late = after
            self.late += late
            self.beyond = max(self.beyond, self._excess(self.here))
            if strain < 0.5:
                desired = max(desired, min(2 * h, LONGEST))
        return self._dataset(min(steps, int(self.time))).assign_attrs(ending=ending)

    def _oscillation(self, h: float) -> tuple[Oscillation, Ends | None]:
        """What holds the edge over a step, and what its swing meets, if there is any."""
        where = self.here, self.training, self.moment, self.time, max(h, AHEAD)
        oscillation = balanced(*where)
        if oscillation.still:
            return oscillation, None
        swing = np.diag(oscillation.covariance)
        if self.secant and len(self.swing) == len(swing) and self.swing.any():
            swing = self.swing  # of the step before: the tangent's may be far off
        ends = Ends.of(self.loss, self.weights, self.here, swing, self.training.scale(self.moment))
        self.evaluations += 2 * self.here.near
        return (balanced(*where, ends) if self.secant else oscillation), ends

    def _step(
        self, oscillation: Oscillation, ends: Ends | None, h: float
    ) -> tuple[float, tuple[Tensor, Tensor, EdgeSpace, float]]:
        """How near a step h is to being refused at 1, where it leads, and how late it is there."""
        size, training, here = len(self.weights), self.training, self.here
        pace, scale = training.pace(self.time, h), training.scale(self.moment)

        def rate(state: Tensor, gradient: Tensor | None = None) -> Tensor:
            point, moment = state[:size], state[size:]
            slope = self.loss.value_and_gradient(point)[1] if gradient is None else gradient
            scale = training.scale(moment)
            velocity = -pace * (slope + oscillation.pull) / (1 if scale is None else scale)
            return torch.cat([velocity, training.moment_rate(moment, slope.square() + oscillation.squares)])

        start = torch.cat([self.weights, self.moment])
        first = rate(start, here.gradient)
        stages = stages_for(STIFFER * pace * max(float(here.eigenvalues[0]), 0.0) * h)
        end = stabilized_step(rate, start, first, h, stages)
        weights, moment = end[:size], end[size:]
        self.evaluations += stages - 1
        there = self.follower.read(weights, training.scale(moment))
        self.evaluations += there.evaluations
        error = error_of_step(start, first, end, rate(end, there.gradient), h)
        if here.near:  # along the edge the average is where the pull holds it: what relaxes there is no error
            dual = here.directions if scale is None else scale[:, None] * here.directions
            error = error[:size] - here.directions @ (dual.T @ error[:size])
        allowed = ERROR * (weights - self.weights).norm() + AT_REST * weights.norm()
        relative = float(error[:size].norm() / allowed)
        softer = 0.0  # how far beyond the edge λ₁ may be where the stiffness is at it, relative to it
        if self.secant and ends is not None:
            softer = -float(ends.stiffness[0] * oscillation.covariance[0, 0]) / training.edge
        excess = (self._excess(there) - softer) / max(BEYOND, self._excess(here) - softer)
        if not (oscillation.still or self.secant) and self._excess(here) < -BEYOND and h > FIRST:
            excess = abs(excess)  # it is to arrive, and not to stop short of the edge for a rate that has changed
        of_error, of_step = (abs(float(here.gradient @ one)) for one in (error[:size], weights - self.weights))
        late = h * of_error / of_step if of_step else 0.0
        slopes = [float((at.gradient + oscillation.pull).norm()) for at in (here, there)]
        if min(slopes) > 0:
            late += training.lag * abs(math.log(slopes[1] / slopes[0]))
        return max(relative, excess), (weights, moment, there, late)

    def _excess(self, here: EdgeSpace) -> float:
        return float(here.eigenvalues[0]) / self.training.edge - 1

    def _tell(self, oscillation: Oscillation, ends: Ends | None) -> None:
        """Note the averages here, and their errors."""
        here, training = self.here, self.training
        scale = training.scale(self.moment)
        covariance = torch.from_numpy(oscillation.covariance).to(self.weights)
        gram = here.directions.T @ here.directions
        variances = np.diag(oscillation.covariance)
        excess = float(here.eigenvalues[: here.near] @ variances) / 2
        of_loss, of_sharpness, of_variance = 0.0, 0.0, 0.0
        if ends is not None:
            of_loss, of_sharpness = float(ends.loss @ variances), float(np.abs(ends.stiffness * variances).max())
            bent = ends.bent @ covariance.diagonal()
            tangent = oscillation.pull - bent if self.secant else oscillation.pull
            of_variance = abs(float(bent @ tangent)) / max(float(tangent @ tangent), np.finfo(float).tiny)
        if self.secant:
            excess += of_loss
        square = float((here.gradient + oscillation.pull).square().sum())
        wave = float(oscillation.squares.sum())
        root = np.sqrt(square + wave)
        velocity = (here.gradient + oscillation.pull) / (1 if scale is None else scale)
        falling = training.pace(self.time, 1.0) * abs(float(here.gradient @ velocity))
        stiffer = 2 * of_sharpness / training.edge
        self.rows.append(
            {
                "time": self.time,
                "loss": here.value,
                "mean_loss": here.value + excess,
                "mean_loss_error": abs(of_loss) + of_variance * excess + self.late * falling,
                "mean_gradient_norm": root,
                "mean_gradient_norm_error": (of_variance + stiffer) * wave / (2 * root) if root else 0.0,
                "sharpness": float(here.eigenvalues[0]),
                "sharpness_error": of_sharpness,
                "variance": float((covariance * gram).sum()),
                "rank": oscillation.rank,
            }
        )
        self.values.append(here.eigenvalues)
        if self.keep_every is not None and self.time % self.keep_every == 0:
            self.kept[int(self.time)] = self.weights.numpy()

    def _dataset(self, last: int) -> xr.Dataset:
        """What has been told, at whole steps."""
        most = max(map(len, self.values))
        eigenvalues = np.array([np.pad(one, (0, most - len(one)), constant_values=np.nan) for one in self.values])
        columns = {name: ("step", [row[name] for row in self.rows]) for name in self.rows[0]}
        times = columns.pop("time")[1]
        told = xr.Dataset(columns, {"step": times, "mode": np.arange(1, most + 1)})
        told["eigenvalues"] = ("step", "mode"), eigenvalues
        oscillating = [row["time"] for row in self.rows if row["rank"]]
        taken = len(times) - 1
        if taken:
            told = told.interp(step=np.arange(last + 1))
        told["rank"] = told["rank"].round().astype(int)
        if self.keep_every is not None:
            told["weights"] = ("kept", "weight"), np.stack([*self.kept.values()])
            told["kept"] = [*self.kept]
        return told.assign_attrs(
            eta=self.training.rule.eta,
            edge=self.training.edge,
            arrival=int(oscillating[0]) if oscillating else -1,
            evaluations=self.evaluations,
            taken=taken,
            beyond=self.beyond,
        )
