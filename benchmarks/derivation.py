"""How long the theory of the minimalist example takes to derive, beside what one would type first.

    python -m benchmarks.derivation [--repeats 3] [--patience 20]

Three parts have an obvious alternative in SymPy: `solve` on the twice-iterated map for the two-cycles, `series` for
the expansion of two steps, and `solve` for the inverse of the change to D and P followed by substitution. Each runs in
a process of its own and is stopped when the patience runs out; then the ratio is a lower bound. Ours and theirs take
turns, and the medians are compared. The fourth line is the whole derivation, from the loss to the terminal sharpness.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from sympy import simplify, solve, symbols

from analysis.minimalist.theory import KAPPA, A, B, a, b, derive
from benchmarks.command_line import check_seconds, check_whole_numbers, run
from eos_sym import STEP_SIZE
from eos_sym.orbits import vanishes_on_two_cycles


@dataclass(frozen=True)
class Options:
    """Derivation times of ½(1 − xyzw)²."""

    repeats: int = 3
    """runs of each; the median counts"""
    patience: float = 20.0
    """seconds after which an alternative is stopped"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "repeats")
        check_seconds("--patience", self.patience)


def two_cycles_by_groebner_basis() -> None:
    """Proof that every two-cycle has x² = y²."""
    theory = derive()
    x, y = theory.reduced_map.state
    assert vanishes_on_two_cycles(theory.reduced_map, x**2 - y**2)


def two_cycles_by_solve() -> None:
    """SymPy's solve for the fixed points of two steps."""
    twice = derive().reduced_map.iterate(2)
    solve([step - name for name, step in twice.substitution.items()], twice.state, dict=True)


def series_by_ring() -> None:
    """Two steps in a and b, by truncated power series."""
    assert derive().series[2]


def series_by_sympy() -> None:
    """Two steps in a and b, by Expr.series."""
    scaled = {a: A * KAPPA**3, b: B * KAPPA**2, STEP_SIZE: KAPPA**2}
    for step in derive().centred_map.iterate(2).step:
        step.subs(scaled, simultaneous=True).series(KAPPA, 0, 9)


def product_map_by_elimination() -> None:
    """The map of D and P by a Gröbner basis."""
    assert derive().product_map


def product_map_by_solve() -> None:
    """The map of D and P by solving for x and y, substituting, and simplifying."""
    reduced = derive().reduced_map
    x, y = reduced.state
    imbalance, product = symbols("D P", positive=True)
    (inverse,) = solve([x**2 - y**2 - imbalance, x * y - product], [x, y], dict=True)[-1:]
    for quantity in (x**2 - y**2, x * y):
        simplify(reduced.after(quantity).subs(inverse, simultaneous=True))


def whole_derivation() -> None:
    """Everything that `analysis.minimalist` prints."""
    assert derive().as_report()


PAIRS: list[tuple[str, Callable[[], None], str, Callable[[], None] | None]] = [
    ("two-cycles have x² = y²", two_cycles_by_groebner_basis, "solve(F∘F − id)", two_cycles_by_solve),
    ("two steps in a, b", series_by_ring, "Expr.series", series_by_sympy),
    ("map of D, P", product_map_by_elimination, "solve, subs, simplify", product_map_by_solve),
    ("whole derivation", whole_derivation, "", None),
]


def seconds(work: Callable[[], None], patience: float) -> float | None:
    """The time the work takes in a fresh process (its start not counted), or None if it was stopped."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_timed, args=(work, sender))
    process.start()
    sender.close()
    try:
        elapsed: float | None = receiver.recv() if receiver.poll(patience) else None
    except EOFError as error:
        raise RuntimeError(f"{work.__name__} failed; its traceback is above") from error
    process.kill()
    process.join()
    return elapsed


def _timed(work: Callable[[], None], sender: multiprocessing.connection.Connection) -> None:
    start = time.perf_counter()
    work()
    sender.send(time.perf_counter() - start)


def main(options: Options) -> None:
    """Time all the pairs, interleaved, and print a table of medians and ratios."""
    table = Table(title="minimalist example, seconds (medians)", title_justify="left")
    for heading in ("part", "ours", "alternative", "theirs", "ratio"):
        table.add_column(heading, justify="left" if heading in ("part", "alternative") else "right")
    for part, ours, name, theirs in PAIRS:
        own, other = [], []
        for _ in range(options.repeats):
            own.append(seconds(ours, 10 * options.patience))
            if theirs and None not in other:
                other.append(seconds(theirs, options.patience))
        median = statistics.median(time for time in own if time is not None)
        if None in other:
            row = [f"> {options.patience:g}", f"> {options.patience / median:.0f}"]
        elif other:
            alternative = statistics.median(time for time in other if time is not None)
            row = [f"{alternative:.2f}", f"{alternative / median:.1f}"]
        else:
            row = ["", ""]
        table.add_row(part, f"{median:.2f}", name, *row)
    Console().print(table)


if __name__ == "__main__":
    run("python -m benchmarks.derivation", Options, main)
