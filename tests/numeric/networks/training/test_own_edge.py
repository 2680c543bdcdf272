"""The own edge of torch's optimizers, on both sides of it, by their steps on a quadratic with P held fixed."""

import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop

from eos_sym import BadInput
from numeric.networks.curvature import inverse_preconditioner
from numeric.networks.training.optimizers import GradientDescent
from numeric.networks.training.optimizers.own_edge import own_edge_of

FIXED = 1 - 1e-12  # by which a moment is multiplied that is to stay
CURVATURE, P, STEPS = 3.0, 2.0, 1e6
CASES = {
    "SGD": (SGD, {}),
    "heavy ball": (SGD, {"momentum": 0.8}),
    "heavy ball, dampened": (SGD, {"momentum": 0.8, "dampening": 0.5}),
    "dampening without momentum": (SGD, {"dampening": 0.5}),
    "Nesterov": (SGD, {"momentum": 0.8, "nesterov": True}),
    "SGD, weight decay": (SGD, {"weight_decay": 0.7}),
    "heavy ball, weight decay": (SGD, {"momentum": 0.8, "weight_decay": 0.7}),
    "Nesterov, weight decay": (SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.7}),
    "RMSprop": (RMSprop, {"alpha": FIXED}),
    "RMSprop, momentum": (RMSprop, {"alpha": FIXED, "momentum": 0.6}),
    "Adagrad": (Adagrad, {"initial_accumulator_value": P**2}),
    "Adam": (Adam, {"betas": (0.9, FIXED)}),
    "AMSGrad": (Adam, {"betas": (0.9, FIXED), "amsgrad": True}),
    "Adamax": (Adamax, {"betas": (0.8, FIXED)}),
    "Adam, decoupled": (Adam, {"betas": (0.6, FIXED), "weight_decay": 0.7, "decoupled_weight_decay": True}),
    "RAdam": (RAdam, {"betas": (0.8, FIXED)}),
    "RAdam, decoupled": (RAdam, {"betas": (0.8, FIXED), "weight_decay": 0.7, "decoupled_weight_decay": True}),
    "NAdam": (NAdam, {"betas": (0.8, FIXED)}),
    "NAdam, half of its momentum": (NAdam, {"betas": (0.9, FIXED), "momentum_decay": 0.0}),
    "NAdam, decoupled": (NAdam, {"betas": (0.8, FIXED), "weight_decay": 0.7, "decoupled_weight_decay": True}),
    "AdamW": (AdamW, {"betas": (0.6, FIXED), "weight_decay": 0.7}),
    "AdamW without decay": (AdamW, {"betas": (0.6, FIXED), "weight_decay": 0.0}),
}


def amplitudes(kind, options, factor):
    """The size of θ over steps with a factor of the step size at the edge, on ½sθ², so small that P stands still."""
    weight = nn.Parameter(torch.tensor([1e-9], dtype=torch.float64))
    optimizer = kind([weight], lr=1e-9, **options)

    def step():
        optimizer.zero_grad()
        (CURVATURE * weight.square() / 2).sum().backward()
        optimizer.step()

    step()
    state = optimizer.state[weight]
    moments = {
        "mu_product": 0.0,
        "square_avg": P**2,
        "exp_avg_sq": P**2 * (1 - FIXED**STEPS),
        "exp_inf": P,
        "step": STEPS,
    }
    moments |= {"max_exp_avg_sq": moments["exp_avg_sq"]}
    moments |= {"momentum_buffer": 0.0, "exp_avg": 0.0}
    if kind is not Adagrad:
        for name in moments.keys() & state.keys():
            if state[name] is not None:
                state[name].fill_(moments[name])
    with torch.no_grad():
        weight.fill_(1e-9)
    effective = CURVATURE * (1.0 if kind is SGD else float(inverse_preconditioner(optimizer, [weight])))
    optimizer.param_groups[0]["lr"] = factor * own_edge_of(optimizer, [weight]).largest_step(effective)
    found = []
    for _ in range(60):
        step()
        found.append(abs(float(weight.detach())))
    return max(found[20:30]), max(found[50:])


@pytest.mark.parametrize("case", CASES)
def test_the_rule_is_stable_just_below_its_edge_and_unstable_just_above(case):
    """Wrong programs: 2/S for all; no decay; dampening taken for momentum; β₁ for β in RMSprop; Adam's k for NAdam."""
    early, late = amplitudes(*CASES[case], 0.995)
    assert late < 0.9 * early
    early, late = amplitudes(*CASES[case], 1.005)
    assert late > 1.1 * early


def test_parameters_that_nadam_has_moved_more_often_than_others_have_no_common_edge():
    first, _ = parameters = two()
    optimizer = NAdam(parameters, lr=0.1)
    first.grad = torch.ones(1)
    optimizer.step()
    with pytest.raises(BadInput, match="more often than others"):
        own_edge_of(optimizer, parameters)
    assert own_edge_of(optimizer, [first]).effective


def test_where_nothing_bends_up_there_is_no_edge_unless_the_decay_does():
    weight = nn.Parameter(torch.ones(1))
    assert own_edge_of(SGD([weight], lr=0.1), [weight]).largest_step(-1.0) == math.inf
    assert own_edge_of(SGD([weight], lr=0.1), [weight]).largest_step(0.0) == math.inf
    assert own_edge_of(SGD([weight], lr=0.1, weight_decay=1.5), [weight]).largest_step(-1.0) == pytest.approx(4.0)


def two():
    return [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda ps: Rprop(ps, lr=0.1), "optimizer Rprop: P is known for"),
        (lambda ps: GradientDescent(0.1).build(ps), "optimizer FormulaOptimizer: its edge is not known"),
        (lambda ps: SGD(ps, lr=0.1, maximize=True), "ascends"),
        (lambda ps: SGD(ps, lr=0.1, momentum=0.9, dampening=1.0), "dampening = 1: leaves no step"),
        (lambda ps: Adam(ps, weight_decay=0.1), r"optimizer Adam with weight_decay = 0\.1: .* take AdamW"),
        (lambda ps: RMSprop(ps, weight_decay=0.1), "optimizer RMSprop with weight_decay"),
        (
            lambda ps: SGD([{"params": ps[:1]}, {"params": ps[1:], "weight_decay": 0.0}], lr=0.1, weight_decay=0.1),
            "not the same for all parameter groups",
        ),
        (
            lambda ps: AdamW([{"params": ps[:1]}, {"params": ps[1:], "lr": 0.2}], lr=0.1),
            "not the same for all parameter groups",
        ),
        (lambda ps: SGD([{"params": ps[:1]}, {"params": ps[1:], "momentum": 0.5}], lr=0.1), "differ in momentum"),
    ],
)
def test_optimizers_without_one_known_edge_are_refused(make, message):
    parameters = two()
    with pytest.raises(BadInput, match=message):
        own_edge_of(make(parameters), parameters)
