"""The losses of the papers, by name.

    quadratic(n)     ½ Σ λᵢ θᵢ²             λᵢ > 0 are parameters
    product(depth)   ½ (1 − x₁ x₂ … x_d)²   a deep linear network of width 1 on one example with label 1
    minimalist()     ½ (1 − x y z w)²       product(4) in the letters of its paper
    shallow()        ½ (1 − x y)²           that paper's degree-2 comparison, product(2) in its letters
    sgd_pair()       min{x², (x−1)²/10}, min{x², 19(x−1)²/10}   a family of two losses, for SGD

Sources: :cite:t:`cohen2021edge`, §2, for the quadratic; :cite:t:`zhu2022minimalist` for the minimalist example and its
comparison; :cite:t:`wu2018sgd` for the pair.
"""

from __future__ import annotations

from inspect import isfunction

from sympy import Integer, Min, Mul, Rational, Symbol, symbols

from eos_sym.errors import BadInput
from eos_sym.losses.family import LossFamily
from eos_sym.losses.objective import Objective


def quadratic(dimension: int) -> Objective:
    """½ Σ λᵢ θᵢ² with weights theta1, theta2, … and positive parameters lambda1, lambda2, …."""
    _at_least_one("dimension", dimension)
    weights = symbols(f"theta1:{dimension + 1}", real=True)
    eigenvalues = symbols(f"lambda1:{dimension + 1}", positive=True)
    terms = (eigenvalue * weight**2 / 2 for eigenvalue, weight in zip(eigenvalues, weights, strict=True))
    return Objective(f"quadratic({dimension})", sum(terms, Integer(0)), weights, eigenvalues)


def product(depth: int) -> Objective:
    """½ (1 − x₁ x₂ … x_depth)² with weights x1, x2, …."""
    _at_least_one("depth", depth)
    return _product_loss(f"product({depth})", symbols(f"x1:{depth + 1}", real=True))


def minimalist() -> Objective:
    """½ (1 − x y z w)² with weights x, y, z, w."""
    return _product_loss("minimalist", symbols("x y z w", real=True))


def shallow() -> Objective:
    """½ (1 − x y)² with weights x, y."""
    return _product_loss("shallow", symbols("x y", real=True))


def sgd_pair() -> LossFamily:
    """The losses f₁ = min{x², (x−1)²/10} and f₂ = min{x², 19(x−1)²/10}, with common minima at 0 and 1."""
    x = Symbol("x", real=True)
    losses = tuple(Min(x**2, curvature * (x - 1) ** 2) for curvature in (Rational(1, 10), Rational(19, 10)))
    return LossFamily("sgd_pair", losses, (x,))


def _product_loss(name: str, weights: tuple[Symbol, ...]) -> Objective:
    return Objective(name, Rational(1, 2) * (1 - Mul(*weights)) ** 2, weights)


def _at_least_one(name: str, value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise BadInput(f"{name} = {value}: must be a whole number, 1 or more")


# A loss of a paper is in the catalogue by being a function above.
LOSSES = {
    name: made
    for name, made in tuple(globals().items())
    if isfunction(made) and made.__module__ == __name__ and not name.startswith("_")
}
