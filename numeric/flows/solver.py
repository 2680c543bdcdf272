"""One solution of an ordinary differential equation, followed step by step; for `numeric.flows.integrate` and its kin.

    θ̇ = v(θ)   from θ(t₀) = θ₀ until T, or until a terminal crossing

The steps and the interpolation between their ends are SciPy's: LSODA, which changes between Adams' and the stiff
methods by itself, Radau and BDF, implicit, for stiff flows, RK45 and DOP853, explicit. The error of every step is at
most rtol · |θᵢ| + atol. On a stiff flow an explicit method is not wrong but slow, and ends at `most_evaluations`.

Where watched quantities change their signs is found as `numeric.flows.crossings` says. A solution that cannot be
followed any further ends where it was lost, and says why. Where the velocity is undefined at a trial step, a shorter
one is tried: so the solution is lost at the end of its domain and not before it. The top eigenvector is refused where
it is not simple, `Undecided`, and the solution ends there.

Errors: `BadInput` for an unknown method, for tolerances not in (0, 1) or below rounding, for `most_evaluations` below
1, and for times that do not increase from 0.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import BDF, DOP853, LSODA, RK45, OdeSolver, Radau

from eos_sym import BadInput, Undecided
from numeric.compile import Array
from numeric.flows.crossings import Crossing, Watch, crossings_of_step, sign_of
from numeric.values import real_number

METHODS = {"LSODA": LSODA, "Radau": Radau, "BDF": BDF, "RK45": RK45, "DOP853": DOP853}
EXPLICIT = frozenset({"RK45", "DOP853"})
MOST_EVALUATIONS = 100_000
SMALLEST_RTOL = 100 * 2.0**-52  # SciPy's own limit
SMALLEST_GAP = 1e-9  # between the top eigenvalues, relative to the largest of all in magnitude
SHORTER = 0.125  # a step is tried again with this share of its length
SHORTEST = 1e-14  # step, relative to the time


class LostError(Exception):
    """A flow that cannot be followed any further, with the reason."""


class _UndefinedError(Exception):
    """The velocity or its Jacobian is undefined at a time and a point that the solver tried."""

    def __init__(self, time: float, point: Array) -> None:
        super().__init__()
        self.time, self.point = time, point.copy()


@dataclass(frozen=True)
class Solver:
    """The method of integration, the error allowed in a step, and the most evaluations of the velocity."""

    method: str
    rtol: float
    atol: float
    most_evaluations: int = MOST_EVALUATIONS

    def __post_init__(self) -> None:
        """Refuse what no solver takes."""
        if self.method not in METHODS:
            raise BadInput(f"method {self.method!r}: unknown; choose one of {', '.join(METHODS)}")
        if not SMALLEST_RTOL <= real_number("rtol", self.rtol) < 1:
            raise BadInput(f"rtol = {self.rtol}: must be between {SMALLEST_RTOL:.2g} and 1")
        if not 0 < real_number("atol", self.atol) < 1:
            raise BadInput(f"atol = {self.atol}: must be between 0 and 1")
        if self.most_evaluations < 1:
            raise BadInput(f"most_evaluations = {self.most_evaluations}: must be 1 or more")

    @property
    def remedy(self) -> str:
        """What helps where the evaluations were not enough."""
        if self.method in EXPLICIT:
            return f"{self.method} is explicit: if the flow is stiff, use LSODA, Radau or BDF; else raise it"
        return "raise it, loosen the tolerances, or shorten the time"


@dataclass
class Solved:
    """A solution as far as it was followed: `states` (times, state) at the times asked for, nan after its `end`.

    `last` is its state there, `ended` names the terminal watch that ended it, and `reason` says why it was lost; of
    these two at most one is not empty. `pieces` interpolate between the `breaks`, as functions of the time, if kept.
    """

    times: Array
    states: Array
    end: float
    last: Array
    crossings: list[Crossing] = field(default_factory=list)
    ended: str = ""
    reason: str = ""
    evaluations: int = 0
    breaks: list[float] = field(default_factory=list)
    pieces: list[Callable[[Any], Array]] = field(default_factory=list)


def begin(start: Array, times: Array) -> Solved:
    """The solution from the start at times[0], of which nothing more is known yet."""
    states = np.full((times.size, start.size), np.nan)
    states[0] = start
    return Solved(times, states, float(times[0]), start, breaks=[float(times[0])])


def top_eigenpair(matrix: Array) -> tuple[float, Array]:
    """The top eigenvalue of a symmetric matrix and its unit eigenvector; `Undecided` where it is not simple."""
    if not np.isfinite(matrix).all():
        raise LostError("the matrix of the top eigenvector is undefined")
    size = math.isqrt(matrix.size)
    eigenvalues, eigenvectors = np.linalg.eigh(matrix.reshape(size, size))
    if size > 1 and eigenvalues[-1] - eigenvalues[-2] <= SMALLEST_GAP * np.abs(eigenvalues).max():
        raise Undecided(f"the top eigenvector: the eigenvalue {eigenvalues[-1]:g} is double")
    return float(eigenvalues[-1]), eigenvectors[:, -1]


def check_times(times: ArrayLike) -> Array:
    """The times as an array; refused unless they increase from 0."""
    recorded = np.asarray(times, dtype=np.float64)
    increasing = recorded.ndim == 1 and recorded.size > 1 and recorded[0] == 0 and (np.diff(recorded) > 0).all()
    if not increasing or not np.isfinite(recorded).all():
        raise BadInput("times: give finite ones that increase from 0, two or more")
    return recorded


def solve(
    rate: Callable[[Array], Array],
    jacobian: Callable[[Array], Array] | None,
    solved: Solved,
    watches: Sequence[Watch],
    solver: Solver,
    *,
    keep: bool = False,
) -> None:
    """Follow the solution from its end on, to the last of its times, a terminal crossing, or where it is lost.

    The Jacobian is for the implicit methods, which without it take differences; `keep` keeps the interpolation.
    """

    def checked(time: float, point: Array) -> Array:
        if solved.evaluations >= solver.most_evaluations:
            raise LostError(f"most_evaluations = {solver.most_evaluations} are used up; {solver.remedy}")
        solved.evaluations += 1
        velocity = rate(point)
        if not np.isfinite(velocity).all():
            raise _UndefinedError(time, point)
        return velocity

    def slope(time: float, point: Array) -> Array:
        matrix = jacobian(point) if jacobian is not None else np.empty(0)
        if not np.isfinite(matrix).all():
            raise _UndefinedError(time, point)
        return matrix

    options: dict[str, Any] = {"rtol": solver.rtol, "atol": solver.atol}
    if jacobian is not None and solver.method not in EXPLICIT:
        options["jac"] = slope
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what SciPy warns of, its status tells as well
        try:
            _follow(
                lambda first: METHODS[solver.method](
                    checked, solved.end, solved.last, solved.times[-1], **options, first_step=first
                ),
                solved,
                watches,
                keep=keep,
            )
        except (LostError, Undecided) as error:
            solved.reason = f"at time {solved.end:g}: {error}"


def _follow(
    new_stepper: Callable[[float | None], OdeSolver], solved: Solved, watches: Sequence[Watch], *, keep: bool
) -> None:
    """Step after step; a stepper is made from the end of the solution, with the first step that it tries."""
    signs = {watch.name: sign_of(watch.value(solved.last)) for watch in watches}
    terminal = {watch.name for watch in watches if watch.terminal}
    stepper, first = None, None
    while solved.end < solved.times[-1] and not solved.ended:
        before = solved.end
        try:
            stepper = stepper or new_stepper(first)
            message = stepper.step()
            if stepper.status == "failed" or stepper.t == before:
                raise LostError(f"the solver makes no progress: {message or 'its step is 0'}")
            piece = stepper.dense_output()
        except _UndefinedError as tried:
            stepper, first = None, SHORTER * (tried.time - before)
            if first <= SHORTEST * abs(before):
                raise LostError(f"the velocity is undefined at {_written(tried.point)}") from tried
            continue
        end, last = float(stepper.t), stepper.y
        for crossing in crossings_of_step(watches, signs, piece, before, end):
            solved.crossings.append(crossing)
            if crossing.name in terminal:
                solved.ended, end, last = crossing.name, crossing.time, crossing.state
                break
        passed = slice(*np.searchsorted(solved.times, [before, end], "right"))
        solved.states[passed] = piece(solved.times[passed]).T
        if keep and end > before:
            solved.breaks.append(end)
            solved.pieces.append(piece)
        solved.end, solved.last = end, last


def _written(point: Array) -> str:
    return f"({', '.join(f'{coordinate:g}' for coordinate in point)})"
