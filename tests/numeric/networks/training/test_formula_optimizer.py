"""Optimizers made of formulas: the bits of torch.optim, loops by hand, and whatever a formula may ask for."""

import copy
import math

import numpy as np
import pytest
import torch
from sympy import Symbol, exp, sign, sqrt
from torch import nn

from benchmarks import optimizers as benchmark
from eos_sym import STEP_SIZE, BadInput, product, shallow
from eos_sym import rules as formulas
from eos_sym.rules import GRADIENT, MOMENTUM, THETA, GradientAt, LossAt, Norm, Update
from numeric import compile_map
from numeric.networks.curvature import inverse_preconditioner
from numeric.networks.loss import torch_function
from numeric.networks.training.optimizers import (
    SAM,
    Adam,
    FormulaOptimizer,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    RMSProp,
    RootLossGradientDescent,
    WeightDecay,
)

STEPS = 60
PAIRS = {
    "gd": (GradientDescent(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "heavy ball": (HeavyBall(0.01, 0.9), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    "heavy ball without momentum": (HeavyBall(0.05, 0.0), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.0)),
    "nesterov": (Nesterov(0.01, 0.7), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.7, nesterov=True)),
    "rmsprop": (
        RMSProp(0.003, 0.9, 1e-6),
        lambda p: torch.optim.RMSprop(p, lr=0.003, alpha=0.9, eps=1e-6),
    ),
    "adam": (Adam(0.003), lambda p: torch.optim.Adam(p, lr=0.003)),
    "adam, other numbers": (
        Adam(0.003, 0.7, 0.93, 1e-4),
        lambda p: torch.optim.Adam(p, lr=0.003, betas=(0.7, 0.93), eps=1e-4),
    ),
    "gd, coupled decay": (
        WeightDecay(GradientDescent(0.05), 0.01, coupled=True),
        lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.01),
    ),
    "heavy ball, coupled decay": (
        WeightDecay(HeavyBall(0.01, 0.9), 0.01, coupled=True),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.01),
    ),
    "nesterov, coupled decay": (
        WeightDecay(Nesterov(0.01, 0.9), 0.01, coupled=True),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "rmsprop, coupled decay": (
        WeightDecay(RMSProp(0.003), 0.01, coupled=True),
        lambda p: torch.optim.RMSprop(p, lr=0.003, weight_decay=0.01),
    ),
    "adam, coupled decay": (
        WeightDecay(Adam(0.003), 0.01, coupled=True),
        lambda p: torch.optim.Adam(p, lr=0.003, weight_decay=0.01),
    ),
    "adamw": (
        WeightDecay(Adam(0.003), 0.01, coupled=False),
        lambda p: torch.optim.AdamW(p, lr=0.003, weight_decay=0.01),
    ),
}


class Net:
    """A small network with a loss, trained by an optimizer of its parameters."""

    def __init__(self, build, dtype=torch.float32):
        generator = torch.Generator().manual_seed(5)
        self.module = nn.Sequential(nn.Linear(5, 17), nn.Tanh(), nn.Linear(17, 3)).to(dtype)
        with torch.no_grad():
            for parameter in self.module.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 3)
        self.inputs, self.targets = (torch.randn(40, n, generator=generator).to(dtype) for n in (5, 3))
        self.optimizer = build(self.module.parameters())

    def evaluate(self):
        self.optimizer.zero_grad()
        loss = (self.module(self.inputs) - self.targets).square().mean()
        loss.backward()
        return loss

    def train(self, steps):
        for _ in range(steps):
            self.evaluate()
            self.optimizer.step(self.evaluate)
        return self

    @property
    def weights(self):
        return nn.utils.parameters_to_vector(self.module.parameters()).detach()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PAIRS)
def test_the_steps_are_those_of_torch_to_the_last_bit(name, dtype):
    description, build = PAIRS[name]
    ours, theirs = Net(description.build, dtype), Net(build, dtype)
    start = ours.weights
    for _ in range(STEPS):
        ours.train(1), theirs.train(1)
        assert torch.equal(ours.weights, theirs.weights)
    assert (ours.weights - start).abs().max() > 0.01


