"""The algebraically largest eigenvalues of an operator that moves between readings, followed at few products each.

A reading predicts the block of `count` tracked and `guard` guarding eigenvectors from past readings (`prediction`),
takes its Ritz pairs, and where the bound on an eigenvalue (`certificate`) is above `relative` of it, extends the
subspace by Davidson's correction (`model`) until it is not. The same correction, which costs no product, then improves
the block that the next reading starts from; so the guards converge although no reading waits for them.

Directions the block has never seen: every `SCOUTED`-th reading takes three products more, of a scout, of a fresh
vector, and of the Davidson correction of what Ritz makes of them. The scout is the next Ritz vector after the block;
the fresh vector the sum of the gradient, the newest change of the weights and a random vector, each of length 1 outside
the block. What curves more than the rest grows in the scout until it ranks within the block; then the older blocks that
do not know it are forgotten. In 1000 dimensions, a direction of curvature 12 beside 9, 8 and a bulk up to 5 is found at
the next scout if it rules the gradient, and by the random share alone within 20 readings in 6 of 12 trials, within 33
in all.

A reading whose block is not the predicted one, or whose largest value has moved by more than `STEADY` of itself, begins
again: from the scout, a fresh vector and residuals.

The first reading and every `SEARCHED`-th search all directions from a random vector (`search`), and go on until
nothing is found; every `SEARCHED_IN_MOTION`-th does if it has to begin again, and any whose largest value has moved by
more than `JUMP`. Only these say with what probability a direction was overlooked.

What rounding adds to a product is measured by one that is `repeated`, if a reading scouts, searches or begins again;
and at every reading where a generous multiple of what was measured last is more than `IMMATERIAL` of the tolerance, as
in float32 at 1e-6. Elsewhere that multiple is in the bound.

An eigenvector is on the side of the one of the reading before that it goes on from, wherever its eigenvalue ranks; at
the first reading, and of one that goes on from none, the largest entry is positive (`numeric.networks.signs`).

Cost: count + guard products a reading at least, three quarters of one more in the mean to scout, ten to twenty for a
search, and the gradient. A reading stops at `most_products`, at the floor of the arithmetic if that is above the
tolerance, or where the subspace has nothing to add: its status says so, and the bounds say what is known. A reading of
an operator that is not finite is NaN, leaves the blocks as they were, and is not an error: a run that diverges goes on
to its own end.

Errors: `BadInput` for count < 1, guard < 0, relative outside (0, 0.1], or more eigenvalues than dimensions. `guard=0`
is for measuring what a guard is worth: its bounds are ‖r‖ alone, since without it there is no gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.eigen.certificate import Rounding, bounds, measured_rounding
from numeric.networks.curvature.eigen.inner_products import gram, orthonormal, overlap, unit
from numeric.networks.curvature.eigen.model import CurvatureModel
from numeric.networks.curvature.eigen.prediction import PastBlocks
from numeric.networks.curvature.eigen.reading import Operator, Reading, not_finite
from numeric.networks.curvature.eigen.search import search
from numeric.networks.curvature.eigen.subspace import RitzPairs, Subspace
from numeric.networks.signs import onward, positive
from numeric.values import positive_number, whole_number

MOST_RELATIVE = 0.1  # beyond it, a bound does not tell an eigenvalue from the next
SCOUTED = 4
SEARCHED = 64
SEARCHED_IN_MOTION = 16
STEADY = 0.1  # change of the largest value between readings, relative to it, above which all may have changed
IMMATERIAL = 0.1  # of the tolerance: what rounding may be without being measured again
JUMP = 0.5  # the same, above which the block may be about something else
PREDICTED = 0.95  # overlap of a predicted block with the one found, below which a newcomer may have entered
LARGEST_SUBSPACE = 40  # then the best half goes on
REMEMBERED = 8  # Ritz pairs of the model beyond the block


class TopEigenpairs:
    """The `count` largest eigenvalues, each within `relative` of itself."""

    def __init__(
        self, count: int = 1, guard: int = 1, relative: float = 1e-3, seed: int = 0, most_products: int = 400
    ) -> None:
        if count < 1 or guard < 0:
            raise BadInput(f"{count} eigenvalues with {guard} guards: must be 1 or more, and 0 or more")
        positive_number("relative", relative, most=MOST_RELATIVE)
        whole_number("seed", seed, least=0)
        self.count, self.guard, self.relative, self.seed = count, guard, relative, seed
        self.most_products = most_products
        self._past = PastBlocks()
        self._told: Tensor | None = None  # the eigenvectors of the last reading in its block
        self._model: CurvatureModel | None = None
        self._scout: Tensor | None = None
        self._readings = 0
        self._unsearched = 0  # readings since the last search
        self._rounding = Rounding()
        self._generator = torch.Generator().manual_seed(seed)

    def read(self, operator: Operator, weights: Tensor, gradient: Tensor | None = None) -> Reading:
        """The top eigenpairs of the operator at these weights; the gradient there, if given, joins the scout."""
        if self.count > len(weights):
            raise BadInput(f"{self.count} eigenvalues of {len(weights)} parameters: ask for fewer")
        if not weights.isfinite().all():
            return not_finite(weights, self.count, 0, operator.evaluations)
        first = not len(self._past)
        tracked = min(self.count + self.guard, len(weights))
        block = self._random(weights, tracked) if first else self._past.predict(weights)
        start = orthonormal(block, block[:, :0])
        if start.shape[1] < tracked:  # the past blocks cancel
            start = torch.cat([start, orthonormal(self._random(weights, tracked - start.shape[1]), start)], 1)
        scouting = not first and self._readings % SCOUTED == 0
        if scouting:
            start = torch.cat([start, orthonormal(self._scouting(start, weights, gradient), start)], 1)
        subspace = Subspace(operator, start)
        if scouting and subspace.finite:
            subspace.extend(self._beyond(subspace, tracked))
        pairs, found = self._converge(subspace, tracked, everything=first)
        overlooked, measuring = math.nan, first or scouting
        if pairs is not None and subspace.size == len(weights):
            overlooked = 0.0
        elif pairs is not None:
            patience = 0 if first else self._patience(pairs, start[:, :tracked])
            measuring |= patience < SEARCHED
            if self._unsearched >= patience:
                pairs, found, overlooked = self._searched(subspace, pairs, tracked)
                self._unsearched = 0
            elif patience < SEARCHED:
                subspace.extend(self._scouting(subspace.basis, weights, gradient))
                subspace.extend(subspace.ritz(tracked + 1).residuals)
                pairs, found = self._converge(subspace, tracked, everything=True)
        if pairs is None:
            return not_finite(weights, self.count, subspace.products, operator.evaluations)
        tolerance = self.relative * pairs.values[: self.count].abs()
        slack = self._rounding.at(pairs.values, weights.dtype, measured=False)
        if measuring or not math.isnan(overlooked) or slack > IMMATERIAL * float(tolerance.min()):
            self._rounding = measured_rounding(pairs.values, *operator.repeated(pairs.vectors[:, : self.count]))
            slack = self._rounding.at(pairs.values, weights.dtype, measured=True)
        vectors = self._signed(pairs.vectors[:, : self.count])
        self._learn(subspace, pairs, weights, start[:, :tracked], scouted=first or scouting)
        self._told = gram(self._past.blocks[0], vectors)
        return Reading(
            eigenvalues=pairs.values[: self.count],
            eigenvectors=vectors,
            residuals=pairs.lengths[: self.count],
            bounds=found + slack,
            rounding=slack,
            overlooked=overlooked,
            products=subspace.products,
            evaluations=operator.evaluations,
            status=_status(found, slack, tolerance),
        )

    def _signed(self, vectors: Tensor) -> Tensor:
        """The eigenvectors on the side of those of the last reading that they go on from."""
        if self._told is None:
            return vectors * positive(vectors)
        return vectors * onward(vectors, self._told.T @ gram(self._past.blocks[0], vectors))

    def _searched(self, subspace: Subspace, pairs: RitzPairs, tracked: int) -> tuple[RitzPairs | None, Tensor, float]:
        """Search outside the block, and inside the one that comes of a find, until nothing is found."""
        found = torch.full((self.count,), torch.nan, dtype=torch.float64)
        current: RitzPairs | None = pairs
        overlooked: float | None = None
        while current is not None and overlooked is None and subspace.products < self.most_products:
            subspace.restart(subspace.ritz(tracked))
            last = float(current.values[self.count - 1])
            overlooked = search(subspace, self._random(current.vectors, 1), last + self.relative * abs(last))
            current, found = self._converge(subspace, tracked, everything=False)
        return current, found, 1.0 if overlooked is None else overlooked

    def _patience(self, pairs: RitzPairs, predicted: Tensor) -> int:
        """How many readings there may be from one search to the next, after what this one has found."""
        then = float(self._model.values[0]) if self._model is not None else 0.0
        moved = abs(float(pairs.values[0]) - then)
        if moved > JUMP * abs(then):
            return 0
        if moved > STEADY * abs(then) or overlap(pairs.vectors, predicted) < PREDICTED:
            return SEARCHED_IN_MOTION
        return SEARCHED

    def _converge(self, subspace: Subspace, tracked: int, *, everything: bool) -> tuple[RitzPairs | None, Tensor]:
        """Extend the subspace until the bounds are met; by the whole block at once while nothing is known."""
        found = torch.full((self.count,), torch.nan, dtype=torch.float64)
        while True:
            if not subspace.finite:
                return None, found
            pairs = subspace.ritz(tracked)
            found = pairs.scale * bounds(pairs.values / pairs.scale, pairs.squares, self.count)
            slack = self._rounding.at(pairs.values, pairs.vectors.dtype, measured=True)
            tolerance = self.relative * pairs.values[: self.count].abs()
            shortfall = found / (tolerance - slack).clamp_min(tolerance / 4)  # rounding's part is already spent
            lengths = pairs.lengths
            at_floor = bool((lengths[: self.count] <= slack).all())
            enough = bool((shortfall <= 1).all()) or at_floor or subspace.products >= self.most_products
            if enough or subspace.size >= len(subspace.basis):
                return pairs, found
            if subspace.size + tracked > max(LARGEST_SUBSPACE, 4 * tracked):
                subspace.restart(subspace.ritz(max(LARGEST_SUBSPACE // 2, 2 * tracked)))
            worst = int(shortfall.argmax())
            guards = lengths[worst + 1 :]
            if len(guards) and guards.max() > lengths[worst] and guards.max() > pairs.values[worst] - pairs.values[-1]:
                worst += 1 + int(guards.argmax())  # it is the guard that leaves no gap
            chosen = slice(None) if everything else slice(worst, worst + 1)
            correction = self._model_now(pairs).correction(pairs.residuals[:, chosen], pairs.values[chosen])
            if not subspace.extend(correction) and not subspace.extend(pairs.residuals):
                return pairs, found

    def _model_now(self, pairs: RitzPairs) -> CurvatureModel:
        """The model as it is to be at this reading."""
        if self._model is None:
            return CurvatureModel(pairs.vectors[:, :0], pairs.values[:0])
        return self._model.drifted(float(pairs.values[0]))

    def _learn(
        self, subspace: Subspace, pairs: RitzPairs, weights: Tensor, predicted: Tensor, *, scouted: bool
    ) -> None:
        """Remember the improved block, the model, and where the scout goes next."""
        model = self._model_now(pairs)
        improved = pairs.vectors + model.correction(pairs.residuals, pairs.values)
        if overlap(pairs.vectors, predicted) < PREDICTED:
            self._past.forget_strangers(pairs.vectors)  # they would predict a newcomer away
        kept = orthonormal(improved, improved[:, :0])
        self._past.add(weights, kept if kept.shape == improved.shape else pairs.vectors)
        self._model = model.updated(subspace.basis, subspace.images, subspace.projected, REMEMBERED + len(pairs.values))
        if scouted:
            self._scout = self._beyond(subspace, len(pairs.values))
        self._readings += 1
        self._unsearched += 1

    def _beyond(self, subspace: Subspace, tracked: int) -> Tensor:
        """The next Ritz vector after the block, improved; (p, 0) in a space no larger than the block."""
        more = subspace.ritz(tracked + 1)
        after = slice(tracked, None)
        return more.vectors[:, after] + self._model_now(more).correction(more.residuals[:, after], more.values[after])

    def _scouting(self, block: Tensor, weights: Tensor, gradient: Tensor | None) -> Tensor:
        """The scout and a fresh vector, (p, 2); before there is a scout, that alone."""
        fresh = [self._random(weights, 1), (weights - self._past.weights[0])[:, None]]
        if gradient is not None:
            fresh.append(gradient[:, None].to(block))
        outside = torch.stack([unit(vector - block @ (block.T @ vector)) for vector in fresh]).sum(0)
        if self._scout is None or not self._scout.shape[1]:
            return outside
        return torch.cat([self._scout, outside], 1)

    def _random(self, weights: Tensor, columns: int) -> Tensor:
        numbers = torch.randn(len(weights), columns, generator=self._generator, dtype=torch.float64)
        return numbers.to(weights)

    def state(self) -> dict[str, Tensor | int]:
        """Everything that the next reading depends on, tensors and numbers by name; blocks with a vector a row."""
        state: dict[str, Tensor | int] = {"readings": self._readings, "generator": self._generator.get_state()}
        state["unsearched"] = self._unsearched
        state["rounding"] = torch.tensor([self._rounding.error, self._rounding.top], dtype=torch.float64)
        if self._model is not None:
            state |= {"model_vectors": self._model.vectors.T.contiguous(), "model_values": self._model.values}
        if self._scout is not None:
            state["scout"] = self._scout.T.contiguous()
        if self._told is not None:
            state["told"] = self._told
        return state | self._past.state()

    def restore(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from a state, to the same bits."""
        tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
        self._readings, self._unsearched = int(state["readings"]), int(state["unsearched"])
        self._generator.set_state(tensors["generator"].cpu())
        self._rounding = Rounding(*tensors["rounding"].tolist())
        self._model = (
            CurvatureModel(tensors["model_vectors"].T, tensors["model_values"]) if "model_values" in tensors else None
        )
        self._scout = tensors["scout"].T if "scout" in tensors else None
        self._told = tensors.get("told")
        self._past.restore(tensors)


def _status(found: Tensor, slack: float, tolerance: Tensor) -> str:
    """What became of a reading, see `Reading`."""
    if bool((found + slack <= tolerance).all()):
        return "converged"
    return "rounding" if bool((slack > tolerance).any()) else "unfinished"
