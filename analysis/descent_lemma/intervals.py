"""The local descent lemma step by step in interval arithmetic.

At the floats of an iterate θ, taken as exact, g and c(s) are enclosed on BOXES pieces of the segment. Where the largest
upper bound of c is below 2/η, the lemma proves that the loss falls in this step; that it does is then read off
enclosures of L(θ) and L(θ − ηg), which know nothing of the lemma.

The enclosures are mpmath's, through `eos_sym.algebra.evaluate`, with DIGITS digits.
"""

from __future__ import annotations

from functools import cache

import xarray as xr
from mpmath import iv
from sympy import Expr, Rational, Symbol

from analysis.descent_lemma.catalogue import CATALOGUE_STEP_SIZE, LOSS
from analysis.descent_lemma.segments import resolved
from analysis.descent_lemma.theory import SEGMENT, curvature_along
from analysis.study import Evidence
from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.algebra import Evaluator, evaluator, interval_digits

BOXES = 12
DIGITS = 30
STEP = Rational(str(CATALOGUE_STEP_SIZE))


def certified_falls(along: xr.Dataset) -> Evidence:
    """The evidence of all steps of runs on the catalogue's loss in which the lemma promises descent with certainty."""
    quantity = "steps in which the loss falls, of those with S̄ < 2/η for certain"
    wanted = (along.largest < 2 / along.eta) & resolved(along)
    points = along.trajectory.transpose("start", "iteration", "state").values
    with interval_digits(DIGITS):
        steps = [certain(point) for point in points[wanted.transpose("start", "iteration").values].tolist()]
    falls = [falls for promised, falls in steps if promised]
    if not falls:
        return Evidence("interval", quantity, "undecided", "some step with S̄ < 2/η for certain", "none")
    expected, observed = (f"{count} falls in {len(falls)} steps" for count in (len(falls), sum(falls)))
    return Evidence("interval", quantity, "proved" if all(falls) else "undecided", expected, observed)


def certain(weights: list[float]) -> tuple[bool, bool]:
    """Whether S̄ < 2/η for certain in the step from these weights, and whether L(θ⁺) < L(θ) for certain."""
    before, after, squared = losses()(weights)
    pieces = [iv.mpf([index, index + 1]) / BOXES for index in range(BOXES)]
    largest = max(curvature()([*weights, piece])[0].b for piece in pieces)
    edge = 2 / (iv.mpf(STEP.p) / STEP.q) * squared
    return bool(largest < edge.a), bool(after.b < before.a)


@cache
def losses() -> Evaluator:
    """L(θ), L(θ − ηg) and ‖g‖², of the weights."""
    moved = GradientDescent().map(LOSS).after(LOSS.loss)
    return enclosures([LOSS.loss, moved, (LOSS.gradient.T * LOSS.gradient)[0]])


@cache
def curvature() -> Evaluator:
    """gᵀ∇²L(θ − sηg)g, of the weights and s."""
    return enclosures([curvature_along(LOSS)], SEGMENT)


def enclosures(expressions: list[Expr], *further: Symbol) -> Evaluator:
    """The expressions in intervals, as functions of the weights and what there is further."""
    return evaluator([part.subs(STEP_SIZE, STEP) for part in expressions], (*LOSS.weights, *further), iv)