@pytest.mark.parametrize("name", PAIRS)
def test_a_state_of_torch_s_optimizer_is_gone_on_from(name):
    description, build = PAIRS[name]
    ours, theirs = Net(description.build), Net(build).train(7)
    ours.module.load_state_dict(theirs.module.state_dict())
    ours.optimizer.load_state_dict(copy.deepcopy(theirs.optimizer.state_dict()))
    assert torch.equal(ours.train(20).weights, theirs.train(20).weights)


@pytest.mark.parametrize("name", ["rmsprop", "adam, other numbers", "adamw"])
def test_the_preconditioner_of_the_formula_is_that_of_torch_s_state(name):
    description, build = PAIRS[name]
    ours, theirs = Net(description.build), Net(build)
    assert inverse_preconditioner(ours.optimizer, [*ours.module.parameters()]) is None
    inverses = [inverse_preconditioner(net.train(9).optimizer, [*net.module.parameters()]) for net in (ours, theirs)]
    assert torch.equal(*inverses)
    assert inverses[0].std() > 0


def test_a_parameter_without_a_gradient_stays_where_it_is():
    moving, resting = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    optimizer = Adam(0.1).build([moving, resting])
    optimizer.step()
    moving.grad = torch.ones(2)
    optimizer.step()
    assert (moving < 1).all()
    assert (resting == 1).all()
    assert inverse_preconditioner(optimizer, [moving, resting])[2:].tolist() == [0.0] * 3


def gradient_of(loss, weights):
    """The gradient by central differences with complex steps: nothing of torch, nothing of SymPy."""
    steps = 1e-20j * np.eye(len(weights))
    return np.array([loss(weights + step).imag for step in steps]) / 1e-20


def chain(weights):
    return (1 - weights.prod()) ** 2 / 2


def by_hand(name, weights, steps, eta, rho):
    path = [np.array(weights)]
    for _ in range(steps):
        here = path[-1]
        slope = gradient_of(chain, here)
        length = math.sqrt(sum(slope**2))
        if name == "sam":
            step = gradient_of(chain, here + rho * slope / length)
        else:
            step = slope / length if name == "normalized" else slope / (2 * math.sqrt(chain(here)))
        path.append(here - eta * step)
    return np.array(path)


def path_of(build, objective, weights, steps):
    """The iterates on a loss formula, the weights in two parameters."""
    loss = torch_function(objective.loss, objective.weights)
    theta = torch.tensor(weights, dtype=torch.float64)
    parts = [nn.Parameter(theta[:1].clone()), nn.Parameter(theta[1:].clone())]
    optimizer, path = build(parts), [theta.numpy()]

    def evaluate():
        optimizer.zero_grad()
        value = loss(torch.cat(parts))
        value.backward()
        return value

    for _ in range(steps):
        evaluate()
        optimizer.step(evaluate)
        path.append(torch.cat(parts).detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("sam", SAM(0.1, 0.3)),
        ("normalized", NormalizedGradientDescent(0.1)),
        ("root", RootLossGradientDescent(0.1)),
    ],
)
def test_the_rules_that_torch_lacks_take_the_steps_of_a_loop_by_hand(name, description):
    start = (1.2, 0.3, 0.5)
    found = path_of(description.build, product(3), start, 25)
    np.testing.assert_allclose(found, by_hand(name, start, 25, 0.1, 0.3), rtol=0, atol=1e-12)
    assert np.ptp(found, axis=0).min() > 0.1


