"""What is claimed of degree 2 beside degree 4, and the evidence, from at least two channels for every claim.

The claims about where gradient descent ends are in `analysis.shallow.claims_about_ends`.
"""

from __future__ import annotations

from sympy import Expr, sqrt

from analysis.claim import Claim, agreement, bounded, identity
from analysis.minimalist.theory import KAPPA, SCALE, P, a, b
from analysis.shallow.experiments import STEP_SIZE_RATIO
from analysis.shallow.measurements import Comparison, Networks
from analysis.shallow.theory import (
    LEVEL,
    SCALED_IMBALANCE,
    SERIES_ORDERS,
    frozen_product_map,
    square_of_squares,
    with_step_size,
)
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in

PAPER = "Zhu et al. 2022"
HERE = "derived here"
ROUNDING = 1e-12


def claims_about_the_pair(compared: Comparison) -> list[Claim]:
    """How the two losses correspond."""
    theories = compared.pair.theories
    x, y = theories[2].reduced_map.state
    sharpness = {degree: theory.sharpness_at_minima for degree, theory in theories.items()}
    minimalist = tuple(step.subs(ETA, ETA / 2) for step in theories[4].reduced_map.step)
    return [
        Claim(
            "step_sizes",
            "GD on ½(1 − x²y²)² with the step size η/4 is GD on ½(1 − xyzw)² with η/2 on z = x, w = y",
            HERE,
            [
                lambda: identity(minimalist, with_step_size(square_of_squares(), ETA / 4)),
                lambda: bounded("simulation", compared.difference_of_squares(), below=ROUNDING),
            ],
        ),
        Claim(
            "same_edge",
            "at xy = 1 the sharpness is x² + y² at degree 2 and 2(x² + y²) at degree 4, so with η and η/2 both are at "
            "the edge where D² + 4 = 4/η²",
            HERE,
            [
                lambda: identity([x**2 + y**2, 2 * (x**2 + y**2)], [sharpness[2], sharpness[4]]),
                lambda: identity(theories[2].edge_root, theories[4].edge_root.subs(ETA, ETA / 2)),
                lambda: bounded("autograd", Networks().sharpness_errors(compared.seed), below=ROUNDING),
            ],
        ),
        Claim(
            "no_cubic_term",
            "as η → 0 at fixed K = ηD, one step takes P to P − K(P − 1) at degree 2, which is linear, and to "
            "P(1 + K − KP²) at degree 4, which is cubic",
            HERE,
            [
                lambda: identity(P - SCALED_IMBALANCE * (P - 1), frozen_product_map(theories[2])),
                lambda: identity(P * (1 + SCALED_IMBALANCE * (1 - P**2)), frozen_product_map(theories[4])),
                *(
                    lambda degree=degree: agreement("simulation", 2, compared.frozen_exponent(degree), absolute=0.1)
                    for degree in STEP_SIZE_RATIO
                ),
            ],
        ),
    ]


def claims_about_ellipses(compared: Comparison) -> list[Claim]:
    """The series of degree 2 and what it conserves."""
    theory = compared.theory
    series = {a: a - sqrt(2) * b**2 * KAPPA**3, b: b + 4 * sqrt(2) * a * b * KAPPA}
    damping = -2 * b**3 * KAPPA**4
    return [
        Claim(
            "series_of_2_steps",
            "at degree 2, two steps give a'' = a − √2 b²κ³ + O(κ¹¹), b'' = b + 4√2 abκ + O(κ¹⁰) where a = O(κ³), "
            "b = O(κ²)",
            f"{PAPER}; orders {HERE}",
            [
                lambda: identity(list(series.values()), list(theory.series[2].values())),
                *(
                    lambda name=name, order=order: agreement(
                        "simulation", order, compared.remainder_exponent(name, series[name]), absolute=0.05
                    )
                    for name, order in SERIES_ORDERS.items()
                ),
            ],
        ),
        Claim(
            "weak_damping",
            "the cubic term of degree 2 is −2b³κ⁴, smaller by κ⁴/8 = η²/8 than the −16b³ of degree 4",
            HERE,
            [
                lambda: identity(damping, cubic_term(compared)),
                lambda: agreement("simulation", 10, compared.remainder_exponent(b, series[b] + damping), absolute=0.05),
            ],
        ),
        Claim(
            "ellipses",
            "to leading order two steps conserve C = a² + κ²b²/4: orbits run along b² = 4(C − a²)/κ², and C changes "
            "by a part of it that is proportional to the size of the ellipse",
            HERE,
            [
                lambda: identity(4 * (LEVEL - a**2) / KAPPA**2, theory.ellipse_branch),
                lambda: agreement("simulation", 1, compared.ellipse_exponent(), absolute=0.1),
            ],
        ),
    ]


def cubic_term(compared: Comparison) -> Expr:
    """The term of b'' in b³ at degree 2, from one order more of the series in h, where κ² = 2h²."""
    step = compared.theory.centred_map.iterate(2).substitution[b]
    expansion = expand_in(step.subs(ETA, 2 * KAPPA**2), KAPPA, SERIES_ORDERS[b] + 1, SCALE)
    cubic = expansion.coeff(b, 3).coeff(a, 0).subs(KAPPA, KAPPA / sqrt(2))
    return (cubic * b**3).expand()
