"""``python -m benchmarks.sharpness``: the options, the tables, and table.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.command_line import check_whole_numbers, run
from benchmarks.sharpness.contenders import BASELINE, CONTENDERS, OURS
from benchmarks.sharpness.measure import Comparison, compare, named
from benchmarks.sharpness.problem import Truth, digits_loss, points
from benchmarks.sharpness.sizes import Size, measured
from eos_sym import BadInput
from numeric.runs import provenance, write_atomically

GOALS = {1e-3: 3.5, 1e-6: 5.0}
FIRST = 40  # evaluations
OVERHEAD = 1.3
VECTORS = 24


@dataclass(frozen=True, kw_only=True)
class Options:
    """Gradient evaluations a reading of the sharpness, at the edge, for us and for other tools."""

    start: int = 2000
    """step of the first reading"""
    every: int = 1
    """steps between readings"""
    readings: int = 59
    """readings that count; one before them starts cold and does not"""
    widths: tuple[int, ...] = (280, 960, 3125)
    """hidden widths of the networks of some 10⁵, 10⁶ and 10⁷ weights whose first reading is measured"""
    out: Path = Path("results/sharpness")
    """folder for table.json"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 0, "start")
        check_whole_numbers(self, 1, "every", "readings")
        for width in self.widths:
            if width < 1:
                raise BadInput(f"--widths {width}: must be 1 or more")


def measure(options: Options) -> list[Comparison]:
    """Both tolerances at the same points."""
    torch.set_num_threads(1)
    console = Console(stderr=True)
    loss, truth = digits_loss(torch.float32), Truth()
    with console.status("training to the edge") as status:
        known: list[tuple[Tensor, float]] = []
        for weights in points(loss, options.start, options.every, options.readings + 1):
            status.update(f"truth of reading {len(known)}")
            known.append((weights, truth.sharpness(weights)))
        return [compare(loss, known, CONTENDERS, relative, status.update) for relative in GOALS]


def show(console: Console, comparison: Comparison) -> None:
    """One tolerance's table, the absent, and the goals."""
    title = (
        f"relative {comparison.relative:g}, {comparison.readings} readings, "
        f"a product costs {comparison.product:.2f} gradients"
    )
    table = Table(title=title, title_justify="left")
    for heading in ("", "evaluations", "of ours", "products", "products alone", "worst error", "missed"):
        table.add_column(heading, justify="right" if heading else "left")
    ours = named(comparison.rows, OURS)
    for row in comparison.rows:
        cost = (f"{row.evaluations:.1f}", f"{row.evaluations / ours.evaluations:.2f}")
        products = (f"{row.products:g}", f"{row.counted:.1f}")
        table.add_row(row.name, *cost, *products, f"{row.worst_error:.1e}", str(row.missed))
    console.print(table)
    for name, reason in comparison.absent.items():
        console.print(f"{name}: {reason}", soft_wrap=True)
    goal, ratio = GOALS[comparison.relative], named(comparison.rows, BASELINE).evaluations / ours.evaluations
    met = "met" if ours.evaluations <= goal and not ours.missed else "missed"
    console.print(f"goal: at most {goal:g} evaluations and none missed: {ours.evaluations:.2f}, {ours.missed}: {met}")
    console.print(f"goal: half of the baseline's or less: it takes {ratio:.2f} of ours", soft_wrap=True)


def show_sizes(console: Console, sizes: Sequence[Size]) -> None:
    """What readings of networks of several sizes take."""
    table = Table(title="relative 0.001, training from the start, a reading a step", title_justify="left")
    for heading in ("weights", "reading", "products", "evaluations", "of what is counted", "overlooked", "vectors"):
        table.add_column(heading, justify="right")
    for size in sizes:
        first = (f"{size.products:g}", f"{size.evaluations:.1f}", f"{size.overhead:.2f}", f"{size.overlooked:.1e}")
        table.add_row(f"{size.weights:,}", "the first", *first, f"{size.vectors:.1f}")
        later = (f"{size.later_products:.1f}", f"{size.later_evaluations:.1f}", f"{size.later_overhead:.2f}")
        table.add_row("", "later ones", *later, "", "")
    console.print(table)
    for size in sizes:
        met = "met" if size.evaluations <= FIRST and size.vectors <= VECTORS and size.overhead <= OVERHEAD else "missed"
        console.print(
            f"goal: the first in {FIRST} evaluations, {OVERHEAD:g} of what is counted, {VECTORS} vectors: {met}",
            soft_wrap=True,
        )


def main(options: Options) -> None:
    """Measure, write and print."""
    comparisons = measure(options)
    sizes = [measured(width) for width in sorted(options.widths)]
    configuration = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    document = {
        "comparisons": [asdict(c) for c in comparisons],
        "sizes": [asdict(s) for s in sizes],
        "provenance": provenance(configuration),
    }
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(options.out / "table.json", lambda path: path.write_text(text, encoding="utf-8"))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for comparison in comparisons:
        show(console, comparison)
    show_sizes(console, sizes)
    console.print(f"written: {options.out / 'table.json'}", soft_wrap=True)


if __name__ == "__main__":
    run("python -m benchmarks.sharpness", Options, main)