@pytest.mark.parametrize(
    ("description", "own"),
    [
        (GradientDescent(0.2), {}),
        (HeavyBall(0.1, 0.6), {"momentum": 0.6}),
        (NormalizedGradientDescent(0.1), {}),
        (RootLossGradientDescent(0.1), {}),
        (SAM(0.1, 0.05), {"rho": 0.05}),
        (RMSProp(0.01, 0.9, 1e-3), {"beta2": 0.9, "epsilon": 1e-3}),
        (Adam(0.01, 0.8, 0.9, 1e-3), {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}),
        (WeightDecay(Adam(0.01, 0.8, 0.9, 1e-3), 0.3, True), {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}),
        (WeightDecay(Adam(0.01, 0.8, 0.9, 1e-3), 0.3, False), {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}),
        (WeightDecay(SAM(0.1, 0.05), 0.3, coupled=True), {"rho": 0.05}),
        (WeightDecay(RootLossGradientDescent(0.1), 0.3, coupled=True), {}),
        (WeightDecay(HeavyBall(0.1, 0.6), 0.3, coupled=False), {"momentum": 0.6}),
    ],
    ids=repr,
)
def test_network_and_map_take_the_same_steps_from_the_same_formula(description, own):
    start, objective = (1.7, 0.4), shallow()
    dynamics = description.formula.map(objective)
    state = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, start, strict=True))
    decay = {"gamma": description.gamma} if isinstance(description, WeightDecay) else {}
    run = compile_map(dynamics).run(
        state, {"eta": description.eta, **own, **decay}, steps=20, record_every=1, outcomes=False
    )
    found = path_of(description.build, objective, start, 20)
    np.testing.assert_allclose(found, run.trajectory.sel(state=["x", "y"]), rtol=0, atol=1e-12)
    assert np.ptp(found, axis=0).min() > 0.02


def test_nesterov_with_decoupled_decay_moves_the_points_of_its_gradients():
    start, objective, description = (1.7, 0.4), shallow(), WeightDecay(Nesterov(0.1, 0.6), 0.3, coupled=False)
    dynamics = description.formula.map(objective)
    state = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, start, strict=True))
    run = compile_map(dynamics).run(
        state, {"eta": 0.1, "momentum": 0.6, "gamma": 0.3}, steps=20, record_every=1, outcomes=False
    )
    expected = run.trajectory[:, :2].values + 0.6 * run.trajectory[:, 2:].values
    np.testing.assert_allclose(path_of(description.build, objective, start, 20), expected, rtol=0, atol=1e-12)


p, q, lion = (Symbol(name, real=True) for name in "pqm")
UPDATES = {
    "θ and the θ before it": Update(
        {THETA: THETA - STEP_SIZE * GRADIENT + MOMENTUM * (THETA - p), p: THETA}, (STEP_SIZE, MOMENTUM)
    ),
    "two variables that read each other": Update(
        {THETA: THETA - STEP_SIZE * q, p: p + q - GRADIENT, q: p / 2 - q * GRADIENT}, (STEP_SIZE,)
    ),
    "lion": Update(
        {
            THETA: THETA - STEP_SIZE * sign(MOMENTUM * lion + (1 - MOMENTUM) * GRADIENT),
            lion: lion * sqrt(MOMENTUM) + (1 - sqrt(MOMENTUM)) * GRADIENT,
        },
        (STEP_SIZE, MOMENTUM),
    ),
    "loss and gradient at a point ahead": Update(
        {THETA: THETA - STEP_SIZE * q * LossAt(THETA - GRADIENT / 2) / Norm(q) ** 2},
        (STEP_SIZE,),
        {GRADIENT: GradientAt(THETA), q: GradientAt(THETA - GRADIENT / 2)},
    ),
    "products, powers and a function of its own value": Update(
        {THETA: THETA / (1 + STEP_SIZE * THETA**2) - p / (2 + exp(p)), p: p * sqrt(1 + p**2) / 3 + GRADIENT**3},
        (STEP_SIZE,),
    ),
    "inverses and constants": Update({THETA: 1 / (1 + GRADIENT**2) - STEP_SIZE, p: 1 - p}, (STEP_SIZE,)),
}


