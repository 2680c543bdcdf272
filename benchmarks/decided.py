"""What is decided of the losses that people begin with, beside what SymPy's solver decides of them in the same time.

    python -m benchmarks.decided [--losses rosenbrock circle …] [--seconds 60]

For every loss of the standing list, `losses.toml`, and each part of its theory under gradient descent, with symbols for
the parameters and the step size,

    minima          where they are, with proof
    stability       the critical step size there, of gradient descent, heavy ball and Nesterov's rule
    fixed points    all of them
    flips, cycles   the kind of flip at every isolated minimum; on a manifold of minima all two-cycles at η = 6/5
    limit flow      normalized gradient descent along a manifold of minima
    edge            the edge law on a manifold of minima

the table says ``decided``, ``undecided`` (the method declined, or the time was up) or ``failed`` (an error of the
program); – stands where a part has no object: no manifold, or no minimum. The last column is `sympy.solve` on ∇L = 0.
Each loss has a process of its own, which is ended when its time is up, and the parts that it finished count.
"""

from __future__ import annotations

import multiprocessing
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sympy import Expr, Max, Rational, diff, oo, sign, simplify, solve

from benchmarks.command_line import check_seconds, run
from eos_sym import STEP_SIZE, BadInput, GradientDescent, HeavyBall, Nesterov, Objective, Undecided, parse
from eos_sym.edge import EdgeNormalForm, FlipNormalForm, edge_normal_form, flip_normal_form
from eos_sym.flows import limit_flow
from eos_sym.losses import Piece
from eos_sym.orbits import fixed_points, two_cycles
from eos_sym.reading import declare
from eos_sym.rules import NormalizedGradientDescent
from eos_sym.stability import critical_step_size

