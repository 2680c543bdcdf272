"""What the races come to: what reaching a loss costs, and which of several settings is best in hindsight.

The cost of a share c of the loss at the start is the number of evaluations after which a loss of c L₀ or less is first
known. A run that does not reach it costs more than its budget: where costs are averaged or divided, it counts as the
budget, and how many do is said. That flatters whoever misses it: nobody is found cheaper who does, nor dearer than
somebody who does. The best setting of a kind in hindsight is the one whose mean cost over the starts is least.

Shapes: races have (network, seed, contestant, evaluations); a cost (seed,).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from analysis.adaptive_step.races import CONTESTANTS, Course
from analysis.study import Evidence
from analysis.training.estimate import mean, within
from eos_sym import Undecided
from numeric.compile import Array


@dataclass(frozen=True)
class Field:
    """All races of one network."""

    course: Course
    races: xr.Dataset

    def cost(self, contestant: str, share: float) -> Array:
        """Evaluations to this share of the loss at the start, (seed,); infinite where it is not reached."""
        return self._first(contestant, share, self.races.evaluations.values)

    def steps(self, contestant: str, share: float) -> Array:
        """Steps to it."""
        return self._first(contestant, share, self._of(contestant, "step"))

    def counted(self, contestant: str, share: float) -> Array:
        """The costs, with the budget where it is not reached."""
        return np.minimum(self.cost(contestant, share), self.budget)

    @cached_property
    def budget(self) -> int:
        """What was spent by each."""
        return int(self.races.loss.notnull().sum("evaluations").max())

    def best(self, kind: str, share: float) -> str:
        """The contestant of a kind that is best in hindsight."""
        return min(of_kind(kind), key=lambda name: float(self.counted(name, share).mean()))

    def _first(self, contestant: str, share: float, of: Array) -> Array:
        """Of a number for every evaluation, ([seed,] evaluations), the one at which the share is reached; (seed,)."""
        loss = self._of(contestant, "loss")
        there = loss <= share * loss[:, :1]
        found = np.take_along_axis(np.broadcast_to(of, loss.shape), there.argmax(1, keepdims=True), 1)[:, 0]
        return np.where(there.any(1), found, math.inf)

    def _of(self, contestant: str, name: str) -> Array:
        recorded = self.races[name].sel(contestant=contestant).transpose("seed", "evaluations")
        return np.asarray(recorded.values, dtype=float)


def of_kind(kind: str) -> list[str]:
    """The contestants of a kind."""
    return [one.name for one in CONTESTANTS.values() if one.kind == kind]


def quotient(
    field: Field, one: str, other: str, of: Callable[[Field, str], Array], what: str, unreached: str = ""
) -> Evidence:
    """Whether a quantity of one contestant is less than that of another: the mean over the starts of the quotient."""
    words = f"{what}, {CONTESTANTS[one].words} over {CONTESTANTS[other].words}, {field.course.words}{unreached}"
    values, others = of(field, one), of(field, other)
    if not np.isfinite([values, others]).all():
        raise Undecided(f"{words}: some start has none")
    return within(words, mean(list(values / others)), 0, 1)


def cheaper(field: Field, one: str, other: str) -> Evidence:
    """Whether one reaches the far loss with fewer evaluations than another, all costs counted."""
    missing = {who: int(np.isinf(field.cost(who, field.course.far)).sum()) for who in (one, other)}
    unreached = "".join(
        f"; {many} of {len(field.races.seed)} do not reach it, {CONTESTANTS[who].words}, and count as the budget"
        for who, many in missing.items()
        if many
    )
    what = f"evaluations to {field.course.far:.3g} of the loss"
    found = quotient(field, one, other, lambda at, who: at.counted(who, at.course.far), what, unreached)
    at_least, at_most = missing[one] > 0, missing[other] > 0  # what the quotient is a bound of
    undecidable = (at_least and found.status == "supported") or (at_most and found.status == "refuted")
    return replace(found, status="undecided") if undecidable else found


def diverging(fields: Sequence[Field], names: Sequence[str]) -> tuple[int, int]:
    """How many runs of these contestants diverge, of how many."""
    diverged = [field.races.diverged.sel(contestant=[*names]) for field in fields]
    return int(sum(float(one.sum()) for one in diverged)), sum(one.size for one in diverged)