@pytest.mark.parametrize("name", UPDATES)
def test_any_formula_moves_a_network_as_it_moves_the_map(name):
    update, start, objective = UPDATES[name], (0.9, 0.4), shallow()
    dynamics = update.on(objective)
    state = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, start, strict=True))
    values = {
        symbol.name: value for symbol, value in ((STEP_SIZE, 0.1), (MOMENTUM, 0.7)) if symbol in update.parameters
    }
    run = compile_map(dynamics).run(state, values, steps=12, record_every=1, outcomes=False)
    found = path_of(lambda parts: FormulaOptimizer(parts, update, values), objective, start, 12)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, run.trajectory.sel(state=["x", "y"]), rtol=0, atol=1e-12)


def test_without_the_function_it_needs_a_step_is_refused():
    weight = nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    with pytest.raises(BadInput, match="takes the gradient elsewhere"):
        SAM(0.1, 0.1).build([weight]).step()
    assert SAM(0.1, 0.1).build([weight]).elsewhere
    assert not Adam(0.1).build([weight]).elsewhere


def test_a_failed_evaluation_leaves_the_weights_in_place():
    weight = nn.Parameter(torch.ones(1))
    points = []

    def fail():
        points.append(weight.item())
        weight.grad = torch.ones(1)
        if len(points) == 2:
            raise RuntimeError("no memory")
        return torch.tensor(1.0)

    with pytest.raises(RuntimeError, match="no memory"):
        SAM(0.1, 0.1).build([weight]).step(fail)
    assert points == pytest.approx([1.0, 1.1])
    assert weight.item() == 1.0


@pytest.mark.parametrize("decay", [None, True, False], ids=["sam", "coupled", "decoupled"])
def test_a_step_with_a_function_alone_is_the_rule_s_step_whatever_the_parameters_held(decay):
    """A loop in torch's idiom, ``step(closure)`` and nothing else; one that took stale gradients would go elsewhere."""
    eta, radius, gamma = 0.4, 0.3, 0.1
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    weight.grad = torch.full_like(weight, 7.0)  # of no meaning
    rule = SAM(eta, radius) if decay is None else WeightDecay(SAM(eta, radius), gamma, decay)
    optimizer, curvatures = rule.build([weight]), torch.tensor([0.3, 1.1], dtype=torch.float64)

    def closure():
        optimizer.zero_grad()
        loss = (curvatures * weight**2).sum() / 2
        loss.backward()
        return loss

    by_hand = weight.detach().clone()
    for _ in range(30):
        optimizer.step(closure)
        curved = curvatures + gamma if decay else curvatures
        slope = curved * by_hand
        moved = curved * (by_hand + radius * slope / slope.norm())
        by_hand = by_hand - eta * moved - (eta * gamma * by_hand if decay is False else 0)
        np.testing.assert_allclose(weight.detach(), by_hand, rtol=1e-12)
    assert weight.grad.norm() > 0


def test_what_has_no_optimizer_is_refused():
    weight = nn.Parameter(torch.ones(1))
    with pytest.raises(BadInput, match="constants for every weight"):
        FormulaOptimizer([weight], formulas.PreconditionedMomentum().update, {"eta": 0.1, "momentum": 0.9})
    with pytest.raises(BadInput, match="momentum: a parameter of the rule without a value"):
        FormulaOptimizer([weight], formulas.HeavyBall().update, {"eta": 0.1})
    with pytest.raises(BadInput, match="groups of parameters"):
        GradientDescent(0.1).build([{"params": [weight]}, {"params": [nn.Parameter(torch.ones(1))]}])
    unknown = Update({THETA: THETA - STEP_SIZE * Symbol("f", real=True)}, (STEP_SIZE, Symbol("f", real=True)))
    with pytest.raises(BadInput, match="f: a parameter of the rule without a value"):
        FormulaOptimizer([weight], unknown, {"eta": 0.1})


def test_the_benchmark_compares_pairs_that_take_the_same_steps(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    benchmark.main(benchmark.Options(pairs=2, rounds=3, images=30))
    printed = capsys.readouterr().out
    assert printed.count("yes") == len(benchmark.PAIRS)
