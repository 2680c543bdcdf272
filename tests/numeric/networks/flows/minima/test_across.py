import numpy as np
import pytest
import torch
from torch import nn

from eos_sym.rules import NormalizedGradientDescent, RootLossGradientDescent
from numeric.networks.flows.minima import Oscillation
from numeric.networks.loss import FlatLoss, half_squared_error

ETA, SHARE = 0.1, 0.3
EIGENVALUES = (2.0, 0.5, 0.0)
RULES = {NormalizedGradientDescent(): ETA, RootLossGradientDescent(): ETA * 1.0}  # width ηw: w = √(λ₁/2) = 1


def quadratic():
    """½ Σ λᵢθᵢ², one of them 0, as a linear layer."""
    roots = torch.tensor(EIGENVALUES, dtype=torch.float64).sqrt()
    layer = nn.Linear(3, 1, bias=False).double()
    inputs = torch.diag(roots * 3**0.5)  # the criterion takes the mean of 3 examples
    return FlatLoss(layer, inputs, torch.zeros(3, 1, dtype=torch.float64), half_squared_error)


def stepped(rule, weights):
    """A step by hand."""
    curved = torch.tensor(EIGENVALUES, dtype=torch.float64) * weights
    if isinstance(rule, NormalizedGradientDescent):
        return weights - ETA * curved / curved.norm()
    return weights - ETA * curved / (2 * (weights @ curved / 2).sqrt())


@pytest.mark.parametrize("rule", RULES, ids=["normalized", "root_loss"])
def test_on_a_two_cycle_of_a_quadratic_all_is_as_the_theory_says(rule):
    """C = .3, not ½: S is 1/C and 1/(1 − C). Caught: an effective step of the other rule, η for it, ηλ₁ for ½ηλ₁."""
    path = [torch.tensor([SHARE * RULES[rule], 0.0, 0.7], dtype=torch.float64)]
    for _ in range(2):
        path.append(stepped(rule, path[-1]))
    here = Oscillation(rule, quadratic(), ETA, torch.stack(path))
    assert here.cosine == pytest.approx(1)
    assert here.turn == pytest.approx(0, abs=1e-12)
    assert here.stableness == pytest.approx((1 / SHARE, 1 / (1 - SHARE)))
    assert here.reciprocals == pytest.approx(1)
    assert here.share == pytest.approx(1 - SHARE)  # at the second of the three
    assert here.root_losses == pytest.approx(here.expected_root_losses)
    assert here.expected_root_losses == pytest.approx(ETA)  # η√(λ₁/2) and ½ηλ₁ are both η at λ₁ = 2


def test_on_a_lesser_eigenvector_it_is_not():
    """Caught: measures that compare the run with itself, and so hold of any two-cycle."""
    rule = NormalizedGradientDescent()
    path = [torch.tensor([0.0, SHARE * ETA, 0.7], dtype=torch.float64)]
    for _ in range(2):
        path.append(stepped(rule, path[-1]))
    here = Oscillation(rule, quadratic(), ETA, torch.stack(path))
    assert here.cosine == pytest.approx(0, abs=1e-12)
    assert here.reciprocals == pytest.approx(EIGENVALUES[1] / EIGENVALUES[0])
    assert here.root_losses / here.expected_root_losses == pytest.approx(np.sqrt(EIGENVALUES[1] / EIGENVALUES[0]))
