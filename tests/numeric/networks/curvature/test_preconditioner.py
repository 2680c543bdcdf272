"""The preconditioner read from an optimizer's state, against the steps that torch takes with it."""

import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop

from eos_sym import BadInput
from numeric.networks.curvature import Preconditioned, inverse_preconditioner, preconditions

ETA = 0.01
CASES = {
    "Adam": (Adam, {"betas": (0.8, 0.95)}),
    "Adam, AMSGrad": (Adam, {"amsgrad": True}),
    "Adam, with weight decay and a large ε": (Adam, {"weight_decay": 0.3, "eps": 0.1}),
    "Adam, a step size that is a tensor": (Adam, {"lr": torch.tensor(ETA, dtype=torch.float64), "foreach": False}),
    "AdamW": (AdamW, {"weight_decay": 0.0}),
    "Adamax": (Adamax, {}),
    "RAdam": (RAdam, {"betas": (0.8, 0.99)}),
    "NAdam": (NAdam, {"betas": (0.8, 0.95), "momentum_decay": 0.5}),
    "RMSprop": (RMSprop, {}),
    "RMSprop, centered": (RMSprop, {"centered": True, "eps": 1e-3}),
    "RMSprop, with momentum": (RMSprop, {"momentum": 0.7, "alpha": 0.9}),
    "Adagrad": (Adagrad, {"lr_decay": 0.2, "initial_accumulator_value": 0.1}),
}


def two_parameters():
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64)) for shape in ((2, 3), (4,))]


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1).clone() for tensor in tensors])


def descend(optimizer, parameters, steps):
    """Steps on a loss whose gradient differs from step to step and from parameter to parameter."""
    for _ in range(steps):
        optimizer.zero_grad()
        sum((k + 1) * (own - k).pow(4).sum() for k, own in enumerate(parameters)).backward()
        optimizer.step()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("steps", [1, 5, 8])  # RAdam divides by the second moment from the sixth on
def test_the_last_step_was_eta_times_the_inverse_times_the_moment(case, steps):
    kind, options = CASES[case]
    parameters = two_parameters()
    optimizer = kind(parameters, **{"lr": ETA} | options)
    assert preconditions(optimizer, parameters)
    descend(optimizer, parameters, steps - 1)
    carried = [optimizer.state[own].get("momentum_buffer", torch.zeros_like(own)) for own in parameters]
    before = flat(parameters) - ETA * options.get("momentum", 0) * flat(carried)  # what momentum alone would do
    descend(optimizer, parameters, 1)
    moment = [own.grad if kind in (RMSprop, Adagrad) else optimizer.state[own]["exp_avg"] for own in parameters]
    if kind is NAdam:
        *first, last, following = (0.8 * (1 - 0.96 ** (0.5 * t) / 2) for t in range(1, steps + 2))
        product = math.prod([*first, last])
        shares = (1 - last) / (1 - product), following / (1 - product * following)
        moment = [shares[0] * own.grad + shares[1] * average for own, average in zip(parameters, moment, strict=True)]
    inverse = inverse_preconditioner(optimizer, parameters)
    rounding = 1e-6 if kind is NAdam else 1e-8  # which keeps the product of its momenta in float32
    torch.testing.assert_close(ETA * inverse * flat(moment), before - flat(parameters), rtol=rounding, atol=1e-12)


@pytest.mark.parametrize("kind", [SGD, Adam, RMSprop])
def test_groups_of_different_step_sizes_are_parts_of_one_step_with_the_largest(kind):
    first, second = parameters = two_parameters()
    optimizer = kind([{"params": [second], "lr": 0.002}, {"params": [first]}], lr=0.01)
    assert preconditions(optimizer, parameters)
    descend(optimizer, parameters, 2)
    before = flat(parameters)
    descend(optimizer, parameters, 1)
    inverse = inverse_preconditioner(optimizer, parameters)
    moment = [optimizer.state[own]["exp_avg"] if kind is Adam else own.grad for own in parameters]
    torch.testing.assert_close(0.01 * inverse * flat(moment), before - flat(parameters), rtol=1e-9, atol=1e-12)


def stretch(optimizer, own, curvature):
    """How many times as large θ is after 60 steps more on ½ · curvature · θ², from where P has long settled."""
    start = float(own.detach())
    for _ in range(60):
        optimizer.zero_grad()
        (curvature * own.square() / 2).sum().backward()
        optimizer.step()
    return abs(float(own.detach()) / start)