CYCLE_STEP_SIZE = Rational(6, 5)
NO_OBJECT = "–"
PLACES = ("1/10", "1/3", "2/3", "1", "3/2", "2", "3", "5", "-1/10", "-1/3", "-2/3", "-1", "-3/2", "-2", "-3", "-5")
LOSSES = tomllib.loads((Path(__file__).parent / "losses.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Options:
    """What is decided of the standing list of losses."""

    losses: tuple[str, ...] = tuple(LOSSES)
    """names from losses.toml"""
    seconds: float = 60.0
    """for all parts of a loss, and once more for SymPy"""

    def __post_init__(self) -> None:
        for name in self.losses:
            if name not in LOSSES:
                raise BadInput(f"--losses {name}: not in losses.toml; choose some of {', '.join(LOSSES)}")
        check_seconds("--seconds", self.seconds)


@cache
def standing_loss(name: str) -> Objective:
    """A loss of the list."""
    entry = LOSSES[name]
    weights = tuple(declare(weight, real=True) for weight in entry["weights"].split())
    parameters = tuple(declare(parameter, positive=True) for parameter in entry.get("parameters", "").split())
    return Objective(name, parse(entry["loss"], (*weights, *parameters)), weights, parameters)


def minima(objective: Objective) -> str:
    """The pieces of the set of minima."""
    return f"{objective.minima}"


def stability(objective: Objective) -> str:
    """The critical step sizes at every piece."""
    rules = (GradientDescent(), HeavyBall(), Nesterov())
    sharpness = [piece.sharpness(objective.hessian) for piece in objective.minima.pieces]
    return _listed(critical_step_size(rule, value) for value in sharpness for rule in rules)


def fixed(objective: Objective) -> str:
    """The fixed points of gradient descent, parameters and the step size left as they are."""
    found = fixed_points(GradientDescent().map(objective))
    if not found.complete:
        raise Undecided(found.reason)
    return f"{len(found.orbits)} and {len(found.manifolds)} manifolds"


def cycles(objective: Objective) -> str:
    """The flips of isolated minima, or else the two-cycles."""
    dynamics = GradientDescent().map(objective)
    pieces = objective.minima.pieces
    if not pieces:
        return NO_OBJECT
    if any(piece.free for piece in pieces):
        values = {symbol: index for index, symbol in enumerate(objective.parameters, start=1)}
        found = two_cycles(dynamics, {**values, STEP_SIZE: CYCLE_STEP_SIZE})
        if not found.complete:
            raise Undecided(found.reason)
        return f"{len(found.orbits)} and {len(found.manifolds)} continua"
    forms = []
    for piece in pieces:
        critical = critical_step_size(GradientDescent(), piece.sharpness(objective.hessian))
        if critical.has(Max):
            raise Undecided("which multiplier is the first to be −1 depends on the parameters")
        if critical is not oo:  # else there is no flip
            forms.append(flip_normal_form(dynamics, piece.chart, {STEP_SIZE: critical}))
    return _kinds(forms)


def edge(objective: Objective) -> str:
    """The kind of the edge law on every manifold along which the sharpness changes."""
    manifolds = [piece for piece in objective.minima.pieces if piece.free and not _is_even(objective, piece)]
    return _kinds(edge_normal_form(objective, piece=piece) for piece in manifolds)


def along_minima(objective: Objective) -> str:
    """The limit flow on every manifold."""
    manifolds = [piece for piece in objective.minima.pieces if piece.free]
    return _listed(limit_flow(NormalizedGradientDescent(), objective, piece.chart).velocity for piece in manifolds)


def _is_even(objective: Objective, piece: Piece) -> bool:
    """Whether the sharpness is the same all along a piece, so that there is no edge to drift to."""
    sharpness = piece.sharpness(objective.hessian)
    return all(simplify(diff(sharpness, coordinate)) == 0 for coordinate in piece.free)


def _kinds(forms: Iterable[EdgeNormalForm | FlipNormalForm]) -> str:
    """The kinds; where κ₄ is seen to have both signs on a manifold, this is known of it."""
    kinds = []
    for form in forms:
        if form.kind != "undecided":
            kinds.append(form.kind)
        elif isinstance(form, EdgeNormalForm) and _has_both_signs(form.quartic):
            kinds.append("by the place")
        else:
            raise Undecided("the sign of a coefficient is not known")
    return _listed(kinds)


def _has_both_signs(quartic: Expr) -> bool:
    places = ({name: Rational(value) for name in quartic.free_symbols} for value in PLACES)
    signs = {sign(value) for place in places if (value := quartic.subs(place).evalf()).is_real}
    return {1, -1} <= signs


def _listed(answers: Iterable[Any]) -> str:
    return "; ".join(map(str, answers)) or NO_OBJECT


PARTS: Mapping[str, Callable[[Objective], str]] = {
    "minima": minima,
    "stability": stability,
    "fixed points": fixed,
    "limit flow": along_minima,
    "flips, cycles": cycles,
    "edge": edge,
}


def by_solver(objective: Objective) -> str:
    """SymPy's solution of ∇L = 0."""
    return f"{len(solve(list(objective.gradient), objective.weights, dict=True))} solutions"


@dataclass(frozen=True)
class Answer:
    """What came of a part: decided, undecided, failed or –, the result or the reason, and the seconds it took."""

    status: str
    text: str
    seconds: float


def answer(part: Callable[[Objective], str], objective: Objective) -> Answer:
    """What comes of a part, whatever it raises."""
    start = time.perf_counter()
    try:
        text = part(objective)
        status = "decided" if text != NO_OBJECT else NO_OBJECT
    except Undecided as reason:
        status, text = "undecided", str(reason)
    except Exception as error:
        status, text = "failed", f"{type(error).__name__}: {error}"
    return Answer(status, text, time.perf_counter() - start)


def answers(parts: Sequence[Callable[[Objective], str]], name: str, seconds: float) -> list[Answer]:
    """What comes of the parts in a process of their own; those that it does not finish are undecided."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(parts, name, sender))
    process.start()
    sender.close()
    found: list[Answer] = []
    end = time.monotonic() + seconds
    try:
        while len(found) < len(parts) and receiver.poll(max(0.0, end - time.monotonic())):
            found.append(receiver.recv())
        late = Answer("undecided", f"not finished within {seconds:g} s", seconds)
    except EOFError:
        late = Answer("failed", "the process died", seconds)
    process.kill()
    process.join()
    return found + [late] * (len(parts) - len(found))


def _work(parts: Sequence[Callable[[Objective], str]], name: str, sender: Any) -> None:
    for part in parts:
        sender.send(answer(part, standing_loss(name)))


def main(options: Options) -> None:
    """One row a loss, as it comes; then what was not decided and why, and the shares."""
    console, counts, reasons = Console(), {"ours": [0, 0], "SymPy": [0, 0]}, []
    table = Table(title=f"decided within {options.seconds:g} s", title_justify="left")
    for heading in ("loss", *PARTS, "SymPy's solve"):
        table.add_column(heading)
    for name in options.losses:
        own = answers(list(PARTS.values()), name, options.seconds)
        (other,) = answers([by_solver], name, options.seconds)
        table.add_row(name, *(_cell(found) for found in (*own, other)))
        for whose, found in [*(("ours", part) for part in own), ("SymPy", other)]:
            counts[whose][0] += found.status == "decided"
            counts[whose][1] += found.status != NO_OBJECT
        reasons += [
            f"{name}, {part}: {found.status}: {found.text}"
            for part, found in zip(PARTS, own, strict=True)
            if found.status in ("undecided", "failed")
        ]
    console.print(table)
    for reason in reasons:
        console.print(reason, markup=False, highlight=False)
    for whose, (decided, of) in counts.items():
        console.print(f"{whose}: {decided} of {of} decided, {decided / max(of, 1):.0%}")


def _cell(found: Answer) -> str:
    return found.status if found.status == NO_OBJECT else f"{found.status} {found.seconds:.1f}"


if __name__ == "__main__":
    run("python -m benchmarks.decided", Options, main)
