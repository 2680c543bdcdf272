"""What an analysis says to a person and to a program: readable mathematics, a table of claims, one JSON document."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sympy import Expr, MatrixBase, Symbol, pretty

from analysis.study.claim import Verdict
from analysis.study.evidence import Evidence
from eos_sym import Map

STATUS_STYLES = {"proved": "bold green", "supported": "green", "refuted": "bold red", "undecided": "yellow"}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WIDTH = 120
LONGEST_LINE, INDENT = 90, 4


def print_theory(console: Console, theory: Mapping[str, Any]) -> None:
    """Every derived result under its name, as mathematics."""
    for name, value in theory.items():
        console.print(Text(f"\n{name.replace('_', ' ')}", style="bold"))
        for line in _readable(value):
            console.print(Text("    " + line.replace("\n", "\n    ")), soft_wrap=True)


def _readable(value: Any) -> list[str]:
    if isinstance(value, Map):
        steps = value.substitution.items()
        return [f"{pretty(name)} ↦ {_one_line(step)}" for name, step in steps]
    if isinstance(value, MatrixBase):
        return str(pretty(value, num_columns=WIDTH)).split("\n")
    if isinstance(value, Mapping):
        return [line for key, item in value.items() for line in _labelled(f"{str(key).replace('_', ' ')}:  ", item)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping) for item in value):
            return [line for number, item in enumerate(value, 1) for line in _labelled(f"{number}.  ", item)]
        return [line for item in value for line in _readable(item)] or ["none"]
    return [_short(value)]


def _labelled(label: str, value: Any) -> list[str]:
    """The value behind its label if it fits on the line; else below it, indented."""
    inline = _inline(value)
    if inline is not None and len(label) + len(inline) <= LONGEST_LINE:
        return [label + inline]
    lines = _readable(value)
    if len(label) <= INDENT:
        return [(label if index == 0 else " " * len(label)) + line for index, line in enumerate(lines)]
    return [label.rstrip(), *(" " * INDENT + line for line in lines)]


def _inline(value: Any) -> str | None:
    """The value on one line, points of an orbit joined by arrows; None for matrices, maps and nested structures."""
    if isinstance(value, Mapping):
        if any(isinstance(item, Mapping | list) for item in value.values()):
            return None
        parts = [(str(key), _inline(item)) for key, item in value.items()]
        return None if any(part is None for _, part in parts) else ", ".join(f"{key} = {part}" for key, part in parts)
    if isinstance(value, MatrixBase | Map):
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_inline(item) for item in value]
        joint = " ↔ " if any(isinstance(item, Mapping) for item in value) else ", "
        return None if None in items else joint.join(filter(None, items)) or "none"
    return _short(value)


def _one_line(expression: Expr) -> str:
    """The expression on one line, with Greek letters, raised exponents and real minus signs."""
    symbols = {symbol: Symbol(pretty(symbol)) for symbol in expression.free_symbols}
    text = re.sub(r"\*\*(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), str(expression.subs(symbols)))
    return text.replace("**", "^").replace("*", "·").replace("-", "−").replace("sqrt", "√")


def print_claims(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The claims with the evidence of every channel beneath each."""
    table = Table(box=None, padding=(0, 1), show_edge=False, title_justify="left")
    table.add_column("status", no_wrap=True)
    table.add_column("claim")
    for verdict in verdicts:
        status = Text(verdict.status + (" (open)" if verdict.open else ""), style=STATUS_STYLES[verdict.status])
        table.add_row(status, Text(f"{verdict.statement}  [{verdict.source}]"))
        for line in dict.fromkeys(map(_line, verdict.evidence)):  # a reason that several checks give is said once
            table.add_row("", Text(line, style="dim"))
    console.print()
    console.print(table)


def _line(evidence: Evidence) -> str:
    if evidence.status == "undecided" and evidence.expected is None:
        return f"undecided: {evidence.observed}"
    tolerance = f"  (± {evidence.tolerance:.2g})" if isinstance(evidence.expected, float) else ""
    values = f"expected {_short(evidence.expected)}, observed {_short(evidence.observed)}{tolerance}"
    return f"{evidence.channel}: {evidence.quantity}: {values}"


def _short(value: Any) -> str:
    if isinstance(value, Expr):
        return _one_line(value)
    if value is None:
        return "none"
    if isinstance(value, complex):
        return f"{value.real:.10g} {'−' if value.imag < 0 else '+'} {abs(value.imag):.10g}i"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def to_json(value: Any) -> Any:
    """The value as JSON: exact results as text that `eos_sym.parse` reads, floats as numbers, absent as null."""
    if isinstance(value, Map):
        return {str(name): str(step) for name, step in value.substitution.items()}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, MatrixBase):
        return [[str(entry) for entry in row] for row in value.tolist()]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, complex):
        return {"real": value.real, "imaginary": value.imag}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Sequence):
        return [to_json(item) for item in value]
    return str(value)


def document(**parts: Any) -> str:
    """The JSON document of a run."""
    return json.dumps(to_json(parts), indent=2, ensure_ascii=False, allow_nan=False)
