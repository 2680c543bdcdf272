"""The methods for finding minima, one after the other; see the face of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Symbol, simplify

from eos_sym.algebra import has_kinks
from eos_sym.errors import Undecided
from eos_sym.losses.domain import domain_of
from eos_sym.losses.minima.critical import minima_by_critical_points
from eos_sym.losses.minima.kinks import minima_with_kinks
from eos_sym.losses.minima.pieces import Minima, Piece
from eos_sym.losses.minima.squares import zeros_of_terms
from eos_sym.losses.minima.wells import level_of_polynomial, monotone_of


def global_minima(loss: Expr, weights: Sequence[Symbol]) -> Minima:
    """The set on which the loss attains its least value over all weights, or its local minima if none is known."""
    try:
        return _found(loss, weights)
    except Undecided as reason:
        raise Undecided(f"the minima: {reason}") from reason


def _found(loss: Expr, weights: Sequence[Symbol]) -> Minima:
    if has_kinks(loss):
        return minima_with_kinks(loss, weights)
    domain = domain_of(loss, weights)
    reasons = []
    for method in () if domain else (zeros_of_terms, level_of_polynomial):  # which presume that it is everything
        try:
            found, value = method(loss, weights)
        except Undecided as reason:
            reasons.append(str(reason))
            continue
        if found:
            return Minima(tuple(Piece(zero.equations, zero.chart, zero.free, value, zero.error) for zero in found))
    inner = None if domain else monotone_of(loss, weights)
    if inner is not None:
        minima = _found(inner, weights)
        pieces = (replace(piece, value=simplify(loss.subs(piece.chart))) for piece in minima.pieces)
        return replace(minima, pieces=tuple(pieces))
    try:
        return minima_by_critical_points(loss, weights, domain)
    except Undecided as reason:
        reasons.append(str(reason))
    raise Undecided("; ".join(dict.fromkeys(reasons)))
