"""The sharpness through training, in a training loop of the user's own.

    tracker = SharpnessTracker(model, criterion, inputs, targets, optimizer=optimizer)    before the loop
    tracker = SharpnessTracker(model, loss=loss, data=loader, optimizer=optimizer)        or with a loss of one's own
    tracker.step()                                                                        at the head of its body
    tracker.history                                                                       after it
    tracker.plot()                                                                        a picture of it, at any time
    tracker.forecast(steps=300)                                                           what comes next, at any time

The loss is criterion(model(inputs), targets), of tensors, or the mean of `loss(model, batch)` over the batches of
`data`, of any kind and as many as there are: see `numeric.networks.loss.streamed_loss`. What is trained in a criterion
or a loss that is a module belongs to θ; `parameters` chooses some, by names in which * stands for anything or by a
function of name and parameter: then H is the block of the Hessian that is theirs.

The call number t = 0, 1, 2 … of `step` stands for θ_t. At t = 0, every, 2·every … a reading takes, of the full-batch
loss L at θ_t and its Hessian H,

    eigenvalue            λ₁ ≥ … ≥ λ_k, the algebraically largest, each with its bound; sharpness is λ₁
    gradient_projection   ⟨∇L, uᵢ⟩ on their eigenvectors;   gradient_norm ‖∇L‖;   full_loss L
    effective_sharpness   λ₁(P⁻¹H) where the optimizer preconditions, see `numeric.networks.curvature.preconditioner`;
                          missing (NaN) before its first step; effective_bound is its bound
    step_size, edge       η as the optimizer has it, and the sharpness up to which its rule is stable with that, 2/η for
                          gradient descent; effective_edge is that of the effective sharpness. Where none is known it
                          is NaN, and ``history.edge.attrs["reason"]`` says why: see `.rule_at_step`
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

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt, Preconditioned
from numeric.networks.curvature.eigen import STATUSES, Reading, TopEigenpairs, not_finite
from numeric.networks.curvature.over_ranks import Ranks
from numeric.networks.data.stream import Batches
from numeric.networks.loss import BatchedLoss, FlatLoss
from numeric.networks.loss.streamed_loss import OwnLoss
from numeric.networks.tracker.checks import SAMPLE, check_evaluation, check_start, enough_memory
from numeric.networks.tracker.composition import check_composition
from numeric.networks.tracker.derivatives import check_derivatives
from numeric.networks.tracker.given import Chosen, Criterion, checked_loss, checked_stream
from numeric.networks.tracker.history import POINTS, History
from numeric.networks.tracker.picture import draw
from numeric.networks.tracker.rule_at_step import (
    NUMBERS,
    RuleAtStep,
    edge_in_words,
    has_effective_sharpness,
    rule_at_step,
)
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import whole_number, yes_or_no

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

    from numeric.networks.forecast import Forecast

_PLAIN = ("gradient_norm", "full_loss", "evaluations", "overlooked")
_EFFECTIVE = ("effective_sharpness", "effective_bound")


class Taken(NamedTuple):
    """What has been read at some weights: of H, of P⁻¹H, the gradient, and numbers by name."""

    reading: Reading
    effective: Reading | None
    gradient: Tensor
    row: dict[str, Tensor]


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
        mode: Literal["train", "eval"] | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        every: int = 1,
        eigenvalues: int = 1,
        relative: float = 1e-3,
        midpoint: bool | None = None,
        micro_batch: int | None = None,
        weight: float | Callable[[Any], Tensor | float] | None = None,
        seed: int = 0,
        group: ProcessGroup | None = None,
    ) -> None:
        for name, number in (("every", every), ("eigenvalues", eigenvalues), ("micro_batch", micro_batch)):
            if number is not None:
                whole_number(name, number, least=1)
        if mode not in (None, "train", "eval"):
            raise BadInput(f"mode = {mode!r}: must be 'train' or 'eval', or left out for the mode that training is in")
        of_tensors = {"criterion": criterion, "inputs": inputs, "targets": targets, "micro_batch": micro_batch}
        of_batches = {"loss": loss, "data": data}
        given = [name for name, value in (of_tensors | of_batches).items() if value is not None]
        if data is not None and not {*given} & {*of_tensors}:
            self.loss: BatchedLoss = checked_stream(module, loss, data, weight, parameters, shared=group is not None)
        elif criterion is not None and inputs is not None and targets is not None and not {*given} & {*of_batches}:
            self.loss = checked_loss(module, criterion, inputs, targets, micro_batch, weight, parameters)
        else:
            raise BadInput(
                "give either criterion, inputs and targets, or data, the batches, with loss, a function of module and"
                f" batch, or without if the module returns its loss; given: {', '.join(given) or 'none of them'}"
            )
        size = sum(parameter.numel() for parameter in self.loss.trainable.values())
        if not 1 <= eigenvalues <= size:
            raise BadInput(f"eigenvalues = {eigenvalues}: must be from 1 to {size}, the number of parameters")
        self.every, self.eigenvalues, self.mode = every, eigenvalues, mode
        self.midpoint = every % 2 == 0 if midpoint is None else yes_or_no("midpoint", midpoint)
        self.latest: Reading | None = None
        self.latest_effective: Reading | None = None  # of P⁻¹H, at the same weights, where P is known
        self.steps = 0
        self.optimizer = optimizer
        self._eigenpairs = TopEigenpairs(eigenvalues, relative=relative, seed=seed)
        self._effective: TopEigenpairs | None = None
        if optimizer is not None and has_effective_sharpness(optimizer, self._trainable):
            self._effective = TopEigenpairs(1, relative=relative, seed=seed)
        self._history = History(eigenvalues, self._numbers)
        self._recent: dict[int, Tensor] = {}  # θ_{t−1} and θ_t of a midpoint to come
        self._rule = RuleAtStep()  # its step size, edge and P⁻¹
        self._names = [*self.loss.trainable]
        self._modes: set[tuple[bool, ...]] = set()  # those checked: training may switch between them
        self._ranks = None if group is None else Ranks(group)
        with self._as_read(), self._together():
            check_start(self.loss)
        self._share = 1.0
        if self._ranks is not None:
            self._ranks.check_same(self.loss.parameters)
            self._share = self._ranks.share(self.loss.count)

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
        known = self.eigenvectors
        with self._as_read():
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
            for name, words in edge_in_words(self.optimizer, self._trainable).items():
                if name in history:
                    history[name].attrs.update(words)
        return history

    def state(self) -> dict[str, Any]:
        """What the readings to come depend on, and those so far: tensors and numbers by name."""
        state: dict[str, Any] = {"steps": self.steps}
        state |= {f"recent.{step}": weights for step, weights in self._recent.items()}
        state |= {f"rule.{name}": value for name, value in self._rule.state().items()}
        state |= {f"history.{name}": column for name, column in self._history.columns.items()}
        state |= {f"eigenpairs.{name}": value for name, value in self._eigenpairs.state().items()}
        if self._effective is not None:
            state |= {f"effective.{name}": value for name, value in self._effective.state().items()}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a tracker that was made with the same arguments."""
        columns = _under("history", state)
        if not self._history.fits(columns):
            raise BadInput("the state is of a tracker with other eigenvalues or another optimizer: make it the same")
        self._history.restore(columns)
        like = self.loss.parameters
        self.steps, self._rule = int(state["steps"]), RuleAtStep.restored(_under("rule", state), like)
        self._recent = {int(step): weights.to(like) for step, weights in _under("recent", state).items()}
        self._eigenpairs.restore(_under("eigenpairs", state))
        if self._effective is not None:
            self._effective.restore(_under("effective", state))

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
            self._read(due, weights, self._rule, point="midpoint")
        if place == 0:
            self._rule = self._rule_now()
        self._recent = {kept: weights for kept, weights in self._recent.items() if kept >= due}

    @property
    def _trainable(self) -> list[nn.Parameter]:
        return [*self.loss.trainable.values()]

    def _rule_now(self) -> RuleAtStep:
        """The optimizer's rule before its next step."""
        if self.optimizer is None:
            return RuleAtStep()
        return rule_at_step(self.optimizer, self._trainable, effective=self._effective is not None)

    def _read(self, step: int, weights: Tensor, rule: RuleAtStep, point: str = "iterate") -> Reading:
        """The reading at these weights, filed under the step; an earlier one of that step gives way."""
        if weights.isfinite().all():
            work = partial(self._taken, weights, rule.inverse)
            with self._as_read(), self.loss.loaded(weights), enough_memory(self.loss):
                taken = work(HessianAt) if self._ranks is None else self._ranks.led(self.loss, self._share, work)
        else:
            taken = Taken(not_finite(weights, self.eigenvalues), None, weights, {})
        reading, row = taken.reading, {**taken.row}
        row["overlooked"] = torch.tensor(reading.overlooked, dtype=torch.float64)
        row["eigenvalue"], row["bound"] = reading.eigenvalues, reading.bounds
        row["gradient_projection"] = taken.gradient.double() @ reading.eigenvectors.double()
        row |= {name: torch.tensor(getattr(rule, name), dtype=torch.float64) for name in {*NUMBERS} & {*self._numbers}}
        row |= {"reading": torch.tensor(step), "status": torch.tensor(STATUSES.index(reading.status))}
        row["point"] = torch.tensor(POINTS.index(point))
        self._history.add(row)
        self.latest, self.latest_effective = reading, taken.effective
        return reading

    def _taken(
        self, weights: Tensor, inverse: Tensor | None, hessian_at: Callable[[BatchedLoss, Tensor], HessianAt]
    ) -> Taken:
        """What is read at finite weights."""
        hessian = hessian_at(self.loss, weights)
        gradient = hessian.gradient
        known = self._history.rows
        if _is_power_of_four(len(known)) and hessian.value <= known[0]["full_loss"].to(weights):
            check_derivatives(self.loss.sample(SAMPLE))  # at times, unless the run diverges
            check_composition(self.loss)
        reading = self._eigenpairs.read(hessian, weights, gradient)
        row: dict[str, Tensor] = {}
        effective: Reading | None = None
        if self._effective is not None and inverse is not None:
            effective = reading
            if (inverse != 1).any():
                operator = Preconditioned(hessian, inverse)
                effective = self._effective.read(operator, weights, inverse.sqrt() * gradient)
            row |= dict(zip(_EFFECTIVE, (effective.eigenvalues[0], effective.bounds[0]), strict=True))
        row["gradient_norm"] = gradient.double().norm()
        row["full_loss"] = hessian.value.double()
        row["evaluations"] = torch.tensor(float(hessian.evaluations), dtype=torch.float64)
        return Taken(reading, effective, gradient, row)

    @contextmanager
    def _as_read(self) -> Iterator[None]:
        """The module is in the mode that it is read in, checked, and nothing that happens to it stays."""
        with undisturbed(self.loss.whole, *self.loss.sources):
            if self.mode is not None:
                for root in self.loss.roots.values():
                    root.train(self.mode == "train")
            with self._together():
                self._check_mode()
            yield

    def _together(self) -> AbstractContextManager[None]:
        """What fails on one rank fails on all of them."""
        return nullcontext() if self._ranks is None else self._ranks.together()

    def _check_mode(self) -> None:
        """Check the loss in a mode of the module, training or not, that it has not been in before."""
        if [*self.loss.trainable] != self._names:
            raise BadInput("other parameters require a gradient than when the tracker was made: make a new one")
        mode = tuple(part.training for _, part in self.loss.named_modules())
        if mode not in self._modes and check_evaluation(self.loss, self.optimizer):
            self._modes.add(mode)

    @property
    def _numbers(self) -> tuple[str, ...]:
        """What a reading has one real number of."""
        effective = () if self._effective is None else (*_EFFECTIVE, "effective_edge")
        return (*_PLAIN, *effective, *(() if self.optimizer is None else ("step_size", "edge")))


def _is_power_of_four(number: int) -> bool:
    return number.bit_count() == 1 and number.bit_length() % 2 == 1


def _under(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a state holds under the name."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
