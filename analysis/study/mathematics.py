"""Formulas as LaTeX, as people write them: 1 − xy rather than −xy + 1; names as words."""

import re
from typing import Any

from sympy import Add, Basic
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty_symbology import greek_unicode


class _Printer(LatexPrinter):  # type: ignore[misc]
    """SymPy's LaTeX, in which no sum begins with a minus that need not."""

    def _print_Add(self, expr: Add, order: str | None = None) -> str:  # noqa: N802 - SymPy's dispatch by class name
        terms = self._as_ordered_terms(expr, order=order)
        if terms[0].could_extract_minus_sign():
            terms = sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))
        return str(super()._print_Add(Add(*terms, evaluate=False), order="none"))


def latex(expression: Basic, **settings: Any) -> str:
    """The expression as LaTeX, with SymPy's settings."""
    return str(_Printer(settings).doprint(expression))


def in_words(name: str) -> str:
    """The words of a name, in which `_` after a single letter, as in λ_c, is an index's; eta is η."""
    words = re.sub(r"(?<!\b\w)_", " ", name)
    return re.sub(r"\b[A-Za-z]+\b", lambda word: greek_unicode.get(word[0], word[0]), words)
