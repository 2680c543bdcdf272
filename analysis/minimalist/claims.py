"""What is claimed of the minimalist example, and the evidence, from at least two channels for every claim.

The symbolic channel compares what was derived with the formulas of the paper, which are written down here; the
simulation channel runs the compiled maps; autograd and network are torch's and share nothing with either. The claims
about where gradient descent ends are in `analysis.minimalist.claims_about_ends`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import xarray as xr
from sympy import Expr, Poly, Rational, Symbol, diff, sqrt

from analysis.study.claim import Claim, agreement, bounded, identity, same, supported, theorem
from analysis.minimalist.experiments import Experiments
from analysis.minimalist.measurements import Measurements
from analysis.minimalist.theory import KAPPA, REMAINDERS, B, D, P, Theory, a, b
from eos_sym import STEP_SIZE as ETA
from eos_sym import Objective

if TYPE_CHECKING:
    from analysis.minimalist.network import NetworkCheck

PAPER = "Zhu et al. 2022"
HERE = "derived here"
ROUNDING = 1e-12
CURVE = (
    2 * B**2
    - Rational(1, 8)
    + 6 * B**3 * ETA
    + (Rational(57, 2) * B**4 + Rational(115, 8) * B**2 + Rational(5, 8)) * ETA**2
)


@dataclass(frozen=True)
class Context:
    """What the checks draw on: the theory, the simulations' data, and the measurements made from them."""

    experiments: Experiments
    data: Mapping[str, xr.Dataset]
    seed: int

    @property
    def theory(self) -> Theory:
        """The derivation under test."""
        return self.experiments.theory

    @cached_property
    def measured(self) -> Measurements:
        """Measurements on the simulations."""
        return Measurements(self.experiments, self.seed)

    @cached_property
    def network(self) -> NetworkCheck:
        """Comparisons with torch, which is loaded when the first check asks for it."""
        from analysis.minimalist.network import NetworkCheck

        return NetworkCheck(self.experiments, self.seed)


def claims_about_maps(context: Context) -> list[Claim]:
    """Gradient descent on four weights, on two, and on D and P."""
    theory = context.theory
    x, y, z, w = theory.objective.weights
    product = x * y * z * w
    full = [weight - ETA * product / weight * (product - 1) for weight in (x, y, z, w)]
    on_subspace = [x - ETA * x * y**2 * (x**2 * y**2 - 1), y - ETA * x**2 * y * (x**2 * y**2 - 1)]
    k = ETA * (P**2 - 1)
    imbalance_and_product = [D * (1 - k**2 * P**2), P * (1 - k * sqrt(D**2 + 4 * P**2) + k**2 * P**2)]
    return [
        Claim(
            "gradient_descent_map",
            "GD on ½(1 − xyzw)² moves x by −ηyzw(xyzw − 1), and y, z, w likewise",
            f"{PAPER}, (1)",
            [
                lambda: identity(full, theory.full_map.step),
                lambda: bounded("autograd", max(context.network.derivative_errors()), below=ROUNDING),
                lambda: bounded("network", context.network.path_error(), below=ROUNDING),
            ],
        ),
        Claim(
            "symmetric_subspace",
            "z = x, w = y is invariant; on it GD moves x by −ηxy²(x²y² − 1) and y by −ηx²y(x²y² − 1)",
            f"{PAPER}, (2)",
            [
                lambda: identity(on_subspace, theory.reduced_map.step),
                lambda: bounded("simulation", max(context.measured.asymmetry()), below=ROUNDING),
            ],
        ),
        Claim(
            "product_map",
            "D = x² − y² and P = xy obey D' = D(1 − k²P²), P' = P(1 − k√(D² + 4P²) + k²P²), k = η(P² − 1), exactly",
            HERE,
            [
                lambda: identity(imbalance_and_product, theory.product_map.step),
                lambda: bounded("simulation", context.measured.product_map_error(), below=ROUNDING),
            ],
        ),
        Claim(
            "no_progressive_sharpening",
            "gradient flow conserves D and GD multiplies it by 1 − k²P²; so where k²P² ≤ 2, neither raises the "
            "sharpness 2√(D² + 4) of the minimum ahead",
            PAPER,
            [
                lambda: identity(0 * x, along_flow(theory.objective, x**2 - y**2)),
                lambda: identity(1 - (ETA * (x**2 * y**2 - 1) * x * y) ** 2, theory.imbalance_cofactor),
                lambda: same("simulation", "D rose 0 times", f"D rose {context.measured.rises_of_imbalance()} times"),
            ],
        ),
    ]


