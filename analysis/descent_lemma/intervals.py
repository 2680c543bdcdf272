"""The local descent lemma step by step in interval arithmetic.

At the floats of an iterate θ, taken as exact, g and c(s) are enclosed on BOXES pieces of the segment. Where the largest
upper bound of c is below 2/η, the lemma proves that the loss falls in this step; that it does is then read off
enclosures of L(θ) and L(θ − ηg), which know nothing of the lemma.

The enclosures are mpmath's, through `eos_sym.algebra.evaluate`, with DIGITS digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr
from mpmath import iv
from sympy import Rational

from analysis.claim import Evidence
from analysis.descent_lemma.experiments import CATALOGUE_STEP_SIZE, Catalogue
from analysis.descent_lemma.segments import resolved
from analysis.descent_lemma.theory import SEGMENT, curvature_along
from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.algebra import Evaluator, evaluator

BOXES = 12
DIGITS = 30
STEP = Rational(str(CATALOGUE_STEP_SIZE))


@dataclass(frozen=True)
class Certificate:
    """Enclosures of the loss and of the curvature along a step of the catalogue's loss."""

    catalogue: Catalogue

    @cached_property
    def losses(self) -> Evaluator:
        """L(θ), L(θ − ηg) and ‖g‖², of the weights."""
        objective = self.catalogue.objective
        moved = GradientDescent().map(objective).after(objective.loss)
        squared = (objective.gradient.T * objective.gradient)[0]
        return self._enclosures([objective.loss, moved, squared])

    @cached_property
    def curvature(self) -> Evaluator:
        """gᵀ∇²L(θ − sηg)g, of the weights and s."""
        return self._enclosures([curvature_along(self.catalogue.objective)], SEGMENT)

    def _enclosures(self, expressions: list[Any], *further: Any) -> Evaluator:
        return evaluator(
            [part.subs(STEP_SIZE, STEP) for part in expressions], (*self.catalogue.objective.weights, *further), iv
        )

    def certify(self, along: xr.Dataset) -> Evidence:
        """The evidence of all steps in which the lemma promises descent with certainty."""
        wanted = (along.largest < 2 / along.eta) & resolved(along)
        points = along.trajectory.transpose("start", "iteration", "state").values
        chosen = points[wanted.transpose("start", "iteration").values].tolist()
        digits, iv.dps = iv.dps, DIGITS
        try:
            steps = [self._step(weights) for weights in chosen]
        finally:
            iv.dps = digits
        promised = [falls for certain, falls in steps if certain]
        if not promised:
            return Evidence("interval", "undecided", "some step with S̄ < 2/η for certain", "none")
        expected, observed = (f"{falls} falls in {len(promised)} steps" for falls in (len(promised), sum(promised)))
        return Evidence("interval", "proved" if all(promised) else "undecided", expected, observed)

    def _step(self, weights: list[float]) -> tuple[bool, bool]:
        """Whether S̄ < 2/η for certain, and whether L(θ⁺) < L(θ) for certain."""
        before, after, squared = self.losses(weights)
        pieces = [iv.mpf([index, index + 1]) / BOXES for index in range(BOXES)]
        largest = max(self.curvature([*weights, piece])[0].b for piece in pieces)
        edge = 2 / (iv.mpf(STEP.p) / STEP.q) * squared
        return bool(largest < edge.a), bool(after.b < before.a)