@pytest.mark.parametrize("side", [0.98, 1.02])
@pytest.mark.parametrize(
    ("kind", "options", "threshold"),
    [
        (Adam, {"betas": (0.8, 1 - 1e-14)}, (2 + 1.6) / (ETA * 0.2)),
        (Adamax, {"betas": (0.8, 1 - 1e-14)}, (2 + 1.6) / (ETA * 0.2)),
        (RMSprop, {"alpha": 1 - 1e-14}, 2 / ETA),
        (RMSprop, {"alpha": 1 - 1e-14, "momentum": 0.8}, (2 + 1.6) / ETA),
    ],
    ids=["Adam", "Adamax", "RMSprop", "RMSprop with momentum"],
)
def test_the_optimizer_is_stable_up_to_the_threshold_of_its_effective_sharpness(kind, options, threshold, side):
    own = nn.Parameter(torch.full((1,), 1e-6, dtype=torch.float64))
    optimizer = kind([own], lr=ETA, **options)
    own.grad = torch.full_like(own, 1e-9)
    optimizer.step()
    state = optimizer.state[own]
    state["step"].fill_(1e6)  # the averages' corrections have settled, and P with them
    for name, value in (("exp_avg_sq", 0.09e-8), ("square_avg", 0.09), ("exp_inf", 0.3)):
        if name in state:
            state[name].fill_(value)
    with torch.no_grad():
        own.fill_(1e-6)
    inverse = float(inverse_preconditioner(optimizer, [own]))
    stretched = stretch(optimizer, own, side * threshold / inverse)
    assert stretched < 0.2 if side < 1 else stretched > 5


def test_a_parameter_that_the_optimizer_does_not_move_has_no_inverse():
    first, second = parameters = two_parameters()
    optimizer = Adam([first], lr=ETA)
    descend(optimizer, [first], 3)
    inverse = inverse_preconditioner(optimizer, parameters)
    assert (inverse[:6] > 0).all()
    assert (inverse[6:] == 0).all()
    assert len(inverse) == first.numel() + second.numel()


@pytest.mark.parametrize("kind", [Adam, Adamax, RMSprop, Adagrad])
def test_before_the_first_step_there_is_no_preconditioner(kind):
    parameters = two_parameters()
    assert inverse_preconditioner(kind(parameters, lr=ETA), parameters) is None


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_gradient_descent_and_its_momentum_do_not_precondition(options):
    parameters = two_parameters()
    assert not preconditions(SGD(parameters, lr=ETA, **options), parameters)


def test_the_preconditioned_hessian_has_the_eigenvalues_of_the_unsymmetric_product():
    generator = torch.Generator().manual_seed(5)
    matrix = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    hessian, inverse = matrix + matrix.T, torch.rand(6, generator=generator, dtype=torch.float64)

    class Dense:
        evaluations = 7.0

        def repeated(self, block):
            return self.product(block), 2 * self.product(block)

        def product(self, block):
            return hessian @ block

    operator = Preconditioned(Dense(), inverse)
    symmetric = operator.product(torch.eye(6, dtype=torch.float64))
    unsymmetric = torch.linalg.eigvals(inverse[:, None] * hessian)
    torch.testing.assert_close(torch.linalg.eigvalsh(symmetric), unsymmetric.real.sort().values, rtol=1e-10, atol=1e-10)
    once, twice = operator.repeated(torch.eye(6, dtype=torch.float64))
    assert torch.equal(once, symmetric)
    torch.testing.assert_close(twice, 2 * symmetric)
    assert operator.evaluations == 7.0


class OwnAdam(Adam):
    """An optimizer that may do anything in its step."""


def test_an_optimizer_whose_preconditioner_is_not_known_is_refused():
    parameters = two_parameters()
    for kind in (Rprop, OwnAdam):
        with pytest.raises(
            BadInput, match=rf"optimizer {kind.__name__}: P is known for Adagrad, Adam, .* leave it out"
        ):
            preconditions(kind(parameters, lr=ETA), parameters)


def test_an_optimizer_of_another_module_is_refused():
    with pytest.raises(BadInput, match="moves none of the module's parameters"):
        preconditions(Adam(two_parameters(), lr=ETA), two_parameters())


def test_an_optimizer_that_ascends_is_refused():
    parameters = two_parameters()
    with pytest.raises(BadInput, match="ascends"):
        preconditions(Adam(parameters, lr=ETA, maximize=True), parameters)


@pytest.mark.parametrize(
    ("kind", "name", "values"), [(Adam, "betas", [(0.9, 0.99), (0.5, 0.99)]), (SGD, "momentum", [0.9, 0])]
)
def test_groups_of_different_momentum_are_refused(kind, name, values):
    parameters = two_parameters()
    groups = [{"params": [own], name: value} for own, value in zip(parameters, values, strict=True)]
    with pytest.raises(BadInput, match="differ in momentum"):
        preconditions(kind(groups, lr=ETA), parameters)
