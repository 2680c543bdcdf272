"""The invariant curve of a planar map near the identity, as a formal series.

For (A, B) ↦ (A + hᵐ f(A, B) + …, B + hᵐ g(A, B) + …) the curve A = φ(B; h) = φ₀(B) + h φ₁(B) + … is invariant iff

    δ(φ) = A'(φ(B), B) − φ(B'(φ(B), B)) = 0.

The φ_k are sought as polynomials in B, order by order: φ₀ from f(φ₀, B) = φ₀' g(φ₀, B), and φ_k from a linear equation,

    (f_A − φ₀' g_A) φ_k − g φ_k' = −[h^{m+k}] δ(φ₀ + … + h^{k−1} φ_{k−1}),      f_A, g, g_A at A = φ₀(B).

The series is formal: it says nothing about whether orbits approach the curve, which is for a simulation to show.

Errors: `Undecided` if at some order no polynomial solves the equation, or more than one does.
"""

from __future__ import annotations

from sympy import Dummy, Expr, Integer, Poly, Symbol, default_sort_key, diff, solve, symbols

from eos_sym.algebra import expand_in
from eos_sym.errors import Undecided
from eos_sym.rules import Map

LEADING_DEGREE = 2  # φ₀ is sought among the quadratics: the generic curve that meets B = 0 at an extremum


def invariant_curve(series: Map, parameter: Symbol, orders: int) -> Expr:
    """φ₀ + … + h^{orders−1} φ_{orders−1} for a map in the state (A, B) whose steps are polynomials in A, B and h.

    The steps must be known up to O(h^{m+orders}).
    """
    slow, fast = series.state
    motion = [(step - variable).expand() for variable, step in series.substitution.items()]
    leading = min(min(powers[0] for powers in Poly(change, parameter).monoms()) for change in motion)
    drift, push = (change.coeff(parameter, leading) for change in motion)

    ansatz = _polynomial(fast, LEADING_DEGREE)
    curve = first = _solve(drift.subs(slow, ansatz) - diff(ansatz, fast) * push.subs(slow, ansatz), ansatz, fast)
    tilt = (diff(drift, slow) - diff(first, fast) * diff(push, slow)).subs(slow, first)
    for order in range(1, orders):
        moved_slow, moved_fast = (step.subs(slow, curve) for step in series.step)
        defect = expand_in(moved_slow - curve.subs(fast, moved_fast), parameter, leading + order + 1)
        defect = defect.coeff(parameter, leading + order)
        ansatz = _polynomial(fast, max(Poly(defect, fast).degree(), 0))
        equation = tilt * ansatz - push.subs(slow, first) * diff(ansatz, fast) + defect
        curve = (curve + parameter**order * _solve(equation, ansatz, fast)).expand()
    return curve


def _polynomial(variable: Symbol, degree: int) -> Expr:
    """A polynomial of the given degree whose coefficients are unknown."""
    coefficients = symbols(f"coefficient0:{degree + 1}", cls=Dummy)
    return sum((coefficient * variable**power for power, coefficient in enumerate(coefficients)), Integer(0))


def _solve(equation: Expr, ansatz: Expr, variable: Symbol) -> Expr:
    """The one ansatz for which the equation holds at every value of the variable."""
    unknowns = sorted(ansatz.free_symbols - {variable}, key=default_sort_key)
    solutions = solve(Poly(equation, variable).coeffs(), unknowns, dict=True)
    if len(solutions) != 1 or set(solutions[0]) != set(unknowns):
        raise Undecided(f"the invariant curve: {len(solutions)} polynomials in {variable} solve its equation, not one")
    return ansatz.subs(solutions[0])
