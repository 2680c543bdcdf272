r"""Results under their names, as a study's document has them, and how they are arranged.

    {"depth 2": {"beta": "12", "kind": "flip"},                    β    kind
     "depth 4": {"beta": "48", "kind": "flip"}}         depth 2    12   flip
                                                        depth 4    48   flip

Several things of which the same is said are a table; what is short may stand side by side; all else is one below the
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.reporting.exact import Formula, Shown, formula, matrix, symbol
from analysis.study.mathematics import in_words
from eos_sym.reading import names_in

COLUMNS = 6  # as many as a page holds side by side
WIDEST = 160  # characters of the formulas, which are not broken, and of the words side by side
SHORT = 24  # characters of a value that stands beside others; longer words are broken


@dataclass(frozen=True)
class Named:
    """A result under its name, or several under one."""

    name: Shown
    value: Shown | tuple[Named, ...] | tuple[Shown, ...] | Table

    @property
    def short(self) -> bool:
        """Whether it may stand beside others."""
        text = self.value.text if isinstance(self.value, Formula) else self.value
        return isinstance(text, str) and len(text) <= SHORT


@dataclass(frozen=True)
class Table:
    """Of each row, by its name, the values in the columns; None where there is none."""

    columns: tuple[Shown, ...]
    rows: tuple[tuple[Shown, tuple[Shown | None, ...]], ...]


def results(document: Mapping[str, Any]) -> tuple[Named, ...]:
    """What a study found, by its names."""
    return tuple(Named(_label(name), _value(value)) for name, value in document.items() if value not in (None, {}, []))


def table(items: Sequence[Named]) -> Table | None:
    """Several things of which the same is said; None if they are not, or if a page does not hold them side by side."""
    found = [(item.name, _cells(item.value)) for item in items]
    columns = list(dict.fromkeys(name for _, cells in found for name in cells))
    filled = sum(len(cells) for _, cells in found)
    if len(found) < 2 or not 2 <= len(columns) <= COLUMNS or not all(cells for _, cells in found):
        return None
    if 4 * filled < 3 * len(found) * len(columns):
        return None
    if sum(max(_unbroken(cells[name]) for _, cells in found if name in cells) for name in columns) > WIDEST:
        return None
    return Table(tuple(columns), tuple((name, tuple(map(cells.get, columns))) for name, cells in found))


def _cells(value: Any) -> dict[Shown, Shown]:
    """Single values by their names; none if there are others among them."""
    if not isinstance(value, tuple) or not all(isinstance(one, Named) for one in value):
        return {}
    cells = {one.name: one.value for one in value if isinstance(one.value, Formula | str)}
    return cells if len(cells) == len(value) else {}


def _unbroken(value: Shown) -> int:
    """Characters that stand side by side: all of a formula, and of words some."""
    return len(value.text) if isinstance(value, Formula) else min(len(value), SHORT)


def _label(name: str) -> Shown:
    return symbol(name) or in_words(name)


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _equations(value) or _arranged(results(value))
    if found := matrix(value):
        return found
    if isinstance(value, list):
        if all(not isinstance(item, Mapping | list) for item in value):
            return _shown(value[0]) if len(value) == 1 else tuple(_shown(item) for item in value)
        return _arranged(tuple(Named(f"{number}.", _value(item)) for number, item in enumerate(value, 1)))
    return _shown(value)


def _arranged(items: tuple[Named, ...]) -> tuple[Named, ...] | Table:
    return table(items) or items


def _equations(values: Mapping[str, Any]) -> tuple[Formula, ...]:
    """Values of symbols: x ↦ … if one depends on the symbol itself, as in maps, else x = …; () if they are no such."""
    left = [symbol(name) for name in values]
    right = [formula(value) if isinstance(value, str) else None for value in values.values()]
    if None in left or None in right:
        return ()
    sign = r"\mapsto" if any(name in names_in(str(value)) for name, value in values.items()) else "="
    pairs = [(name, value) for name, value in zip(left, right, strict=True) if name and value]
    return tuple(Formula(f"{name.latex} {sign} {value.latex}", value.text) for name, value in pairs)


def _shown(value: Any) -> Shown:
    if isinstance(value, str):
        return formula(value) or value
    return f"{value:.10g}" if isinstance(value, float) else "none" if value is None else str(value)
