import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sympy import Integer, symbols
from torch import nn

from eos_sym import BadInput, Objective, Undecided, shallow
from eos_sym.flows import limit_flow as formal_limit_flow
from eos_sym.rules import GradientDescent, NormalizedGradientDescent, RootLossGradientDescent
from numeric import compile_flow
from numeric.networks import scalar_chain
from numeric.networks.curvature import hessian
from numeric.networks.flows.minima import limit_flow, limit_flow_from, nearest_minimum
from numeric.networks.loss import FlatLoss, half_squared_error
from tests.numeric.networks.flows.minima.networks import network

RULES = (NormalizedGradientDescent(), RootLossGradientDescent())
NOTHING = torch.zeros(1, 1, dtype=torch.float64)
x, y = symbols("x y", real=True)


class Valley(nn.Module):
    """Of every input the output y √(1 + x²); with a second one, of curvature `other`, z √other."""

    def __init__(self, start, other=None):
        super().__init__()
        self.x, self.y, self.z = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in (*start, 0.1))
        self.z.requires_grad_(other is not None)
        self.other = other

    def forward(self, inputs):
        outputs = [self.y * (1 + self.x**2).sqrt()]
        if self.other is not None:
            outputs.append(self.z * self.other**0.5)
        return inputs.new_ones(len(inputs), 1) * torch.stack(outputs)


