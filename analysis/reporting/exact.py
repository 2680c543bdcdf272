r"""Exact results as a study's document has them, as text that `eos_sym.parse` reads, as LaTeX.

    2/eta - eta/2                        \frac{2}{\eta } - \frac{\eta }{2}
    [["0", "1"], ["1", "0"]]             a matrix
    self_stabilizing, 3 of 4 runs        no mathematics: None, and shown as they are

A text is a formula if all of it is read, and its names are letters, perhaps Greek and with an index; names in words
may be in what is plainly a product or a root, and are set as words. Several formulas may be divided by commas.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Basic, Expr, ImmutableMatrix, Symbol
from sympy.core.alphabets import greeks

from analysis.study.mathematics import latex
from eos_sym import parse
from eos_sym.errors import BadInput
from eos_sym.reading import FUNCTIONS, names_in

LONGEST = 2000  # characters, as long a text as `parse` reads
NAME = re.compile(rf"({'|'.join(map(re.escape, greeks))}|[A-Za-z])(\d{{1,3}}|_\w{{1,8}})?", re.ASCII)


@dataclass(frozen=True)
class Formula:
    """Mathematics: its LaTeX, and the text that a program reads."""

    latex: str
    text: str


Shown = Formula | str


@cache
def formulas(text: str) -> tuple[Formula, ...]:
    """The formulas, divided by commas, that a text consists of; none if it is something else."""
    pieces = _divided(text)
    found = [_expression(piece) for piece in pieces]
    if any(one is None for one in found):
        return ()
    return tuple(Formula(_latex(one), piece) for one, piece in zip(found, pieces, strict=True) if one is not None)


def formula(text: str) -> Formula | None:
    """The formula that a text is, or several in a row; None if it is something else."""
    found = formulas(text)
    return Formula(r",\quad ".join(one.latex for one in found), text) if found else None


def symbol(name: str) -> Formula | None:
    """The name of a symbol, lambda1 or x, as it stands in formulas; None for a word."""
    return Formula(latex(Symbol(name)), name) if NAME.fullmatch(name) else None


def matrix(rows: Any) -> Formula | None:
    """A list of rows of formulas as a matrix; None if it is something else."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        return None
    entries = [[_expression(entry) if isinstance(entry, str) else None for entry in row] for row in rows]
    if len({len(row) for row in rows}) > 1 or any(entry is None for row in entries for entry in row):
        return None
    return Formula(_latex(ImmutableMatrix(entries), mat_delim=""), str(rows))


def _latex(expression: Basic, **settings: Any) -> str:
    """LaTeX in which names in words are words."""
    words = {one: one.name.replace("_", " ") for one in expression.free_symbols if not NAME.fullmatch(one.name)}
    return latex(expression, symbol_names={one: rf"\,\text{{{word}}}\," for one, word in words.items()}, **settings)


def _expression(text: str) -> Expr | None:
    if not text.isascii() or len(text) > LONGEST:
        return None
    try:
        names = [name for name in names_in(text) if name not in FUNCTIONS]
        if not ("*" in text or "sqrt(" in text) and not all(NAME.fullmatch(name) for name in names):
            return None
        return parse(text, [Symbol(name, real=True) for name in names])
    except (BadInput, ValueError):
        return None


def _divided(text: str) -> Sequence[str]:
    """The text at its commas that stand in no bracket."""
    pieces, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            pieces.append(text[begin:place])
            begin = place + 1
    return [piece.strip() for piece in [*pieces, text[begin:]]]
