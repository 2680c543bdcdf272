"""How long everything takes to derive for the catalogue's losses under gradient descent, and for products of depth 8.

    python -m benchmarks.catalogue [--repeats 3] [--patience 20]

First comes the whole derivation of each loss, from the formula to gradient, Hessian, map, minima, their stability with
the critical step size, fixed points, two-cycles at η = 6/5, and the edge law. Then the gradient, the Hessian,
T = ∇³L(u, u, ·) and Q = ∇⁴L(u, u, u, u) for the product of depth 8: ours contracts with u from the start, the naive way
builds the tensors of third and fourth derivatives and contracts them. The two take turns, each run in a process of its
own, and the ratio is theirs over ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from rich.console import Console
from rich.table import Table
from sympy import Expr, Integer, Rational, Symbol, derive_by_array, symbols, tensorcontraction, tensorproduct

from benchmarks.command_line import run
from benchmarks.derivation import Options, seconds
from eos_sym import STEP_SIZE, GradientDescent, Objective, Undecided, minimalist, product, quadratic, shallow
from eos_sym.edge import edge_normal_form
from eos_sym.orbits import fixed_points, two_cycles
from eos_sym.stability import stability_across

CYCLE_STEP_SIZE = Rational(6, 5)
DEPTH = 8


def symmetric_curve(objective: Objective) -> Mapping[Symbol, Expr] | None:
    """The curve of minima on which all weights at even places agree, and all at odd ones; None in the plane."""
    weights = objective.weights
    if len(weights) == 2 or len(weights) % 2:
        return None
    return {w: weights[0] if index % 2 == 0 else 1 / weights[0] for index, w in enumerate(weights) if index}


def whole_derivation(objective: Objective) -> None:
    """All there is to derive; a quadratic has no edge law, and says so."""
    rule = GradientDescent()
    dynamics = rule.map(objective)
    assert objective.gradient
    assert objective.hessian
    positive = {symbol: index + 1 for index, symbol in enumerate(objective.parameters)}
    assert stability_across(dynamics, objective.minima.chart).critical_value(STEP_SIZE, positive)
    assert fixed_points(dynamics, positive).complete
    assert two_cycles(dynamics, {**positive, STEP_SIZE: CYCLE_STEP_SIZE}).complete
    with contextlib.suppress(Undecided):
        edge_normal_form(objective, symmetric_curve(objective))


def contracted() -> None:
    """T and Q of the product of depth 8, contracted with u one derivative at a time."""
    objective = product(DEPTH)
    direction = symbols(f"u1:{DEPTH + 1}", real=True)
    assert objective.gradient
    assert objective.hessian
    for index in range(DEPTH):
        unit = [Integer(index == other) for other in range(DEPTH)]
        assert objective.directional_derivative(direction, direction, unit)
    assert objective.directional_derivative(direction, direction, direction, direction)


def by_tensors() -> None:
    """The same from the full tensors of third and fourth derivatives."""
    objective = product(DEPTH)
    direction = symbols(f"u1:{DEPTH + 1}", real=True)
    tensor = objective.loss
    for _ in range(3):
        tensor = derive_by_array(tensor, objective.weights)
    third = tensor
    fourth = derive_by_array(third, objective.weights)
    for _ in range(2):
        third = tensorcontraction(tensorproduct(third, direction), (0, third.rank()))
    for _ in range(4):
        fourth = tensorcontraction(tensorproduct(fourth, direction), (0, fourth.rank()))


def main(options: Options) -> None:
    """Time all, interleaved, and print medians and the ratio."""
    losses = [quadratic(3), shallow(), minimalist(), product(3), product(4)]
    works: dict[str, Callable[[], None]] = {loss.name: partial(whole_derivation, loss) for loss in losses}
    works |= {"contracted with u": contracted, "by tensors": by_tensors}
    times: dict[str, list[float | None]] = {name: [] for name in works}
    for _ in range(options.repeats):
        for name, work in works.items():
            if None not in times[name]:
                times[name].append(seconds(work, options.patience))
    table = Table(title="seconds, medians", title_justify="left")
    for heading in ("work", "seconds", "ratio"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    medians = {name: sorted(t for t in found if t is not None)[len(found) // 2 :][:1] for name, found in times.items()}
    (ours,) = medians["contracted with u"]
    for name, median in medians.items():
        stopped = None in times[name]
        shown = f"> {options.patience:g}" if stopped else f"{median[0]:.2f}"
        ratio = (options.patience if stopped else median[0]) / ours if name == "by tensors" else None
        table.add_row(name, shown, "" if ratio is None else f"{'> ' if stopped else ''}{ratio:.0f}")
    Console().print(table)


if __name__ == "__main__":
    run("python -m benchmarks.catalogue", Options, main)
