"""The sharpness through training, in a training loop of the user's own.

    tracker = SharpnessTracker(model, criterion, inputs, targets, optimizer=optimizer)    before the loop
    tracker = SharpnessTracker(model, loss=loss, data=loader, optimizer=optimizer)        or with a loss of one's own
    tracker.step()                                                                        at the head of its body
    tracker.history                                                                       after it
    tracker.plot()                                                                        a picture of it, at any time
    tracker.forecast(steps=300)                                                           what comes next, at any time

The loss is criterion(model(inputs), targets), of tensors or of the pairs in `data`, or the mean of `loss(model, batch)`
over the batches of `data`, of any kind and as many as there are: see `numeric.networks.loss.streamed_loss`. What is
trained in a criterion or a loss that is a module belongs to θ; `parameters` chooses some, by names in which * stands
for anything or by a function of name and parameter: then H is the block of the Hessian that is theirs.

The call number t = 0, 1, 2 … of `step` stands for θ_t. At t = 0, every, 2·every … a reading takes, of the full-batch
loss L at θ_t and its Hessian H,

    eigenvalue            λ₁ ≥ … ≥ λ_k, the algebraically largest, each with its bound; sharpness is λ₁
    gradient_projection   ⟨∇L, uᵢ⟩ on their eigenvectors, each on the side of the one that it goes on from, so that a
                          change of sign is the gradient's;   gradient_norm ‖∇L‖;   full_loss L
    effective_sharpness   λ₁(P⁻¹H) where the optimizer preconditions, see `numeric.networks.curvature.preconditioner`;
                          missing (NaN) before its first step; effective_bound is its bound
    step_size, edge       η as the optimizer has it, and the sharpness up to which its rule is stable with that, 2/η for
                          gradient descent; effective_edge is that of the effective sharpness. Where none is known it
                          is NaN, and ``history.edge.attrs["reason"]`` says why: see `.rule_at_step`
    critical_step         η_c with critical_step=True, how far along −∇L the loss does not rise, by forward passes; and
                          critical_sharpness 2/η_c, another quantity than the sharpness: see `.critical`
    evaluations           what the reading cost, in gradients of the full batch
    status                converged; rounding, unfinished: a bound is above the tolerance, by the arithmetic or for want
                          of products; not_finite: the weights, the loss or its Hessian are not, and the reading is NaN
    overlooked            where directions outside the block that is followed were searched for, at most the probability
                          that one was overlooked which curves more than λ_k; elsewhere NaN

A bound holds for the direction found, rounding included, which is measured: the product is computed again in float64,
or where it is in float64 at weights that are rounded otherwise. That no other direction curves more is what is searched
for, at the first reading, at every 64th, at every 16th of a spectrum in motion, and where λ₁ has moved by half.

At the edge of stability the weights oscillate with period two, and the sharpness at θ_t is another at even steps than
at odd ones: with an even `every` readings at the iterates see one phase alone, whose mean can be 10 or 20 % off that
over all steps. It is no level. With an odd `every` they see both phases alike. With `midpoint` they are taken at
(θ_{t−1} + 2θ_t + θ_{t+1})/4 instead, where such an oscillation is averaged out, as soon as θ_{t+1} is known (θ₀ itself
for t = 0); that costs the memory of two more copies of the weights, and no evaluation. The level there is not the one
over all steps, as the sharpness is no linear function of the weights: it is closer to the edge. If nothing is said,
midpoints are read with an even `every` and iterates with an odd one; the coordinate `point` says of each reading which.

With `vectors` the eigenpairs are read with so many vectors of the length of the weights at a time, at least 8 for one
eigenvalue, instead of 23: with fewer than 16 what comes up from below is seen late (`…eigen.memory`).

With eigenvalues=0 the critical step is the only curvature that is read, and nothing is differentiated twice: it may be
had of fused attention, of backward passes of one's own and of quantized activations, at the memory of a gradient.

The module is measured in the mode it is in: one in training mode with batch statistics; one that drops out is refused
then, and read with mode="eval". Training is not disturbed: parameters, gradients, buffers, modes and random numbers are
what they would have been. A run that diverges is read to its end.

With the `group` of several processes, torch.distributed's, each has a tracker of its own, made and stepped at the same
place, and its own part of the data: what is read is of all of them (`numeric.networks.curvature.over_ranks`).

Shapes: θ (p,), eigenvectors (p, k); inputs and targets (n, …), `micro_batch` of them in memory at a time, whose losses
are added with the `weight` of `numeric.networks.loss.FlatLoss`: none for a mean over examples, a number for a sum, a
function of a micro-batch's targets for a mean over what it counts in them; of batches of the user's own it is a
function of the batch. `gather` makes tensors of a DataLoader whose data fit into memory.
Errors: `BadInput`, see `numeric.networks.tracker.checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.curvature.eigen import STATUSES, Reading
from numeric.networks.data.stream import Batches
from numeric.networks.loss import BatchedLoss, FlatLoss
from numeric.networks.loss.streamed_loss import CriterionOfPairs, OwnLoss
from numeric.networks.tracker.given import Chosen, Criterion, checked_loss, checked_stream
from numeric.networks.tracker.history import POINTS, History
from numeric.networks.tracker.picture import draw
from numeric.networks.tracker.reader import Mode, Reader, under
from numeric.networks.tracker.rule_at_step import NUMBERS, RuleAtStep, edge_in_words, rule_at_step
from numeric.values import whole_number, yes_or_no

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

    from numeric.networks.forecast import Forecast


class SharpnessTracker:
    """Reads the top of the full-batch Hessian's spectrum while a module is trained, without disturbing that."""

    def __init__(
        self,
        module: nn.Module,
        criterion: Criterion | None = None,
        inputs: Tensor | None = None,
        targets: Tensor | None = None,
        *,
        loss: OwnLoss | None = None,
        data: Batches | None = None,
        parameters: Chosen = None,
        mode: Mode = None,
        optimizer: torch.optim.Optimizer | None = None,
        every: int = 1,
        eigenvalues: int = 1,
        relative: float = 1e-3,
        critical_step: bool = False,
        midpoint: bool | None = None,
        micro_batch: int | None = None,
        weight: float | Callable[[Any], Tensor | float] | None = None,
        vectors: int | None = None,
        seed: int = 0,
        group: ProcessGroup | None = None,
    ) -> None:
        for name, number, least in (
            ("every", every, 1),
            ("eigenvalues", eigenvalues, 0),
            ("micro_batch", micro_batch, 1),
            ("vectors", vectors, 1),
        ):
            if number is not None:
                whole_number(name, number, least=least)
        if mode not in (None, "train", "eval"):
            raise BadInput(f"mode = {mode!r}: must be 'train' or 'eval', or left out for the mode that training is in")
        of_tensors = {"criterion": criterion, "inputs": inputs, "targets": targets, "micro_batch": micro_batch}
        of_batches = {"loss": loss, "data": data}
        given = [name for name, value in (of_tensors | of_batches).items() if value is not None]
        if data is not None and ({*given} <= {*of_batches} or given == ["criterion", "data"]):
            function = loss if criterion is None else CriterionOfPairs(criterion)
            self.loss: BatchedLoss = checked_stream(
                module, function, data, weight, parameters, shared=group is not None
            )
        elif criterion is not None and inputs is not None and targets is not None and not {*given} & {*of_batches}:
            self.loss = checked_loss(module, criterion, inputs, targets, micro_batch, weight, parameters)
        else:
            raise BadInput(
                "give either criterion, inputs and targets, or data, the batches, with loss, a function of module and"
                " batch, with a criterion of pairs, or without if the module returns its loss;"
                f" given: {', '.join(given) or 'none of them'}"
            )
        size = sum(parameter.numel() for parameter in self.loss.trainable.values())
        if not (0 if critical_step else 1) <= eigenvalues <= size:
            raise BadInput(
                f"eigenvalues = {eigenvalues}: must be from 1 to {size}, the number of parameters, or 0 with"
                " critical_step=True"
            )
        self.every, self.eigenvalues, self.mode = every, eigenvalues, mode
        by_default = every % 2 == 0 and eigenvalues > 0
        self.midpoint = by_default if midpoint is None else yes_or_no("midpoint", midpoint)
        self.latest: Reading | None = None
        self.latest_effective: Reading | None = None  # of P⁻¹H, at the same weights, where P is known
        self.steps = 0
        self.optimizer = optimizer
        self._reader = Reader(
            self.loss,
            eigenvalues=eigenvalues,
            relative=relative,
            vectors=vectors,
            seed=seed,
            critical_step=yes_or_no("critical_step", critical_step),
            mode=mode,
            optimizer=optimizer,
            group=group,
        )
        beside = [] if optimizer is None else ["step_size", "edge"]
        beside += ["effective_edge"] * self._reader.preconditions
        self._history = History(eigenvalues, (*self._reader.numbers, *beside), critical_step=critical_step)
        self._recent: dict[int, Tensor] = {}  # θ_{t−1} and θ_t of a midpoint to come
        self._rule = RuleAtStep()  # its step size, edge and P⁻¹

    def step(self) -> None:
        """Count a step, and take the reading that is due; call it at the head of the training loop's body."""
        step, self.steps = self.steps, self.steps + 1
        if self.midpoint:
            self._step_to_midpoint(step)
        elif step % self.every == 0:
            self._read(step, self.loss.parameters, self._rule_now())

    def measure(self) -> Reading:
        """Take a reading now, at the present weights, as of the next step: after the loop, of where it ended."""
        return self._read(self.steps, self.loss.parameters, self._rule_now())

    def plot(self, figure: Any = None) -> Any:
        """The history on a matplotlib figure, which is given back; on the same one again, if it is given."""
        return draw(self.history, figure)

    @property
    def line(self) -> str:
        """The latest reading in a few words, for a terminal: ``progress.set_postfix_str(tracker.line)``."""
        return self._history.line

    def forecast(
        self,
        *,
        steps: int = 300,
        eta: float | None = None,
        modes: int | None = None,
        expansion: Literal["loss", "cut"] | None = None,
    ) -> Forecast:
        """What training will do in the next steps, from where it is now: see `numeric.networks.forecast`.

        By the optimizer as it stands, momentum included, or by gradient descent with the step size `eta`. What is
        counted in its `evaluations` is less than without a tracker: the latest eigenvectors are where it begins.
        """
        from numeric.networks.forecast import forecast  # which has its checks from here

        if not isinstance(self.loss, FlatLoss):
            raise BadInput(
                "a forecast needs a loss of tensors: make a tracker with criterion, inputs and targets; gather, from"
                " numeric.networks.data, makes inputs and targets of a DataLoader"
            )
        if self.loss.selected is not None:
            raise BadInput("a forecast is of all that is trained: make a tracker without parameters=…")
        known = self.eigenvectors if self.eigenvalues else None
        with self._reader.as_read():
            return forecast(
                self.loss.module,
                self.loss.criterion,
                self.loss.inputs,
                self.loss.targets,
                optimizer=self.optimizer,
                eta=eta,
                steps=steps,
                modes=modes,
                expansion=expansion,
                micro_batch=self.loss.micro_batch,
                weight=self.loss.weight,
                eigenvectors=None if known is None or not known.isfinite().all() else known,
            )

    @property
    def eigenvectors(self) -> Tensor | None:
        """The eigenvectors of the latest reading, (p, k), one a column; none before the first."""
        return None if self.latest is None else self.latest.eigenvectors

    @property
    def history(self) -> xr.Dataset:
        """All readings, labelled by their step and, where there are several eigenvalues, by index 1 … k."""
        history = self._history.dataset
        if self.optimizer is not None:
            for name, words in edge_in_words(self.optimizer, self._reader.trainable).items():
                if name in history:
                    history[name].attrs.update(words)
        return history

    def state(self) -> dict[str, Any]:
        """What the readings to come depend on, and those so far: tensors and numbers by name."""
        state: dict[str, Any] = {"steps": self.steps}
        state |= {f"recent.{step}": weights for step, weights in self._recent.items()}
        state |= {f"rule.{name}": value for name, value in self._rule.state().items()}
        state |= {f"history.{name}": column for name, column in self._history.columns.items()}
        return state | self._reader.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a tracker that was made with the same arguments."""
        columns = under("history", state)
        if not self._history.fits(columns):
            raise BadInput("the state is of a tracker with other eigenvalues or another optimizer: make it the same")
        self._history.restore(columns)
        like = self.loss.parameters
        self.steps, self._rule = int(state["steps"]), RuleAtStep.restored(under("rule", state), like)
        self._recent = {int(step): weights.to(like) for step, weights in under("recent", state).items()}
        self._reader.restore(state)

    def _step_to_midpoint(self, step: int) -> None:
        """Keep what the midpoint of a due step needs, and read it one step later."""
        place = step % self.every
        if step == 0:
            self._read(step, self.loss.parameters, self._rule_now())
        if not (place in (0, 1) or place == self.every - 1):
            return
        self._recent[step] = self.loss.parameters
        due = step - 1
        if due > 0 and due % self.every == 0:
            weights = (self._recent[due - 1] + 2 * self._recent[due] + self._recent[step]) / 4
            self._read(due, weights, self._rule, iterate=self._recent[due])
        if place == 0:
            self._rule = self._rule_now()
        self._recent = {kept: weights for kept, weights in self._recent.items() if kept >= due}

    def _rule_now(self) -> RuleAtStep:
        """The optimizer's rule before its next step."""
        if self.optimizer is None:
            return RuleAtStep()
        return rule_at_step(self.optimizer, self._reader.trainable, effective=self._reader.preconditions)

    def _read(self, step: int, weights: Tensor, rule: RuleAtStep, iterate: Tensor | None = None) -> Reading:
        """The reading at these weights, or at a midpoint by the iterate, filed under the step; an earlier gives way."""
        taken = self._reader.read(weights, rule, self._history.rows, iterate)
        row = taken.row | {"reading": torch.tensor(step), "status": torch.tensor(STATUSES.index(taken.reading.status))}
        row["point"] = torch.tensor(POINTS.index("iterate" if iterate is None else "midpoint"))
        self._history.add(row | {name: torch.tensor(getattr(rule, name), dtype=torch.float64) for name in NUMBERS})
        self.latest, self.latest_effective = taken.reading, taken.effective
        return taken.reading
