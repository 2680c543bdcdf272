"""What an analysis says to a person and to a program: readable mathematics, a table of claims, one JSON document."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, get_args

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sympy import Expr, MatrixBase, Symbol, pretty

from analysis.study.claim import Part, Verdict
from analysis.study.evidence import Evidence, Status
from analysis.study.mathematics import in_words
from eos_sym import Map
from eos_sym.flows import Flow

STATUS_STYLES = {"proved": "bold green", "supported": "green", "refuted": "bold red", "undecided": "yellow"}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WIDTH = 120
LONGEST_LINE, INDENT = 90, 4
LONGEST_MATRIX = 2000  # characters of a matrix's entries; beyond, it is written entry by entry
DIGITS, MOST_DIGITS = 4, 12  # of a measured value without a tolerance, and of any
FORMULA = re.compile(r"[\w\s*+\-/().,]+")


def print_theory(console: Console, theory: Mapping[str, Any]) -> None:
    """Every derived result under its name, as mathematics."""
    for name, value in theory.items():
        if isinstance(value, Mapping) and not value:
            continue
        console.print(Text(f"\n{_named(name)}", style="bold"))
        for line in _readable(value):
            console.print(Text("    " + line.replace("\n", "\n    ")), soft_wrap=True)


def _readable(value: Any) -> list[str]:
    if isinstance(value, Map):
        steps = value.substitution.items()
        return [f"{pretty(name)} ↦ {_one_line(step)}" for name, step in steps]
    if isinstance(value, Flow):
        return [
            f"d{pretty(name)}/dτ = {_one_line(rate)}" for name, rate in zip(value.state, value.velocity, strict=True)
        ]
    if isinstance(value, MatrixBase):
        places = product(*map(range, value.shape))
        entries = [f"{row + 1}, {column + 1}:  {_one_line(value[row, column])}" for row, column in places]
        if sum(map(len, entries)) > LONGEST_MATRIX:
            return entries
        return str(pretty(value, num_columns=WIDTH)).split("\n")
    if isinstance(value, Mapping):
        known = ((_named(key), item) for key, item in value.items() if item not in (None, {}))
        return [line for label, item in known for line in _labelled(f"{label}:  ", item)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping | Flow) for item in value):
            return [
                line for number, item in enumerate(value, 1) for line in _labelled(f"{number}. ".ljust(INDENT), item)
            ]
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
        if any(isinstance(item, Mapping | list | Flow) for item in value.values()):
            return None
        parts = [(_named(key), _inline(item)) for key, item in value.items()]
        return None if any(part is None for _, part in parts) else ", ".join(f"{key} = {part}" for key, part in parts)
    if isinstance(value, MatrixBase | Map | Flow):
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_inline(item) for item in value]
        joint = " ↔ " if any(isinstance(item, Mapping) for item in value) else ", "
        return None if None in items else joint.join(filter(None, items)) or "none"
    return _short(value)


def _named(key: Any) -> str:
    """A symbol as in formulas; the words of a name."""
    return str(pretty(key)) if isinstance(key, Symbol) else in_words(str(key))


def _one_line(expression: Expr) -> str:
    """The expression on one line, with Greek letters, raised exponents and real minus signs."""
    symbols = {symbol: Symbol(pretty(symbol)) for symbol in expression.free_symbols}
    return _typeset(str(expression.xreplace(symbols)))


def _typeset(text: str) -> str:
    """A formula as SymPy writes it, with raised exponents and real signs."""
    text = re.sub(r"\*\*(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), text)
    return text.replace("**", "^").replace("*", "·").replace("-", "−").replace("sqrt", "√")


def print_summary(console: Console, headline: str, verdicts: Sequence[Verdict]) -> None:
    """What the study is about, and how many of its claims came out how."""
    console.print(Text(headline, style="bold"))
    console.print(Text(summary(verdicts)))


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many claims there are, and how many came out how, in words."""
    found = ", ".join(f"{count} {status}" for status, count in counted(verdicts).items() if count)
    return f"{len(verdicts)} claim{'s' * (len(verdicts) != 1)}: {found or 'none'}"


def counted(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """How many claims came out how."""
    found = Counter(verdict.status for verdict in verdicts)
    return {status: found[status] for status in get_args(Status)}


def print_claims(console: Console, verdicts: Sequence[Verdict], *, evidence: bool, channels: bool = False) -> None:
    """The claims, with the evidence beneath, all or what decides; a part that rests on one channel says so.

    With `channels` all parts say what they rest on. Part by part where these came out differently or rest on different
    channels. What is refuted or undecided is always shown with the evidence that made it so.
    """
    table = Table(box=None, padding=(0, 1), show_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for verdict in verdicts:
        rests = [_rests(part, channels) for part in verdict.parts]
        alike = len({(part.status, on) for part, on in zip(verdict.parts, rests, strict=True)}) == 1
        opened = " (open)" if verdict.open else ""
        whole = f"{verdict.statement}  [{verdict.source}{rests[0]}]" if alike else f"[{verdict.source}]"
        table.add_row(_status(verdict.status, opened), Text(whole))
        for part, on in () if alike else zip(verdict.parts, rests, strict=True):
            table.add_row("", Text.assemble(_status(part.status), f"{on}: {part.statement}"))
        shown = [one for one in verdict.evidence if evidence or one.status in ("refuted", "undecided")]
        for line in dict.fromkeys(map(_line, shown)):  # a reason that several checks give is said once
            table.add_row("", Padding(Text(line, style="dim"), (0, 0, 0, 2)))
    console.print()
    console.print(table)


def _rests(part: Part, every: bool) -> str:
    """The one channel that a part rests on, or every one; nothing where there is none."""
    if len(part.channels) == 1:
        return f"; one channel: {part.channels[0]}"
    return f"; channels: {', '.join(part.channels)}" if every and part.channels else ""


def _status(status: str, more: str = "") -> Text:
    return Text(status + more, style=STATUS_STYLES[status])


def _line(evidence: Evidence) -> str:
    if evidence.status == "undecided" and evidence.expected is None:
        return f"undecided: {evidence.observed}"
    expected, observed = (_measured(value, evidence.tolerance) for value in (evidence.expected, evidence.observed))
    tolerance = f" ± {evidence.tolerance:.2g}" if isinstance(evidence.expected, float) and evidence.tolerance else ""
    asked = ", as expected" if observed == expected else f" (expected {expected}{tolerance})"
    return f"{evidence.channel}: {evidence.quantity}: {observed}{asked}"


def _measured(value: str | float | None, tolerance: float | None) -> str:
    """A value of a piece of evidence: a number to its digits, a formula typeset."""
    if isinstance(value, float):
        return to_its_digits(value, tolerance)
    if isinstance(value, str) and re.search(r"[*/(]", value) and FORMULA.fullmatch(value):
        names = re.sub(r"[A-Za-z]\w*", lambda name: str(pretty(Symbol(name[0]))), value)
        return _typeset(names)
    return _short(value)


def to_its_digits(value: float, tolerance: float | None) -> str:
    """The number to the digits that its tolerance tells apart."""
    digits = DIGITS
    if tolerance and value:
        digits = max(math.floor(math.log10(abs(value))) - math.floor(math.log10(tolerance)) + 2, 2)
    return f"{value:.{min(digits, MOST_DIGITS)}g}"


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
    if isinstance(value, Flow):
        return {str(name): str(rate) for name, rate in zip(value.state, value.velocity, strict=True)}
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
