"""Equations in one unknown solved in closed form: all real solutions u of p(f(u)) = 0.

    f(u) = c, one value      exp, log, sinh, tanh, asinh, acosh, atanh, asin, acos, atan, erf, roots: u = f⁻¹(c)
              two values     |u| = c, cosh u = c:       u = ±c, ±acosh c
              a period       cos u = c, sin u = c:      u = ±acos c + 2πk, ½π ± acos c + 2πk
                             tan u = c:                 u = atan c + πk
    p(c) = 0                 p linear, quadratic, quadratic in the square, or of two terms

where k is any integer, a symbol, and erf u = c is solved for c = 0 alone, since erf⁻¹ is not of the language. Whether c
lies in the range of f is decided for numbers; a c with parameters whose place is not known is taken to do so, and the
solution then is real only where it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import (
    Abs,
    Expr,
    Integer,
    Poly,
    PolynomialError,
    Rational,
    Symbol,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cancel,
    cos,
    cosh,
    erf,
    erfinv,
    exp,
    log,
    oo,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)

Inverse = tuple[Callable[[Expr], Expr], Expr, Expr]  # f⁻¹ and the ends of the range of f
OPEN: dict[type, Inverse] = {
    exp: (log, Integer(0), oo),
    log: (exp, -oo, oo),
    sinh: (asinh, -oo, oo),
    asinh: (sinh, -oo, oo),
    tanh: (atanh, Integer(-1), Integer(1)),
    atanh: (tanh, -oo, oo),
    atan: (tan, -pi / 2, pi / 2),
    erf: (erfinv, Integer(-1), Integer(1)),
}
CLOSED: dict[type, Inverse] = {
    Abs: (lambda value: value, Integer(0), oo),
    acos: (cos, Integer(0), pi),
    acosh: (cosh, Integer(0), oo),
    asin: (sin, -pi / 2, pi / 2),
    cos: (acos, Integer(-1), Integer(1)),
    cosh: (acosh, Integer(1), oo),
    sin: (lambda value: pi / 2 - acos(value), Integer(-1), Integer(1)),
}
PERIODIC = (sin, cos, tan)


def solutions(kernel: Expr, value: Expr, integer: Symbol) -> list[Expr] | None:
    """What the argument u of the kernel f(u) must equal for f(u) = value; None for a function that is not known."""
    function = kernel.func
    if kernel.is_Pow and kernel.exp.is_Rational and kernel.exp.is_positive:
        return [value ** (1 / kernel.exp)] if _reached(value, Integer(0), oo, closed=True) else []
    if function is sign:
        return [Integer(0)] if value == 0 else None
    if function is tan:
        return [atan(value) + pi * integer]
    inverse = OPEN.get(function) or CLOSED.get(function)
    if inverse is None:
        return None
    if not _reached(value, *inverse[1:], closed=function in CLOSED):
        return []
    if function is erf and value != 0:
        return None
    principal = inverse[0](value)
    if function in (Abs, cosh):
        return list(dict.fromkeys([principal, -principal]))
    if function in (sin, cos):
        mirrored = pi - principal if function is sin else -principal
        both = [principal] if value in (1, -1) else [principal, mirrored]
        return [angle + 2 * pi * integer for angle in both]
    return [principal]


def _reached(value: Expr, lower: Expr, upper: Expr, *, closed: bool) -> bool:
    """Whether a value may lie between the ends; they are part of the range if it is closed."""
    if value.is_real is False:
        return False
    distances = [value - lower] * bool(lower.is_finite) + [upper - value] * bool(upper.is_finite)
    return all((part.is_nonnegative if closed else part.is_positive) is not False for part in distances)


def roots_in(equation: Expr, unknown: Symbol) -> list[Expr] | None:
    """All real roots of a polynomial equation, and those of which that is not known; None without closed forms."""
    try:
        polynomial = Poly(equation, unknown)
    except PolynomialError:
        return None
    (degree, leading), *lower = [(powers[0], coefficient) for powers, coefficient in polynomial.terms()]
    if not lower:
        found = [Integer(0)]
    elif len(lower) == 1 and lower[0][0] == 0 and degree != 2:
        value = cancel(-lower[0][1] / leading)
        if degree % 2 == 0:
            found = [value ** Rational(1, degree), -(value ** Rational(1, degree))]
        elif value.is_nonnegative or degree == 1:
            found = [value ** Rational(1, degree)]
        elif value.is_negative:
            found = [-((-value) ** Rational(1, degree))]
        else:
            return None
    else:
        quadratic = square_roots(equation, unknown)
        if quadratic is None:
            return None
        found = quadratic
    return [root for root in found if root.is_real is not False]


def square_roots(equation: Expr, unknown: Symbol) -> list[Expr] | None:
    """All roots, if the equation is quadratic in the unknown or in its square; complex ones included."""
    try:
        polynomial = Poly(equation, unknown)
    except PolynomialError:
        return None
    degree = polynomial.degree()
    if degree == 2:
        return _quadratic(polynomial.all_coeffs())
    if degree == 4 and not polynomial.coeff_monomial(unknown) and not polynomial.coeff_monomial(unknown**3):
        squares = _quadratic([polynomial.coeff_monomial(unknown**power) for power in (4, 2, 0)])
        return [root for square in squares for root in (sqrt(square), -sqrt(square))]
    return None


def _quadratic(coefficients: Sequence[Expr]) -> list[Expr]:
    a, b, c = coefficients
    center, width = cancel(-b / (2 * a)), sqrt(cancel(b**2 / (4 * a**2) - c / a))
    return [center + width, center - width]
