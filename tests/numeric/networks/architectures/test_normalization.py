"""Batch and layer normalization against torch's first two derivatives, and finite differences of those beyond."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from numeric.networks.architectures import BatchNorm, LayerNorm

SHAPES = {"vectors": (6, 4), "sequences": (3, 4, 5), "images": (3, 4, 2, 3)}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def torch_batch_norm(shape):
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)]
    return kind(shape[1], track_running_stats=False, dtype=torch.float64)


CASES = [
    pytest.param(BatchNorm(shape[1]), torch_batch_norm(shape), shape, id=f"batch norm of {name}")
    for name, shape in SHAPES.items()
] + [
    pytest.param(LayerNorm(shape[-1]), nn.LayerNorm(shape[-1], dtype=torch.float64), shape, id=f"layer norm of {name}")
    for name, shape in SHAPES.items()
]


def prepared(own, theirs, shape):
    with torch.no_grad():
        for number, (one, other) in enumerate(zip(own.parameters(), theirs.parameters(), strict=True)):
            one.copy_(normal(*one.shape, seed=number + 1))
            other.copy_(one)
    return 3 * normal(*shape) + 2


def nested_derivatives(function, at, direction, order):
    """∇f, ∇²f(u), ∇³f(u, u), … at a point, each the gradient of the one before along the direction."""
    point = at.clone().requires_grad_()
    value, results = function(point), []
    for _ in range(order):
        (gradient,) = torch.autograd.grad(value, point, create_graph=True)
        results.append(gradient.detach())
        value = (gradient * direction).sum()
    return results


def central_difference(function, at, direction, step=0.02):
    """The derivative along a direction; extrapolated three times, so that its error is of the order of step⁸."""
    values = [
        (function(at + h * direction) - function(at - h * direction)) / (2 * h)
        for h in (step, step / 2, step / 4, step / 8)
    ]
    for factor in (4, 16, 64):
        values = [(factor * fine - coarse) / (factor - 1) for coarse, fine in pairwise(values)]
    return values[0]


@pytest.mark.parametrize(("own", "theirs", "shape"), CASES)
def test_values_are_those_of_torch(own, theirs, shape):
    inputs = prepared(own, theirs, shape)
    torch.testing.assert_close(own(inputs), theirs(inputs), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("own", "theirs", "shape"), CASES)
def test_the_first_two_derivatives_are_those_of_torch(own, theirs, shape):
    inputs = prepared(own, theirs, shape)
    weights, direction = normal(*shape, seed=5), normal(*shape, seed=6)
    ours, torchs = (
        nested_derivatives(lambda x, layer=layer: (weights * layer(x).square()).sum(), inputs, direction, 2)
        for layer in (own, theirs)
    )
    for mine, other in zip(ours, torchs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("own", "theirs", "shape"), CASES)
def test_every_derivative_up_to_the_fourth_is_the_difference_quotient_of_the_one_before(own, theirs, shape):
    inputs = prepared(own, theirs, shape)
    weights, direction = normal(*shape, seed=5), normal(*shape, seed=6)

    def value(x):
        return (weights * own(x).tanh()).sum()

    exact = nested_derivatives(value, inputs, direction, 4)
    for order in range(1, 4):
        differences = central_difference(
            lambda x, order=order: nested_derivatives(value, x, direction, order)[-1], inputs, direction
        )
        torch.testing.assert_close(exact[order], differences, rtol=1e-7, atol=1e-7 * float(exact[order].norm()))


def test_batch_norm_makes_every_channel_have_mean_0_and_variance_1():
    outputs = BatchNorm(4)(50 * normal(20, 4, 3, 3) + 7)
    torch.testing.assert_close(outputs.mean((0, 2, 3)), torch.zeros(4).double(), rtol=0, atol=1e-14)
    torch.testing.assert_close(outputs.var((0, 2, 3), correction=0), torch.ones(4).double(), rtol=0, atol=1e-7)


def test_batch_norm_is_the_same_function_in_training_and_after():
    layer, inputs = BatchNorm(4), normal(6, 4)
    assert not list(layer.buffers())
    assert torch.equal(layer.train()(inputs), layer.eval()(inputs))


def test_layer_norm_treats_every_example_by_itself():
    layer, inputs = LayerNorm(5), normal(4, 3, 5)
    assert torch.equal(layer(inputs)[:1], layer(inputs[:1]))
