"""Architectures: their sizes and functions, where their draws come from, and their derivatives of three orders."""

import math
import pickle
from itertools import pairwise

import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks import FlatLoss, half_squared_error, hessian
from numeric.networks.architectures import (
    Convolutional,
    DeepLinear,
    DeepLinearNetwork,
    FullyConnected,
    NormalFanIn,
    NormalFanOut,
    Residual,
    Transformer,
    UniformFanIn,
    Vgg,
    XavierNormal,
)
from numeric.networks.architectures.initialization import initialize
from numeric.networks.architectures.layers import ACTIVATIONS, convolution, linear
from numeric.networks.data import Chebyshev, Digits, Examples
from numeric.networks.loss import cross_entropy
from numeric.runs.configuration import identifier

LARGE = Digits(examples=6, size=32).load()
SMALL = Digits(examples=12).load()

SMOOTH = {
    "fully connected": FullyConnected((5, 4)),
    "fully connected, neural tangent": FullyConnected((5, 4), parameterization="ntk"),
    "convolutional": Convolutional((2, 3), pooling="average"),
    "deep linear": DeepLinearNetwork((4, 3)),
    "VGG": Vgg(width=1, activation="tanh", pooling="average"),
    "VGG without batch norm": Vgg(width=1, batch_norm=False, activation="tanh", pooling="average"),
    "transformer": Transformer(width=4, heads=2, layers=1, patch=4),
    "residual": Residual((2, 3), activation="tanh"),
    "residual without batch norm": Residual((2, 3), activation="silu", batch_norm=False),
}
WITH_KINKS = {
    "fully connected, ReLU": FullyConnected((5, 4), activation="relu"),
    "convolutional, maxima": Convolutional((2, 3)),
    "VGG as published, but narrow": Vgg(width=1),
    "residual, ReLU": Residual((2, 3)),
}
ALL = SMOOTH | WITH_KINKS


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def examples_for(architecture):
    return LARGE if isinstance(architecture, Vgg) else SMALL


def built(architecture, seed=0):
    return architecture.build(examples_for(architecture), generator(seed))


def loss_of(architecture, criterion=half_squared_error):
    examples = examples_for(architecture)
    return FlatLoss(built(architecture), examples.inputs, examples.targets, criterion)


def size_of(module):
    return sum(parameter.numel() for parameter in module.parameters())


def normal(size, seed=1):
    return torch.randn(size, generator=generator(seed), dtype=torch.float64)


@pytest.fixture(params=ALL.values(), ids=ALL)
def architecture(request):
    return request.param


# Sizes and functions


def test_outputs_are_as_many_as_the_classes_in_float64(architecture):
    examples = examples_for(architecture)
    module = built(architecture)
    assert module(examples.inputs).shape == (len(examples), 10)
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float64}
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert not list(module.buffers())


