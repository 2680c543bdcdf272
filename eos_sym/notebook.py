"""How the objects of the theory print in a notebook: as aligned equations in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Basic, Float, latex

SHOWN_DIGITS = 8  # of floats


def shown(expression: Basic) -> str:
    """The expression in LaTeX, its floats to a few digits."""
    rounded = {number: Float(number, SHOWN_DIGITS) for number in expression.atoms(Float)}
    return str(latex(expression.xreplace(rounded)))


def aligned(rows: Iterable[tuple[str | Basic, str, str | Basic]]) -> str:
    """Rows of left side, relation and right side, each LaTeX or an expression, under each other."""
    texts = ((side if isinstance(side, str) else shown(side) for side in row) for row in rows)
    lines = r" \\ ".join(f"{left} &{relation} {right}" for left, relation, right in texts)
    return rf"$$\begin{{aligned}} {lines} \end{{aligned}}$$"
