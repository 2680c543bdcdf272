"""What a tracker reads at some weights, of a module that is checked and in its mode; over all ranks, if there are some.

Of the loss L and its Hessian H the top eigenpairs, those of P⁻¹H where the optimizer preconditions, the critical step,
and what all that costs. Without eigenvalues nothing is differentiated twice: neither here nor in the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from eos_sym import BadInput
from numeric.networks.curvature import GradientAt, HessianAt, Preconditioned
from numeric.networks.curvature.eigen import Reading, TopEigenpairs, not_finite
from numeric.networks.curvature.over_ranks import Kind, Ranks
from numeric.networks.loss import BatchedLoss
from numeric.networks.tracker import critical
from numeric.networks.tracker.checks import SAMPLE, check_evaluation, check_start, enough_memory
from numeric.networks.tracker.composition import check_composition
from numeric.networks.tracker.derivatives import check_derivatives
from numeric.networks.tracker.rule_at_step import RuleAtStep, has_effective_sharpness
from numeric.networks.tracker.undisturbed import undisturbed

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Mode = Literal["train", "eval"] | None
Rows = Sequence[dict[str, Tensor]]
At = Callable[[BatchedLoss, Tensor], Any]  # a kind, or the same over ranks
Found = TypeVar("Found")
_EFFECTIVE = ("effective_sharpness", "effective_bound")


class Taken(NamedTuple):
    """What has been read at some weights: of H, of P⁻¹H, and numbers by name."""

    reading: Reading
    effective: Reading | None
    row: dict[str, Tensor]


class Reader:
    """Reads a loss at one point after another, each from what was found before."""

    def __init__(
        self,
        loss: BatchedLoss,
        *,
        eigenvalues: int,
        relative: float,
        vectors: int | None,
        seed: int,
        critical_step: bool,
        mode: Mode,
        optimizer: Optimizer | None,
        group: ProcessGroup | None,
    ) -> None:
        self.loss, self.mode, self.optimizer = loss, mode, optimizer
        self.eigenvalues, self.critical_step = eigenvalues, critical_step
        self.preconditions = optimizer is not None and has_effective_sharpness(optimizer, self.trainable)
        self.eigenpairs, self.effective = None, None
        if eigenvalues:
            self.eigenpairs = TopEigenpairs(eigenvalues, relative=relative, seed=seed, vectors=vectors)
        if eigenvalues and self.preconditions:
            self.effective = TopEigenpairs(1, relative=relative, seed=seed, vectors=vectors)
        self._names = [*loss.trainable]
        self._modes: set[tuple[bool, ...]] = set()  # those checked: training may switch between them
        self._ranks = None if group is None else Ranks(group)
        with self.as_read(), self._together():
            check_start(loss, self.order)
        self._share = 1.0
        if self._ranks is not None:
            self._ranks.check_same(loss.parameters)
            self._share = self._ranks.share(loss.count)

    @property
    def order(self) -> int:
        """How often the loss is differentiated."""
        return 2 if self.eigenvalues else 1

    @property
    def trainable(self) -> list[nn.Parameter]:
        """What θ is made of."""
        return [*self.loss.trainable.values()]

    @property
    def numbers(self) -> tuple[str, ...]:
        """What a reading has one real number of."""
        names = ["gradient_norm", "full_loss", "evaluations"]
        names += ["overlooked"] * bool(self.eigenvalues)
        names += [*_EFFECTIVE] * (self.effective is not None)
        return (*names, *(critical.NUMBERS if self.critical_step else ()))

    def read(self, weights: Tensor, rule: RuleAtStep, known: Rows, iterate: Tensor | None = None) -> Taken:
        """What is read at these weights, after the rows that are known; the critical step at an iterate beside them."""
        taken = Taken(not_finite(weights, self.eigenvalues), None, {})
        if weights.isfinite().all():
            kind: Kind = HessianAt if self.eigenvalues else GradientAt
            work = partial(self._taken, weights, rule.inverse, known, self.critical_step and iterate is None)
            taken = self._at(weights, work, kind)
        if self.critical_step and iterate is not None and iterate.isfinite().all():
            row = self._at(iterate, partial(self._critical, iterate, known), GradientAt)
            taken.row.update(row, evaluations=row["evaluations"] + taken.row.get("evaluations", 0.0))
        return taken

    def state(self) -> dict[str, Any]:
        """What the readings to come depend on, by name."""
        followed = {"eigenpairs": self.eigenpairs, "effective": self.effective}
        return {
            f"{name}.{key}": value
            for name, one in followed.items()
            if one is not None
            for key, value in one.state().items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        for name, one in (("eigenpairs", self.eigenpairs), ("effective", self.effective)):
            if one is not None:
                one.restore(under(name, state))

    @contextmanager
    def as_read(self) -> Iterator[None]:
        """The module is in the mode that it is read in, checked, and nothing that happens to it stays."""
        with undisturbed(self.loss.whole, *self.loss.sources, order=self.order):
            if self.mode is not None:
                for root in self.loss.roots.values():
                    root.train(self.mode == "train")
            with self._together():
                self._check_mode()
            yield

    def _at(self, weights: Tensor, work: Callable[[At], Found], kind: Kind) -> Found:
        """What comes of work at these weights, by a loss of this kind there."""
        with self.as_read(), self.loss.loaded(weights), enough_memory(self.loss):
            return work(kind) if self._ranks is None else self._ranks.led(self.loss, self._share, work, kind)

    def _taken(self, weights: Tensor, inverse: Tensor | None, known: Rows, critical_step: bool, kind: At) -> Taken:
        """What is read at finite weights."""
        at = kind(self.loss, weights)
        gradient = at.gradient
        if _is_power_of_four(len(known)) and at.value <= known[0]["full_loss"].to(weights):
            if self.eigenvalues:
                check_derivatives(self.loss.sample(SAMPLE))  # at times, unless the run diverges
            check_composition(self.loss)
        row = {"gradient_norm": gradient.double().norm(), "full_loss": at.value.double()}
        reading, effective = replace(not_finite(weights, 0), status="converged"), None
        if self.eigenpairs is not None:
            reading = self.eigenpairs.read(at, weights, gradient)
            row |= {"eigenvalue": reading.eigenvalues, "bound": reading.bounds}
            row["gradient_projection"] = gradient.double() @ reading.eigenvectors.double()
            row["overlooked"] = torch.tensor(reading.overlooked, dtype=torch.float64)
        if self.effective is not None and inverse is not None:
            effective = reading
            if (inverse != 1).any():
                effective = self.effective.read(Preconditioned(at, inverse), weights, inverse.sqrt() * gradient)
            row |= dict(zip(_EFFECTIVE, (effective.eigenvalues[0], effective.bounds[0]), strict=True))
        if critical_step:
            row |= critical.critical_row(at, known)
        return Taken(reading, effective, row | _cost(at))

    def _critical(self, weights: Tensor, known: Rows, kind: At) -> dict[str, Tensor]:
        """The critical step at finite weights, and its cost."""
        at = kind(self.loss, weights)
        return critical.critical_row(at, known) | _cost(at)

    def _together(self) -> AbstractContextManager[None]:
        """What fails on one rank fails on all of them."""
        return nullcontext() if self._ranks is None else self._ranks.together()

    def _check_mode(self) -> None:
        """Check the loss in a mode of the module, training or not, that it has not been in before."""
        if [*self.loss.trainable] != self._names:
            raise BadInput("other parameters require a gradient than when the tracker was made: make a new one")
        mode = tuple(part.training for _, part in self.loss.named_modules())
        if mode not in self._modes and check_evaluation(self.loss, self.optimizer, self.order):
            self._modes.add(mode)


def under(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a state holds under the name."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def _cost(at: GradientAt) -> dict[str, Tensor]:
    return {"evaluations": torch.tensor(float(at.evaluations), dtype=torch.float64)}


def _is_power_of_four(number: int) -> bool:
    return number.bit_count() == 1 and number.bit_length() % 2 == 1