def test_a_network_can_be_cast_to_float32(architecture):
    examples = examples_for(architecture)
    double = built(architecture)(examples.inputs)
    single = built(architecture).float()(examples.inputs.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        (FullyConnected(), 64 * 200 + 200 + 200 * 200 + 200 + 200 * 10 + 10),
        (FullyConnected((7,), bias=False), 64 * 7 + 7 * 10),
        (FullyConnected((7,), output_bias=False), 64 * 7 + 7 + 7 * 10),
        (FullyConnected((), parameterization="ntk"), 64 * 10 + 10),
        (Convolutional(), 9 * 32 + 32 + 9 * 32 * 32 + 32 + 32 * 2 * 2 * 10 + 10),
        (Convolutional((5,), bias=False), 9 * 5 + 5 * 4 * 4 * 10 + 10),
        (DeepLinearNetwork((3, 2)), 64 * 3 + 3 * 2 + 2 * 10),
        # stem; block of 16; block of 32 with its shortcut; head: convolutions, then a weight and a bias a channel
        (Residual(), 9 * 16 + 32 + 2 * (9 * 16**2 + 32) + 9 * 16 * 32 + 9 * 32**2 + 16 * 32 + 3 * 64 + 330),
        # patches and positions; 2 blocks: norms, attention, network; last norm; head
        (
            Transformer(),
            (4 * 32 + 32)
            + 16 * 32
            + 2 * (4 * 32 + 32 * 96 + 96 + 32 * 32 + 32 + 32 * 128 + 128 + 128 * 32 + 32)
            + 2 * 32
            + 330,
        ),
    ],
)
def test_the_number_of_parameters_is_that_counted_by_hand(architecture, size):
    assert size_of(built(architecture)) == size


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("depth", "channels"),
    [
        (11, [64, 128, 256, 256, 512, 512, 512, 512]),
        (16, [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]),
    ],
)
def test_a_vgg_has_the_published_convolutions_in_proportion_to_its_width(depth, channels, batch_norm):
    module = built(Vgg(depth, batch_norm, width=4))
    narrow = [count // 16 for count in channels]
    convolutions = [9 * before * after + after for before, after in pairwise([1, *narrow])]
    head = 2 * (32 * 32 + 32) + 32 * 10 + 10
    assert size_of(module) == sum(convolutions) + head + 2 * sum(narrow) * batch_norm


def test_a_fully_connected_network_is_its_formula():
    (first, inner, last) = (layer for layer in built(FullyConnected((5, 4))) if isinstance(layer, nn.Linear))
    hidden = (SMALL.inputs.flatten(1) @ first.weight.T + first.bias).tanh()
    hidden = (hidden @ inner.weight.T + inner.bias).tanh()
    expected = hidden @ last.weight.T + last.bias
    torch.testing.assert_close(built(FullyConnected((5, 4)))(SMALL.inputs), expected, rtol=1e-12, atol=1e-14)


def test_attention_is_that_of_torch():
    attention = built(Transformer(width=6, heads=3))[1].attention[1]
    theirs = nn.MultiheadAttention(6, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(attention.queries_keys_values.weight)
        theirs.in_proj_bias.copy_(attention.queries_keys_values.bias)
        theirs.out_proj.weight.copy_(attention.output.weight)
        theirs.out_proj.bias.copy_(attention.output.bias)
    tokens = normal(2 * 5 * 6).view(2, 5, 6)
    torch.testing.assert_close(attention(tokens), theirs(tokens, tokens, tokens)[0], rtol=1e-12, atol=1e-14)


def test_a_transformer_cuts_images_into_patches_row_by_row():
    patches = built(Transformer(width=4, patch=4))[0]
    tokens = patches(SMALL.inputs)
    assert tokens.shape == (12, 4, 4)
    lower_left = SMALL.inputs[:, :, 4:, :4].flatten(1)
    torch.testing.assert_close(tokens[:, 2], patches.embedding(lower_left) + patches.positions[2])


def test_a_block_of_a_residual_network_adds_what_it_reads():
    block = built(Residual((3,)))[2]
    images = normal(2 * 3 * 8 * 8).view(2, 3, 8, 8)
    with torch.no_grad():
        block.residual[2][1].weight.zero_()  # the last normalization's scale; its shift is zero
    torch.testing.assert_close(block(images), images.relu())


def test_stages_of_a_residual_network_halve_the_image():
    module = built(Residual((2, 3, 4), blocks=2))
    shapes = []
    images = SMALL.inputs
    for layer in module[:-3]:
        images = layer(images)
        shapes.append(tuple(images.shape[1:]))
    assert shapes[2:] == [(2, 8, 8)] * 2 + [(3, 4, 4)] * 2 + [(4, 2, 2)] * 2


# Draws


def test_the_same_seed_gives_the_same_bits_whatever_torchs_own_generator_does(architecture):
    torch.manual_seed(5)
    one = nn.utils.parameters_to_vector(built(architecture, seed=3).parameters())
    before = torch.get_rng_state()
    again = nn.utils.parameters_to_vector(built(architecture, seed=3).parameters())
    other = nn.utils.parameters_to_vector(built(architecture, seed=4).parameters())
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("inputs", [1, 2, 7, 64])
def test_the_default_of_linear_layers_is_torchs_bit_for_bit(inputs, bias):
    layer = linear(inputs, 5, bias=bias)
    initialize([layer], UniformFanIn(), generator(inputs))
    torch.manual_seed(inputs)
    theirs = nn.Linear(inputs, 5, bias=bias, dtype=torch.float64)
    for own, expected in zip(layer.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(own, expected)


def test_the_default_of_convolutions_is_torchs_bit_for_bit():
    layer = convolution(3, 4)
    initialize([layer], UniformFanIn(), generator(9))
    torch.manual_seed(9)
    theirs = nn.Conv2d(3, 4, 3, dtype=torch.float64)
    for own, expected in zip(layer.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(own, expected)


def test_a_scale_multiplies_the_default():
    one, three = (built(FullyConnected(initialization=UniformFanIn(scale))) for scale in (1.0, 3.0))
    for small, large in zip(one.parameters(), three.parameters(), strict=True):
        assert torch.equal(3 * small, large)


@pytest.mark.parametrize(
    ("initialization", "deviation"),
    [
        (NormalFanIn(), 1 / 20),
        (NormalFanIn(3.0), 3 / 20),
        (NormalFanOut(), math.sqrt(2 / 100)),
        (XavierNormal((1.9,)), 1.9 * math.sqrt(2 / 500)),
        (UniformFanIn(), 1 / 20 / math.sqrt(3)),
    ],
)
def test_initial_weights_have_the_standard_deviation_of_their_formula(initialization, deviation):
    layer = linear(400, 100)
    initialize([layer], initialization, generator())
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.01)  # of 40,000 draws: ±0.0035
    assert abs(layer.weight.mean().item()) < 4 * deviation / 200
    if not isinstance(initialization, UniformFanIn):
        assert not layer.bias.any()


def test_the_chebyshev_network_is_that_of_the_paper():
    """1 → 100 tanh → 1 without a bias at the end; Xavier normal with gain 1.9, then 1; zero biases."""
    description = FullyConnected((100,), output_bias=False, initialization=XavierNormal((1.9, 1.0)))
    module = description.build(Chebyshev(4).load(), generator())
    first, last = (layer for layer in module if isinstance(layer, nn.Linear))
    assert first.weight.shape == (100, 1)
    assert last.bias is None
    assert not first.bias.any()
    assert first.weight.std().item() == pytest.approx(1.9 * math.sqrt(2 / 101), rel=0.2)
    assert last.weight.std().item() == pytest.approx(math.sqrt(2 / 101), rel=0.2)


def test_neural_tangent_weights_are_standard_normal_and_biases_zero():
    for layer in built(FullyConnected(parameterization="ntk")):
        if isinstance(layer, nn.Linear):
            assert layer.weight.std().item() == pytest.approx(1, rel=0.06)
            assert not layer.bias.any()


def test_the_two_parameterizations_are_one_function_with_weights_divided_by_the_root_of_the_inputs():
    tangent = built(FullyConnected((5, 4), parameterization="ntk"))
    standard = built(FullyConnected((5, 4)), seed=8)
    for layer, scaled in zip(standard, tangent, strict=True):
        if isinstance(layer, nn.Linear):
            layer.weight.data = scaled.weight.detach() / math.sqrt(layer.in_features)
            layer.bias.data = scaled.bias.detach().clone()
    torch.testing.assert_close(standard(SMALL.inputs), tangent(SMALL.inputs), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("initialization", [UniformFanIn(), NormalFanIn(), XavierNormal((1.0, 2.0, 0.5))])
def test_an_initialization_is_of_the_function_whatever_the_parameterization(initialization):
    tangent, standard = (
        built(FullyConnected((5, 4), parameterization=name, initialization=initialization))
        for name in ("ntk", "standard")
    )
    torch.testing.assert_close(standard(SMALL.inputs), tangent(SMALL.inputs), rtol=1e-12, atol=1e-14)


def test_neural_tangent_gradients_are_those_of_the_function_divided_by_the_root_of_the_inputs():
    gradients = []
    for name in ("ntk", "standard"):
        module = built(FullyConnected((5, 4), parameterization=name, initialization=NormalFanIn()))
        half_squared_error(module(SMALL.inputs), SMALL.targets).backward()
        gradients.append([layer.weight.grad for layer in module if isinstance(layer, nn.Linear)])
    for tangent, standard in zip(*gradients, strict=True):
        torch.testing.assert_close(tangent, standard / math.sqrt(standard.shape[1]), rtol=1e-11, atol=1e-15)


def test_a_deep_linear_network_without_a_generator_draws_from_torchs_own():
    torch.manual_seed(2)
    layers = [nn.Linear(a, b, bias=False, dtype=torch.float64) for a, b in ((3, 4), (4, 2))]
    torch.manual_seed(2)
    for own, expected in zip(DeepLinear([3, 4, 2]).parameters(), layers, strict=True):
        assert torch.equal(own, expected.weight)


# Derivatives


def nested_derivatives(loss, at, direction, order):
    """L, ∇L, ∇²L(u), ∇³L(u, u), …, each the gradient of the one before along the direction."""
    point = at.clone().requires_grad_()
    value, results = loss(point), []
    results.append(value.detach())
    for _ in range(order):
        (gradient,) = torch.autograd.grad(value, point, create_graph=True)
        results.append(gradient.detach())
        value = (gradient * direction).sum()
    return results


def check_derivatives(loss, order, step, relative):
    """Every derivative of the loss along a random direction against the difference quotient of the one before."""
    at = loss.parameters
    direction = normal(len(at)) / math.sqrt(len(at))
    exact = nested_derivatives(loss, at, direction, order)
    values = [
        (after - before) / (2 * h)
        for h in (step, step / 2, step / 4)
        for after, before in [
            (
                torch.cat(
                    [part.reshape(-1) for part in nested_derivatives(loss, at + h * direction, direction, order - 1)]
                ),
                torch.cat(
                    [part.reshape(-1) for part in nested_derivatives(loss, at - h * direction, direction, order - 1)]
                ),
            )
        ]
    ]
    for factor in (4, 16):
        values = [(factor * fine - coarse) / (factor - 1) for coarse, fine in pairwise(values)]
    slope, *gradients = values[0].split([1, *[len(at)] * (order - 1)])
    assert (exact[1] @ direction).item() == pytest.approx(slope.item(), rel=relative)
    for one, other in zip(exact[2:], gradients, strict=True):
        assert one.norm() > 0
        assert (one - other).norm() < relative * one.norm()


@pytest.mark.parametrize("criterion", [half_squared_error, cross_entropy])
@pytest.mark.parametrize("architecture", SMOOTH.values(), ids=SMOOTH)
def test_three_derivatives_of_smooth_networks_are_difference_quotients(architecture, criterion):
    check_derivatives(loss_of(architecture, criterion), order=3, step=1e-2, relative=1e-6)


@pytest.mark.parametrize("architecture", WITH_KINKS.values(), ids=WITH_KINKS)
def test_three_derivatives_between_the_kinks_are_difference_quotients(architecture):
    check_derivatives(loss_of(architecture), order=3, step=1e-5, relative=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_three_derivatives_of_every_activation_are_difference_quotients(activation):
    smooth = activation not in ("relu", "leaky_relu", "hardtanh")
    architecture = FullyConnected((5, 4), activation=activation)
    check_derivatives(loss_of(architecture), order=3, step=1e-2 if smooth else 1e-5, relative=1e-5)


@pytest.mark.parametrize("name", ["fully connected", "convolutional", "transformer", "residual", "residual, ReLU"])
def test_the_dense_hessian_is_made_of_hessian_vector_products(name):
    """Batched derivatives, which torch takes by other rules than single ones."""
    examples = Examples(SMALL.inputs[:5, :, 2:6, 2:6], SMALL.targets[:5], classes=True)
    loss = FlatLoss(ALL[name].build(examples, generator()), examples.inputs, examples.targets, half_squared_error)
    direction = normal(len(loss.parameters))
    product = nested_derivatives(loss, loss.parameters, direction, 2)[2]
    torch.testing.assert_close(hessian(loss, loss.parameters) @ direction, product, rtol=1e-9, atol=1e-11)


# Descriptions


def test_a_description_can_be_compared_hashed_pickled_and_written_as_json(architecture):
    copy = pickle.loads(pickle.dumps(architecture))
    assert copy == architecture
    assert hash(copy) == hash(architecture)
    assert identifier(copy) == identifier(architecture)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (FullyConnected, {"widths": (5, 0)}, r"widths = \(5, 0\)"),
        (FullyConnected, {"activation": "sine"}, "activation = sine: must be one of identity, tanh"),
        (FullyConnected, {"parameterization": "mup"}, "parameterization = mup"),
        (UniformFanIn, {"scale": 0.0}, "scale = 0.0"),
        (NormalFanIn, {"scale": math.nan}, "scale = nan"),
        (XavierNormal, {"gains": (1.0, -1.0)}, "gain = -1.0"),
        (Convolutional, {"channels": (0,)}, r"channels = \(0,\)"),
        (Convolutional, {"pooling": "median"}, "pooling = median"),
        (Vgg, {"depth": 12}, "depth = 12: must be one of 11, 13, 16, 19"),
        (Vgg, {"width": 0}, "width"),
        (Vgg, {"pooling": "median"}, "pooling = median"),
        (Residual, {"channels": ()}, "channels"),
        (Residual, {"blocks": 0}, "blocks"),
        (Transformer, {"width": 5, "heads": 2}, "width = 5, heads = 2"),
        (Transformer, {"layers": 0}, "layers"),
        (DeepLinearNetwork, {"widths": (0,)}, "widths"),
    ],
)
def test_descriptions_of_no_network_are_refused(kind, arguments, message):
    with pytest.raises(BadInput, match=message):
        kind(**arguments)


@pytest.mark.parametrize(
    ("architecture", "examples", "message"),
    [
        (Convolutional(), Chebyshev(3).load(), r"inputs of shape \(1,\): this network needs images"),
        (Convolutional((2,) * 4), SMALL, "images of 8×8: need 16×16 for 4 poolings"),
        (Vgg(), SMALL, "images of 8×8: a VGG needs 32×32; load the data with size=32"),
        (Transformer(patch=3), SMALL, "patch = 3: images of 8×8"),
        (Residual(), Chebyshev(3).load(), "needs images"),
        (FullyConnected(initialization=XavierNormal((1.0, 2.0))), SMALL, "give one to each of the 3 layers"),
    ],
)
def test_examples_that_do_not_fit_a_network_are_refused(architecture, examples, message):
    with pytest.raises(BadInput, match=message):
        architecture.build(examples, generator())