@pytest.mark.parametrize("rule", RULES, ids=["normalized", "root_loss"])
def test_in_the_valley_of_the_toy_it_is_the_derived_flow(rule):
    """Caught: another coefficient than ¼ or ⅛, log λ₁ for λ₁, a flow that begins beside Γ."""
    valley = Objective("straight", (1 + x**2) * y**2 / 2, (x, y))
    formal = compile_flow(formal_limit_flow(rule, valley, {y: Integer(0)}))
    expected = formal.run({"x": 1.0}, {}, times=np.linspace(0, 2, 5), rtol=1e-11, atol=1e-13).trajectory[:, 0]
    told = limit_flow(rule, Valley((1.0, 0.2)), half_squared_error, NOTHING, NOTHING, until=2.0, points=5)
    start = float(told.weights[0, 0])
    assert start == pytest.approx(1.0, abs=0.02)  # the nearest minimum is not (1, 0), but nearly
    told = limit_flow(rule, Valley((1.0, 0.0)), half_squared_error, NOTHING, NOTHING, until=2.0, points=5)
    np.testing.assert_allclose(told.weights[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(told.sharpness, 1 + expected**2, rtol=1e-6)
    assert told.attrs["ending"] == "time"


@pytest.mark.parametrize("rule", RULES, ids=["normalized", "root_loss"])
def test_along_the_hyperbola_of_a_chain_it_is_the_derived_flow(rule):
    """Caught: a gradient of the sharpness that is not projected, or projected along the wrong normal: Γ is curved."""
    loss = shallow()
    formal = compile_flow(formal_limit_flow(rule, loss, loss.minima.chart))
    times = np.linspace(0, 2, 5)
    expected = formal.run({"x": 2.5}, {}, times=times, rtol=1e-11, atol=1e-13).trajectory[:, 0].values
    told = limit_flow_from(rule, scalar_chain(2), torch.tensor([2.5, 0.4], dtype=torch.float64), times.tolist())
    np.testing.assert_allclose(told.weights[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(told.weights[:, 1], 1 / expected, rtol=1e-6)
    np.testing.assert_allclose(told.sharpness, expected**2 + expected**-2.0, rtol=1e-6)


def test_the_velocity_of_a_network_is_that_of_differences_of_the_sharpness():
    """Caught: ∇λ₁ of the wrong eigenvector or without ∇³L, P_Γ of the wrong rank: against dense Hessians alone."""
    loss = network()
    start = nearest_minimum(loss, loss.parameters).weights
    step = 1e-3
    told = limit_flow_from(RootLossGradientDescent(), loss, start, [0, step])
    velocity = (told.weights[1] - told.weights[0]).values / step
    vectors = torch.linalg.eigh(hessian(loss, start))[1]
    flat = vectors[:, : -len(loss.inputs)]  # the null space: as many curved directions as examples
    differences = []
    for direction in flat.T:
        ahead, behind = (torch.linalg.eigvalsh(hessian(loss, start + sign * 1e-4 * direction))[-1] for sign in (1, -1))
        differences.append(float(ahead - behind) / 2e-4)
    expected = -flat @ torch.tensor(differences, dtype=torch.float64) / 8
    np.testing.assert_allclose(velocity, expected, atol=2e-3 * float(expected.norm()))


def test_a_network_stays_on_its_minima_and_becomes_flatter():
    """Caught: no retraction, or one that leaves the loss where the integration has taken it."""
    loss = network(1)
    told = limit_flow_from(NormalizedGradientDescent(), loss, loss.parameters, np.linspace(0, 2, 5).tolist())
    assert (told.sharpness.diff("tau") < 0).all()
    for weights, sharpness in zip(told.weights.values, told.sharpness.values, strict=True):
        assert float(loss(torch.from_numpy(weights))) < 1e-22
        top = torch.linalg.eigvalsh(hessian(loss, torch.from_numpy(weights)))[-1]
        assert float(top) == pytest.approx(sharpness, rel=1e-9)
    assert 10 * float(told.excess.max()) < float(told.drifted.max()) < 1e-14


def test_it_ends_where_the_top_eigenvalue_becomes_double():
    """1 + x² falls to 1.5, the curvature of z. Caught: a flow that goes on along whichever eigenvector is on top."""
    loss = FlatLoss(Valley((1.0, 0.0), other=1.5), NOTHING, torch.zeros(1, 2, dtype=torch.float64), half_squared_error)
    told = limit_flow_from(RootLossGradientDescent(), loss, loss.parameters, np.linspace(0, 4, 9).tolist())
    assert told.attrs["ending"] == "double"
    assert float(told.tau[-1]) == pytest.approx(-2 * np.log(1.5 / 0.99 - 1), abs=1e-5)  # x = e^{−τ/4}, 1 + x² = 1.5/.99
    assert float(told.second[-1]) == pytest.approx(1.5)


def test_rules_that_converge_have_no_limit_flow():
    with pytest.raises(Undecided, match="comes to rest"):
        limit_flow_from(GradientDescent(), scalar_chain(2), torch.tensor([2.0, 0.5], dtype=torch.float64), [0, 1])


@pytest.mark.parametrize("until", [0.0, -1.0, np.inf])
def test_times_that_are_not_positive_are_refused(until):
    with pytest.raises(BadInput, match="until"):
        limit_flow(RULES[0], Valley((1.0, 0.0)), half_squared_error, NOTHING, NOTHING, until=until)


def test_what_is_no_rule_is_refused():
    with pytest.raises(BadInput, match=r"give one of eos_sym\.rules"):
        limit_flow("NGD", Valley((1.0, 0.0)), half_squared_error, NOTHING, NOTHING, until=1.0)


def test_a_criterion_without_curvature_has_no_minima():
    with pytest.raises(Undecided, match="not convex at the module's outputs"):
        limit_flow(RULES[0], Valley((1.0, 0.0)), lambda outputs, _: outputs.mean(), NOTHING, NOTHING, until=1.0)


def test_an_integration_that_comes_to_a_halt_is_undecided(monkeypatch):
    """Caught: one that goes on from where it halted as if it were at the time asked for."""
    halted = SimpleNamespace(status=-1, message="step too small", t=np.array([0.1]), y=np.array([[2.5], [0.4]]))
    monkeypatch.setattr(sys.modules[limit_flow.__module__], "solve_ivp", lambda *_, **__: halted)
    start = torch.tensor([2.5, 0.4], dtype=torch.float64)
    with pytest.raises(Undecided, match=r"could not be followed beyond τ = 0\.1: step too small"):
        limit_flow_from(RULES[0], scalar_chain(2), start, [0.0, 1.0, 2.0])
