"""The expansion of a loss about a point, in numbers of as many digits as wanted.

    L(θ + d) = L + ∇L·d + ½ ∇²L(d, d) + ⅙ ∇³L(d, d, d) + …

with the eigenpairs (λⱼ, vⱼ) of ∇²L, λ₁ the algebraically largest, u = v₁, and of the higher tensors only what the edge
of stability asks for:

    T = ∇³L(u, u, ·)        which is also ∇λ₁ where λ₁ is simple
    Q = ∇⁴L(u, u, u, u)

Both come from the gradient along a line: ∇L(θ + tu) has the second derivative T and the third one Q along u, so that no
tensor is ever built. mpmath takes these derivatives by differences at a multiple of the working precision, and they
have all of its digits. Eigenpairs are mpmath's (`eigsy`), of the whole matrix.

Errors: `BadInput` for values that are missing, unknown, or no finite real numbers, and for a point at which the
loss is no real number, or not twice differentiable in the real numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mpmath import mp
from sympy import Float, Symbol

from eos_sym.algebra import Evaluator, evaluator
from eos_sym.errors import BadInput
from eos_sym.losses.objective import Objective
from eos_sym.values import Values, exact, named

GUARD_DIGITS = 5


def values_of(kind: str, symbols: Sequence[Symbol], values: Values) -> list[Any]:
    """The values of the symbols as mpf numbers, exactly one for each."""
    given = named(kind, symbols, values)
    missing = [str(symbol) for symbol in symbols if symbol not in given]
    if missing:
        wanted = ", ".join(map(str, symbols))
        raise BadInput(f"{kind}: no value for {', '.join(missing)}; give one for each of {wanted}")
    return [real_number(f"{kind}: {symbol}", given[symbol]) for symbol in symbols]


def real_number(name: str, value: Any) -> Any:
    """A number of any kind, constant expressions among them, as an mpf in the working precision."""
    rounded = exact(name, value).evalf(mp.dps + GUARD_DIGITS)
    if not (rounded.is_Float or rounded.is_Rational):
        raise BadInput(f"{name} = {value} is not a finite real number; give one")
    return mp.mpf(Float(rounded, mp.dps + GUARD_DIGITS))


@dataclass(frozen=True)
class LocalExpansion:
    """∇L, ∇²L, the eigenpairs in falling order of λⱼ (column j of `vectors` is vⱼ), T and Q at one point."""

    point: tuple[Any, ...]
    gradient: Any
    hessian: Any
    eigenvalues: tuple[Any, ...]
    vectors: Any
    along: Any
    """∇L on the line through the point in the direction u, as a function of the distance"""

    @cached_property
    def third(self) -> Any:
        """T, an n × 1 matrix."""
        return mp.diff(self.along, 0, 2)

    @cached_property
    def fourth(self) -> Any:
        """Q, a number."""
        return mp.fdot(self.vectors[:, 0], mp.diff(self.along, 0, 3))

    @cached_property
    def projections(self) -> tuple[Any, ...]:
        """vⱼ·T, in the order of the eigenvalues."""
        return tuple(self.vectors.T * self.third)

    @cached_property
    def forces(self) -> tuple[Any, ...]:
        """vⱼ·∇L, in the order of the eigenvalues."""
        return tuple(self.vectors.T * self.gradient)


@lru_cache(maxsize=16)
def _compiled(objective: Objective) -> tuple[Evaluator, Evaluator, Evaluator]:
    """L, the components of ∇L and the entries of ∇²L, as functions of the weights and then the parameters."""
    arguments = (*objective.weights, *objective.parameters)
    loss, gradient, hessian = [objective.loss], list(objective.gradient), list(objective.hessian)
    return evaluator(loss, arguments, mp), evaluator(gradient, arguments, mp), evaluator(hessian, arguments, mp)


class Derivatives:
    """The loss, gradient and Hessian of an objective, at any point; parameters take the values `at`."""

    def __init__(self, objective: Objective, at: Values) -> None:
        self.weights = objective.weights
        self._parameters = values_of("parameters", objective.parameters, at)
        self._loss, self._gradient, self._hessian = _compiled(objective)

    def loss(self, point: Sequence[Any]) -> Any:
        """L, a number."""
        return self._real(self._loss, point)[0]

    def gradient(self, point: Sequence[Any]) -> Any:
        """∇L, an n × 1 matrix."""
        return mp.matrix(self._real(self._gradient, point))

    def hessian(self, point: Sequence[Any]) -> Any:
        """∇²L, n × n."""
        size = len(self.weights)
        entries = self._real(self._hessian, point)
        return mp.matrix([entries[row * size : (row + 1) * size] for row in range(size)])

    def expansion(self, point: Sequence[Any]) -> LocalExpansion:
        """The expansion about a point at which the loss is real, in the working precision."""
        self.loss(point)  # at −1 the derivatives of log x are real, and log x is not
        hessian = self.hessian(point)
        rising, vectors = mp.eigsy(hessian)
        order = range(len(self.weights) - 1, -1, -1)
        falling = mp.matrix([[vectors[row, column] for column in order] for row in range(len(self.weights))])
        top = falling[:, 0]

        def along(distance: Any) -> Any:
            return self.gradient([coordinate + distance * slope for coordinate, slope in zip(point, top, strict=True)])

        eigenvalues = tuple(rising[index] for index in order)
        return LocalExpansion(tuple(point), self.gradient(point), hessian, eigenvalues, falling, along)

    def _real(self, function: Evaluator, point: Sequence[Any]) -> list[Any]:
        try:
            values = function([*point, *self._parameters])
        except (ArithmeticError, ValueError) as error:
            raise BadInput(f"{self._shown(point)}: the loss has no derivatives there; choose another point") from error
        if not all(isinstance(value, mp.mpf) and mp.isfinite(value) for value in values):
            raise BadInput(f"{self._shown(point)}: the loss has no real derivatives there; choose another point")
        return values

    def _shown(self, point: Sequence[Any]) -> str:
        return ", ".join(f"{name} = {mp.nstr(value, 6)}" for name, value in zip(self.weights, point, strict=True))
