"""The algebraically largest eigenvalues of an operator that moves between readings, followed at few products each.

The first reading is the Krylov space of a random vector (`krylov`). Every other predicts the block of `count`
eigenvectors and a guard from past readings (`prediction`), takes the Ritz pairs of those asked for, and where the bound
on an eigenvalue (`certificate`) is above `relative` of it, extends the subspace by Davidson's correction (`model`)
until it is not (`pursuit`). The same correction, which costs no product, then improves the block that the next reading
starts from.

What the block has never seen is watched for (`vigilance`): now and then, and where something has changed, a reading
takes the guard's product too; or scouts, with the next vector that is known, a fresh vector, which is the sum of the
gradient, the newest change of the weights and a random vector, each of length 1 outside the block, and the correction
of what Ritz makes of them; or searches. What curves more than the rest grows in the scout until it ranks within the
block; then the older blocks that do not know it are forgotten. Only a search says with what probability a direction was
overlooked.

What rounding adds to a product is measured by one that is `repeated`, if a reading scouts, searches or begins again, or
where the operator has become less than `SMALLER` of what it was when that was measured; and at every reading where a
generous multiple of what was measured last is more than `IMMATERIAL` of the tolerance, as in float32 at 1e-6. Elsewhere
that multiple is in the bound.

An eigenvector is on the side of the one of the reading before that it goes on from, wherever its eigenvalue ranks; at
the first reading, and of one that goes on from none, the largest entry is positive (`numeric.networks.signs`).

Cost: `count` products a reading at least, half a one more in the mean where nothing changes, ten to twenty for a
search, and the gradient. A reading stops at `most_products`, at the floor of the arithmetic if that is above the
tolerance, or where the subspace has nothing to add: its status says so, and the bounds say what is known. A reading of
an operator that is not finite is NaN, leaves the blocks as they were, and is not an error: a run that diverges goes on
to its own end.

Memory: `vectors` of the length of the weights at most, see `memory`; what the operator needs for a product is its own.

Errors: `BadInput` for count < 1, guard < 0, relative outside (0, 0.1], too few vectors, or more eigenvalues than
dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.eigen.certificate import Rounding, measured_rounding
from numeric.networks.curvature.eigen.columns import turn
from numeric.networks.curvature.eigen.inner_products import LITTLE_LOST, gram, length, orthonormal, outside
from numeric.networks.curvature.eigen.krylov import Krylov, first_space, unlikely
from numeric.networks.curvature.eigen.memory import memory_of
from numeric.networks.curvature.eigen.model import CurvatureModel, correct
from numeric.networks.curvature.eigen.prediction import PastBlocks
from numeric.networks.curvature.eigen.pursuit import Guard, Pursuit
from numeric.networks.curvature.eigen.reading import Operator, Reading, not_finite
from numeric.networks.curvature.eigen.search import UNLIKELY
from numeric.networks.curvature.eigen.subspace import Residuals, Subspace
from numeric.networks.curvature.eigen.vigilance import PREDICTED, Vigilance
from numeric.networks.signs import onward, positive
from numeric.values import positive_number, whole_number

MOST_RELATIVE = 0.1  # beyond it, a bound does not tell an eigenvalue from the next
SMALLER = 0.5
IMMATERIAL = 0.1  # of the tolerance: what rounding may be without being measured again
RECURRENCE = 1e3  # machine precisions: where the tolerance is finer, images are products and not Lanczos' recurrence
BESIDE = 4  # vectors that a Krylov space needs beside its basis


class _Found(NamedTuple):
    """What is left of a reading without its subspace, before rounding; all tracked values, None if not finite."""

    products: int
    values: Tensor | None = None
    vectors: Tensor = torch.zeros(0, 0)
    lengths: Tensor = torch.zeros(0)
    bounds: Tensor = torch.zeros(0)
    overlooked: float = math.nan
    surely: bool = False  # is rounding to be measured


class TopEigenpairs:
    """The `count` largest eigenvalues, each within `relative` of itself, with so many `vectors` of memory."""

    def __init__(
        self,
        count: int = 1,
        guard: int = 1,
        relative: float = 1e-3,
        seed: int = 0,
        most_products: int = 400,
        vectors: int | None = None,
    ) -> None:
        if count < 1 or guard < 0:
            raise BadInput(f"{count} eigenvalues with {guard} guards: must be 1 or more, and 0 or more")
        positive_number("relative", relative, most=MOST_RELATIVE)
        whole_number("seed", seed, least=0)
        self.count, self.relative, self.seed = count, relative, seed
        self.most_products = most_products
        self.memory = memory_of(count, guard, vectors)
        self._past = PastBlocks(self.memory.past)
        self._told: Tensor | None = None  # the eigenvectors of the last reading in its block
        self._model: CurvatureModel | None = None
        self._vigilance = Vigilance()
        self._rounding = Rounding()
        self._generator = torch.Generator().manual_seed(seed)

    def read(self, operator: Operator, weights: Tensor, gradient: Tensor | None = None) -> Reading:
        """The top eigenpairs of the operator at these weights; the gradient there, if given, joins the scout."""
        if self.count > len(weights):
            raise BadInput(f"{self.count} eigenvalues of {len(weights)} parameters: ask for fewer")
        if not weights.isfinite().all():
            return not_finite(weights, self.count, 0, operator.evaluations)
        if self._model is not None and len(self._past):
            found = self._followed(operator, weights, gradient, self._model)
        else:
            found = self._first(operator, weights)
        if found.values is None:
            return not_finite(weights, self.count, found.products, operator.evaluations)
        values = found.values[: self.count]
        tolerance = self.relative * values.abs()
        slack = self._rounding.at(found.values, weights.dtype, measured=False)
        if found.surely or slack > IMMATERIAL * float(tolerance.min()):
            self._rounding = measured_rounding(found.values, *operator.repeated(found.vectors))
            slack = self._rounding.at(found.values, weights.dtype, measured=True)
        return Reading(
            eigenvalues=values,
            eigenvectors=found.vectors,
            residuals=found.lengths,
            bounds=found.bounds + slack,
            rounding=slack,
            overlooked=found.overlooked,
            products=found.products,
            evaluations=operator.evaluations,
            status=_status(found.bounds, slack, tolerance),
        )

    def _first(self, operator: Operator, weights: Tensor) -> _Found:
        """From a random vector."""
        tracked = min(self.memory.block, len(weights))
        krylov = Krylov(operator, lambda: self._random(weights), max(self.memory.peak - BESIDE, tracked + 1))
        first_space(krylov, self.count, tracked, self.relative, self.most_products)
        if not krylov.finite:
            return _Found(krylov.products)
        overlooked = 1.0 if self.count > 1 else unlikely(krylov, self.relative, self.most_products)
        values, vectors, ends = krylov.pairs(tracked + self.memory.beyond)
        self._model = model = CurvatureModel(weights, self.memory.beyond)
        model.know(vectors[tracked:], values[tracked:], float(values[0]))
        del vectors[tracked:]
        block = torch.stack(vectors).T
        vectors.clear()
        images = None
        if self.relative >= RECURRENCE * torch.finfo(weights.dtype).eps:
            images = block * values[:tracked].to(block)
            images.T.addr_(ends[:tracked].to(block), krylov.after)
        self._vigilance.notice(values.tolist(), self.count)
        subspace = Subspace(operator, block, self.memory.room)
        del block
        subspace.know(images)
        subspace.products += krylov.products
        del krylov, images
        pursuit = self._pursuit(subspace, model, None)
        pursuit.converge()
        pursuit.overlooked = overlooked
        if overlooked > UNLIKELY and not subspace.full:
            pursuit.search(lambda: self._repeatable(weights))
        return self._finished(pursuit, weights, measuring=True, surprised=True, strange=False)

    def _followed(self, operator: Operator, weights: Tensor, gradient: Tensor | None, model: CurvatureModel) -> _Found:
        """From the predicted block."""
        watch, past, nothing = self._vigilance, self._past, weights.new_zeros(len(weights), 0)
        coefficients = past.coefficients(weights)
        chance = float(torch.rand((), generator=self._generator, dtype=torch.float64))
        scouting = self.memory.beyond > 0 and self.memory.guards > 0 and watch.scouts(chance)
        guarding = self.memory.guards > 0 and (scouting or watch.guards())
        wanted = min(self.memory.block if guarding else self.count, len(weights))
        start = orthonormal(past.predict(coefficients, slice(wanted)), nothing)
        while start.shape[1] < wanted:  # the past blocks cancel
            start = torch.cat([start.T, orthonormal(self._random(weights)[:, None], start).T]).T
        subspace = Subspace(operator, start, self.memory.room)
        del start, nothing
        subspace.know()
        if subspace.finite and max(map(length, subspace.images.T)) < SMALLER * self._rounding.top:
            vectors = subspace.basis[:, : self.count]  # else the floor of a larger operator would end this reading
            self._rounding = measured_rounding(subspace.ritz(self.count).values, *operator.repeated(vectors))
        unguarded = self.memory.guards > 0 and wanted < len(past.order)
        guards = slice(wanted, None)
        pursuit = self._pursuit(subspace, model, partial(past.predict, coefficients, guards) if unguarded else None)
        if scouting and subspace.finite:
            pursuit.scout(model.vectors[:, :1], self._fresh(subspace.basis, weights, gradient))
        elif subspace.finite and watch.moved(float(subspace.ritz(1).values[0])):
            pursuit.take_guard()
        pursuit.converge()
        if pursuit.pairs is None:
            return _Found(subspace.products)
        top, kept = float(pursuit.pairs.values[0]), subspace.kept(pursuit.pairs)
        again = watch.begins_again(top, kept)
        if subspace.full:
            pursuit.overlooked = 0.0
        elif watch.searches(top, kept, blind=not self.memory.guards or not self.memory.beyond):
            pursuit.search(lambda: self._repeatable(weights))
        elif again:
            pursuit.residuals = None
            pursuit.take_guard()
            subspace.restart(subspace.ritz(pursuit.tracked))
            pursuit.scout(model.vectors[:, :1], self._fresh(subspace.basis, weights, gradient))
            pursuit.converge()
        searched = not math.isnan(pursuit.overlooked)
        return self._finished(
            pursuit, weights, measuring=scouting or again or searched, surprised=again, strange=kept < PREDICTED
        )

    def _pursuit(self, subspace: Subspace, model: CurvatureModel, guard: Guard | None) -> Pursuit:
        return Pursuit(
            subspace, self.count, self.relative, self.most_products, model, self._vigilance, self._rounding, guard
        )

    def _finished(
        self, pursuit: Pursuit, weights: Tensor, *, measuring: bool, surprised: bool, strange: bool
    ) -> _Found:
        """What was found, and what is remembered of it."""
        subspace, pairs, residuals = pursuit.subspace, pursuit.pairs, pursuit.residuals
        if pairs is None or residuals is None:
            return _Found(subspace.products)
        guarded, lengths = pursuit.guard is None, residuals.lengths[: self.count]
        known = [*pairs.values.tolist(), *pursuit.beyond]
        subspace.restart(subspace.ritz(subspace.size if guarded else pursuit.tracked))
        if guarded:
            pursuit.model.learn(subspace, pursuit.tracked)
        pursuit.residuals = None
        vectors = subspace.basis[:, : self.count]
        before = None if self._told is None else self._told.T @ gram(self._past.blocks[0], vectors)
        if strange:  # what the past blocks do not know they would predict away
            self._past.forget_strangers(subspace.basis[:, : pursuit.tracked])
        self._remember(pursuit, weights, pairs.values, residuals)
        del residuals
        vectors = vectors.T.clone().T
        vectors.mul_(positive(vectors) if before is None else onward(vectors, before))
        self._told = gram(self._past.blocks[0], vectors)
        searched = None if math.isnan(pursuit.overlooked) else pursuit.overlooked
        self._vigilance.learn(known, self.count, guarded=guarded, searched=searched, surprised=surprised)
        return _Found(
            subspace.products, pairs.values, vectors, lengths, pursuit.bounds, pursuit.overlooked, surely=measuring
        )

    def _remember(self, pursuit: Pursuit, weights: Tensor, values: Tensor, residuals: Residuals) -> None:
        """The block, each vector improved by its correction, as what the next reading starts from."""
        found = pursuit.subspace.basis[:, : pursuit.tracked]
        improved = correct(residuals.vectors, values, pursuit.known(values)).mul_(residuals.scale).add_(found)
        if pursuit.guard is not None:
            block = improved.new_empty(len(self._past.order), len(improved)).T
            pursuit.guard(block[:, pursuit.tracked :])
            block[:, : pursuit.tracked] = improved
            improved = block
        squares, directions = torch.linalg.eigh(gram(improved, improved))
        if bool((squares > LITTLE_LOST).all()):  # the nearest orthonormal block
            turn([improved.T], [directions / squares.sqrt() @ directions.T], improved.T)
        else:
            improved = orthonormal(improved, improved[:, :0])
        self._past.add(weights, improved)

    def _fresh(self, block: Tensor, weights: Tensor, gradient: Tensor | None) -> Tensor:
        """The gradient, the newest change of the weights and a random vector, each of length 1 outside the block."""
        fresh = torch.zeros_like(weights)
        for make in (self._random, lambda at: at - self._past.weights[0], lambda at: gradient):
            made = make(weights)
            if made is not None:
                vector = made.to(weights, copy=made is gradient)
                outside(vector, block)
                size = length(vector)
                if 0 < size < math.inf:
                    fresh.add_(vector.div_(size))
            made = vector = None
        return fresh[:, None]

    def _repeatable(self, weights: Tensor) -> Callable[[], Tensor]:
        """A random vector that can be had again."""
        seed = int(torch.randint(2**62, (), generator=self._generator))
        return lambda: torch.randn(len(weights), generator=torch.Generator().manual_seed(seed), dtype=weights.dtype).to(
            weights
        )

    def _random(self, weights: Tensor) -> Tensor:
        return torch.randn(len(weights), generator=self._generator, dtype=weights.dtype).to(weights)

    def state(self) -> dict[str, Tensor | int]:
        """Everything that the next reading depends on, tensors and numbers by name; blocks with a vector a row."""
        state: dict[str, Tensor | int] = {"generator": self._generator.get_state()}
        state["rounding"] = torch.tensor([self._rounding.error, self._rounding.top], dtype=torch.float64)
        state["vigilance"] = torch.tensor(self._vigilance.numbers(), dtype=torch.float64)
        if self._model is not None:
            state |= self._model.state()
        if self._told is not None:
            state["told"] = self._told
        return state | self._past.state()

    def restore(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from a state, to the same bits."""
        tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
        self._generator.set_state(tensors["generator"].cpu())
        self._rounding = Rounding(*tensors["rounding"].tolist())
        self._vigilance = Vigilance.of(tensors["vigilance"].tolist())
        self._past.restore(tensors)
        self._told = tensors.get("told")
        self._model = None
        if "model_vectors" in tensors:
            self._model = CurvatureModel(tensors["weights_0"], self.memory.beyond)
            self._model.restore(tensors)


def _status(found: Tensor, slack: float, tolerance: Tensor) -> str:
    """What became of a reading, see `Reading`."""
    if bool((found + slack <= tolerance).all()):
        return "converged"
    return "rounding" if bool((slack > tolerance).any()) else "unfinished"