def along_flow(objective: Objective, quantity: Expr) -> Expr:
    """The rate of change of a quantity along gradient flow, −∇q·∇L."""
    return -sum(
        diff(quantity, weight) * slope for weight, slope in zip(objective.weights, objective.gradient, strict=True)
    )


def claims_about_minima(context: Context) -> list[Claim]:
    """The minima and the spectrum of the Hessian."""
    theory = context.theory
    x, y, z, w = theory.objective.weights
    small_eigenvalues = [y**2 * (1 - x**2 * y**2), x**2 * (1 - x**2 * y**2)]
    return [
        Claim(
            "minima",
            "the global minima are xyzw = 1; there the Hessian has three zero eigenvalues and a positive one",
            PAPER,
            [
                lambda: identity(x * y * z * w - 1, theory.minima.equations[0]),
                lambda: theorem("0 has multiplicity 3", f"0 has multiplicity {zeros(theory.spectrum_at_minima)}"),
                lambda: bounded("autograd", context.network.gradient_at_minima(), below=ROUNDING),
            ],
        ),
        Claim(
            "sharpness_at_minima",
            "at a symmetric minimum the sharpness is 2(x² + y²)",
            PAPER,
            [
                lambda: identity(2 * (x**2 + y**2), theory.sharpness_at_minima),
                lambda: bounded("autograd", context.network.symmetric_spectrum_error(at_minima=True), below=ROUNDING),
            ],
        ),
        Claim(
            "small_eigenvalues",
            "at symmetric points y²(1 − γ²) and x²(1 − γ²), γ = xy, are eigenvalues of the Hessian",
            f"corrects the conference text of {PAPER}",
            [
                lambda: identity([0 * x] * 2, [theory.symmetric_spectrum.eval(root) for root in small_eigenvalues]),
                lambda: bounded("autograd", context.network.symmetric_spectrum_error(at_minima=False), below=ROUNDING),
            ],
        ),
    ]


def zeros(characteristic: Poly) -> int:
    """The multiplicity of the eigenvalue 0."""
    return int(min(powers[0] for powers in characteristic.monoms()))


def claims_about_the_edge(context: Context) -> list[Claim]:
    """The series in a and b, and the parabola."""
    one_step = {a: a - 2 * b**2 * KAPPA**3, b: -b - 3 * b**2 - b**3 - 4 * a * b * KAPPA}
    two_steps = {a: a - 4 * b**2 * KAPPA**3, b: b + 8 * a * b * KAPPA - 16 * b**3}
    return [
        _series(context, 1, "one step gives a' = a − 2b²κ³, b' = −b − 3b² − b³ − 4abκ", one_step),
        _series(context, 2, "two steps give a'' = a − 4b²κ³, b'' = b + 8abκ − 16b³", two_steps),
        Claim(
            "parabola",
            "a = 2b²/κ − κ³/8 is invariant under two steps to leading order: they leave it by O(κ⁹) and move by κ⁷",
            PAPER,
            [
                lambda: identity(2 * b**2 / KAPPA - KAPPA**3 / 8, context.theory.parabola),
                lambda: agreement("simulation", 9, context.measured.parabola_defect_exponent(), absolute=0.05),
            ],
        ),
        Claim(
            "orbits_follow_the_curve",
            "GD from above the edge comes to follow the invariant curve: with A = a/κ³, B = b/κ², to within O(η³) of "
            "A = 2B² − 1/8 + 6B³η + (57B⁴/2 + 115B²/8 + 5/8)η²",
            HERE,
            [
                lambda: supported(CURVE, context.theory.curve),
                lambda: agreement("simulation", 3, context.measured.approach_exponent(), absolute=0.25),
            ],
        ),
    ]


def _series(context: Context, steps: int, statement: str, expected: Mapping[Symbol, Expr]) -> Claim:
    """The claim that the expansion holds up to the orders of REMAINDERS in κ, where a = O(κ³) and b = O(κ²)."""
    return Claim(
        f"series_of_{steps}_step{'s'[: steps - 1]}",
        f"{statement}, up to O(κ⁹) and O(κ⁸) where a = O(κ³), b = O(κ²)",
        f"{PAPER}; orders {HERE}",
        [
            lambda: identity(list(expected.values()), list(context.theory.series[steps].values())),
            *(
                lambda name=name, order=order: agreement(
                    "simulation", order, context.measured.remainder_exponent(steps, name, expected[name]), absolute=0.05
                )
                for name, order in REMAINDERS.items()
            ),
        ],
    )
