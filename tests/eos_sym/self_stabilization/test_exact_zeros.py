"""What is said to vanish at a point does, and nothing is said where that cannot be computed in rational numbers."""

import pytest

from eos_sym import Objective
from eos_sym.self_stabilization.exact_zeros import ExactZeros, exact_zeros


@pytest.mark.parametrize(
    ("loss", "steepness", "sharpening"),
    [
        ("2*x**2 + y**2/2 + x**2*y/2 + y", False, False),  # ∇S⊥ = (0, 1), α = −1
        ("2*x**2 + y**2/2 + x**2*y/2", False, True),
        ("2*x**2 + y**2/2 + x**3/6 + y", True, True),  # ∇S is along u
        ("2*x**2 + 3*x*y + y**2 + x**2*y/2 + x", False, False),  # λ₁ = 3 + √10
        ("2*x**2 + 3*x*y + y**2", True, True),
    ],
)
def test_what_vanishes_at_the_origin_is_known_by_hand(loss, steepness, sharpening):
    objective = Objective.from_text(loss, "x y")
    assert exact_zeros(objective, dict.fromkeys(objective.weights, 0)) == ExactZeros(steepness, sharpening)


@pytest.mark.parametrize(
    "loss",
    [
        "(x**2 + y**2)/2 + x**3",  # λ₁ = λ₂
        "exp(x + 1) + y**2",  # a derivative is e
    ],
)
def test_nothing_is_known_of_a_double_eigenvalue_and_of_numbers_that_are_not_rational(loss):
    objective = Objective.from_text(loss, "x y")
    assert exact_zeros(objective, dict.fromkeys(objective.weights, 0)) == ExactZeros(False, False)
