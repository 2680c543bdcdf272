"""One solution of an ordinary differential equation, up to an event; for `numeric.integrate` and its kin.

The solver is SciPy's LSODA, which changes between Adams' and the stiff methods by itself. A solution that cannot be
followed, since its velocity became undefined or the solver no longer gets on, is `LostError`: LSODA itself would go on
for ever at a singularity. The top eigenvector is refused where it is not simple, `Undecided`.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from eos_sym import BadInput, Undecided
from numeric.compile import Array

SMALLEST_GAP = 1e-9  # between the top eigenvalues, relative to the largest of all in magnitude
MOST_EVALUATIONS = 100_000


class LostError(Exception):
    """A flow that cannot be followed any further."""


def top_eigenpair(matrix: Array) -> tuple[float, Array]:
    """The top eigenvalue of a symmetric matrix and its unit eigenvector; `Undecided` where it is not simple."""
    if not np.isfinite(matrix).all():
        raise LostError
    size = math.isqrt(matrix.size)
    eigenvalues, eigenvectors = np.linalg.eigh(matrix.reshape(size, size))
    if size > 1 and eigenvalues[-1] - eigenvalues[-2] <= SMALLEST_GAP * np.abs(eigenvalues).max():
        raise Undecided(f"the top eigenvector: the eigenvalue {eigenvalues[-1]:g} is double")
    return float(eigenvalues[-1]), eigenvectors[:, -1]


def check_times(times: ArrayLike, rtol: float, atol: float) -> Array:
    """The times as an array; refused unless they increase from 0 and the tolerances are positive."""
    recorded = np.asarray(times, dtype=np.float64)
    increasing = recorded.ndim == 1 and recorded.size > 1 and recorded[0] == 0 and (np.diff(recorded) > 0).all()
    if not increasing or not np.isfinite(recorded).all():
        raise BadInput("times: give finite ones that increase from 0, two or more")
    for name, value in {"rtol": rtol, "atol": atol}.items():
        if not 0 < value < 1:
            raise BadInput(f"{name} = {value}: must be between 0 and 1")
    return recorded


def solve(
    rate: Callable[[Array], Array],
    jacobian: Callable[[Array], Array] | None,
    start: Array,
    times: Array,
    event: Callable[[Array], float],
    *,
    rtol: float,
    atol: float,
) -> tuple[Array, Array, float | None]:
    """The states at the times up to the event, the last state, and the time of the event if it happened.

    The event is that its function falls to 0 from above.
    """
    evaluations = itertools.count()

    def checked(_: float, point: Array) -> Array:
        velocity = rate(point)
        if not np.isfinite(velocity).all() or next(evaluations) > MOST_EVALUATIONS:
            raise LostError
        return velocity

    def ending(_: float, point: Array) -> float:
        return event(point)

    ending.terminal, ending.direction = True, -1  # type: ignore[attr-defined]  # how SciPy is told
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # LSODA warns of a failure that its status tells as well
        answer = solve_ivp(
            checked,
            (times[0], times[-1]),
            start,
            method="LSODA",
            jac=None if jacobian is None else lambda _, point: jacobian(point),
            t_eval=times,
            events=ending,
            rtol=rtol,
            atol=atol,
        )
    if answer.status < 0:
        raise LostError
    if answer.status == 1:
        return answer.y.T, answer.y_events[0][-1], float(answer.t_events[0][-1])
    return answer.y.T, answer.y[:, -1], None
