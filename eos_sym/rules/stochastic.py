"""Stochastic gradient descent over a finite family of losses: one map for every batch.

    L = (1/n) Σ Lᵢ,    θ' = θ − (η/B) Σ_{i ∈ batch} ∇Lᵢ,    the batch drawn anew at every step: B of n, no one twice

Its stability, in mean square and almost surely, is `eos_sym.stability.stochastic`.

Errors: `BadInput` for a batch size not between 1 and n.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from sympy import Integer

from eos_sym.algebra import derivative
from eos_sym.errors import BadInput
from eos_sym.losses import LossFamily
from eos_sym.rules.map import Map
from eos_sym.rules.rule import STEP_SIZE


@dataclass(frozen=True)
class StochasticGradientDescent:
    """θ' = θ − (η/B) Σ_{i ∈ batch} ∇Lᵢ with batches of B = `batch_size` examples."""

    batch_size: int

    def maps(self, family: LossFamily) -> tuple[Map, ...]:
        """One map for every batch, all of them equally likely."""
        parameters = (*family.parameters, STEP_SIZE)
        maps = []
        for batch in self.batches(family):
            loss = sum((family.pieces[index] for index in batch), Integer(0)) / self.batch_size
            step = tuple(weight - STEP_SIZE * derivative(loss, weight) for weight in family.weights)
            maps.append(Map(family.weights, parameters, step))
        return tuple(maps)

    def batches(self, family: LossFamily) -> list[tuple[int, ...]]:
        """All sets of `batch_size` examples."""
        examples = len(family.losses)
        if not 1 <= self.batch_size <= examples:
            raise BadInput(f"batch_size = {self.batch_size}: must be between 1 and {examples}, the number of losses")
        return list(combinations(range(examples), self.batch_size))
