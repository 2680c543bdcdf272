"""Step sizes at a fraction of the optimizer's own edge, against dense Hessians and formulas written out by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, RMSprop, Rprop

from eos_sym import BadInput
from numeric.networks import EdgeStep, SharpnessTracker, hessian
from numeric.networks.curvature import inverse_preconditioner

CRITERION = nn.CrossEntropyLoss()
INPUTS = torch.randn(24, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TARGETS = torch.arange(24) % 3


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def made(kind=SGD, fraction=0.8, every=1, lr=0.01, module=None, **options):
    """A module, and the steps of its optimizer."""
    module = module or network()
    optimizer = kind(module.parameters(), lr=lr, **options)
    tracker = SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optimizer, every=every)
    return module, EdgeStep(tracker, fraction=fraction)


def backward(module):
    for own in module.parameters():
        own.grad = None
    CRITERION(module(INPUTS), TARGETS).backward()


def descend(module, edge_step, steps):
    for _ in range(steps):
        backward(module)
        edge_step.step()
    return nn.utils.parameters_to_vector(module.parameters()).detach().clone()


class Quadratic(nn.Module):
    """½ Σ λᵢθᵢ², whatever the inputs."""

    def __init__(self, *curvatures):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(len(curvatures), dtype=torch.float64))
        self.register_buffer("curvatures", torch.tensor(curvatures, dtype=torch.float64))

    def forward(self, inputs):
        return (0.5 * (self.curvatures * self.weight.square()).sum()).expand(len(inputs))


def on_quadratic(curvatures, fraction, **options):
    module = Quadratic(*curvatures)
    tracker = SharpnessTracker(
        module,
        lambda outputs, _: outputs.mean(),
        *(torch.zeros(1, 1).double(),) * 2,
        optimizer=SGD(module.parameters(), lr=0.01, **options),
    )
    return module, tracker, EdgeStep(tracker, fraction=fraction)


def quadratic_steps(module, edge_step, steps):
    for _ in range(steps):
        edge_step.zero_grad()
        module(torch.zeros(1, 1)).sum().backward()
        edge_step.step()


# --- what it sets


@pytest.mark.parametrize("fraction", [0.4, 1.0, 1.5])
def test_on_a_quadratic_the_weights_are_multiplied_by_what_the_fraction_says(fraction):
    """Wrong program: one that takes the step before it sets its size; the last reading is of another step."""
    module, _, edge_step = on_quadratic((5.0, 1.0, -3.0), fraction)
    quadratic_steps(module, edge_step, 3)
    expected = (1 - fraction * 2 / 5 * np.array([5.0, 1.0, -3.0])) ** 3
    np.testing.assert_allclose(module.weight.detach(), expected, rtol=1e-9)


CASES = {  # with k/η for the edge, written out
    "SGD": (SGD, {}, 2.0),
    "heavy ball": (SGD, {"momentum": 0.9}, 3.8),
    "Nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, 3.8 / 2.8),
    "RMSprop": (RMSprop, {}, 2.0),
    "Adam": (Adam, {"betas": (0.8, 0.99)}, 18.0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fraction_is_kept_by_dense_eigenvalues(case):
    kind, options, k = CASES[case]
    module, edge_step = made(kind, **options)
    parameters, found = [*module.parameters()], []
    for _ in range(12):
        inverse = inverse_preconditioner(edge_step.optimizer, parameters)
        backward(module)
        dense = hessian(edge_step.tracker.loss, edge_step.tracker.loss.parameters)
        edge_step.step()
        if inverse is not None:
            sharpness = float(torch.linalg.eigvals(inverse[:, None] * dense).real.max())
            found.append(edge_step.optimizer.param_groups[0]["lr"] * sharpness / k)
    assert len(found) == 12 - (kind in (RMSprop, Adam))  # before the first step there is no P
    np.testing.assert_allclose(found, 0.8, rtol=2e-3)


@pytest.mark.parametrize(("kind", "gamma", "of_edge"), [(SGD, 0.3, (2, 2)), (AdamW, 0.3, (18, 2))])
def test_weight_decay_moves_the_edge(kind, gamma, of_edge):
    """1/η_edge = S/k + γ/2, for gradient descent coupled and for AdamW decoupled."""
    options = {"betas": (0.8, 0.99)} if kind is AdamW else {}
    module, edge_step = made(kind, weight_decay=gamma, **options)
    descend(module, edge_step, 6)
    history = edge_step.history
    read = history.sharpness if kind is SGD else history.effective_sharpness
    expected = 0.8 / (read.values / of_edge[0] + gamma / of_edge[1])
    np.testing.assert_allclose(history.step_size[1:], expected[1:], rtol=1e-12)


def test_groups_keep_their_shares_of_the_step_size():
    """λ₁ of the shares times the dense Hessian; wrong program: one that sets all groups to the same."""
    module = network()
    groups = [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[2].parameters(), "lr": 0.025}]
    optimizer = SGD(groups)
    tracker = SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optimizer)
    edge_step = EdgeStep(tracker, fraction=0.8)
    for _ in range(5):
        dense = hessian(tracker.loss, tracker.loss.parameters)
        descend(module, edge_step, 1)
        large, small = (group["lr"] for group in optimizer.param_groups)
        assert small == pytest.approx(large / 4, rel=1e-14)
        shares = torch.cat([torch.full((30,), 1.0), torch.full((21,), 0.25)]).double()
        sharpness = float(torch.linalg.eigvals(shares[:, None] * dense).real.max())
        assert large * sharpness / 2 == pytest.approx(0.8, rel=2e-3)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_of_an_optimizer_of_some_of_the_weights_the_edge_is_that_of_their_block(kind):
    """By the dense block of the last layer; wrong program: the edge of all weights, or 1/P for those that stay."""
    module = network()
    optimizer = kind(module[2].parameters(), lr=0.01)
    tracker = SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optimizer)
    edge_step = EdgeStep(tracker, fraction=0.8)
    descend(module, edge_step, 2)
    inverse = inverse_preconditioner(optimizer, [*module[2].parameters()])
    block = hessian(tracker.loss, tracker.loss.parameters)[30:, 30:]
    descend(module, edge_step, 1)
    sharpness = float(torch.linalg.eigvals(inverse[:, None] * block).real.max())
    k = 2 if kind is SGD else 38
    assert optimizer.param_groups[0]["lr"] * sharpness / k == pytest.approx(0.8, rel=2e-3)


def test_between_readings_the_step_size_stays_and_another_fraction_waits_for_the_next():
    module, edge_step = made(every=3)
    descend(module, edge_step, 4)
    edge_step.fraction = 0.4
    descend(module, edge_step, 4)
    history = edge_step.history
    taken, read = history.step_size.values, history.sharpness.values
    assert history.reading.values.tolist() == [0, 3, 6]
    np.testing.assert_allclose(
        taken, np.repeat([0.8, 0.8, 0.4], [3, 3, 2]) * 2 / np.repeat(read, [3, 3, 2]), rtol=1e-14
    )


def test_a_step_size_that_is_a_tensor_stays_that_tensor():
    module = network()
    optimizer = Adam(module.parameters(), lr=(rate := torch.tensor(0.01, dtype=torch.float64)), foreach=False)
    edge_step = EdgeStep(SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optimizer), fraction=0.5)
    descend(module, edge_step, 3)
    assert optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == edge_step.history.step_size[-1] != 0.01


def test_where_nothing_bends_up_the_step_size_stays():
    module, _, edge_step = on_quadratic((-1.0, -2.0), 0.9)
    quadratic_steps(module, edge_step, 2)
    assert edge_step.history.step_size.values.tolist() == [0.01, 0.01]


def test_weights_that_are_not_finite_leave_the_step_size_and_the_run_alone():
    module, edge_step = made()
    descend(module, edge_step, 2)
    with torch.no_grad():
        module[0].weight.fill_(torch.nan)
    descend(module, edge_step, 2)
    taken = edge_step.history.step_size.values
    assert taken[1] == taken[2] == taken[3]


def test_beyond_the_edge_the_weights_go_where_it_is_flatter_with_larger_steps():
    """A held fraction is no fixed step: that stays at its edge. Wrong program: one that caps the fraction at 1."""
    below, beyond = (made(fraction=fraction, every=5) for fraction in (0.9, 1.3))
    for module, edge_step in (below, beyond):
        descend(module, edge_step, 60)
    (low, high) = (edge_step.history for _, edge_step in (below, beyond))
    assert (np.diff(low.full_loss) < 0).all()
    assert (np.diff(high.full_loss) > 0).any()
    assert high.step_size[-1] > 1.3 / 0.9 * low.step_size[-1]


# --- what it leaves alone


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_weights_are_those_of_the_optimizer_alone_with_the_step_sizes_that_were_taken(kind):
    module, edge_step = made(kind, every=2)
    found = descend(module, edge_step, 7)
    alone = network()
    optimizer = kind(alone.parameters(), lr=0.01)
    for step_size in edge_step.history.step_size.values.tolist():
        backward(alone)
        optimizer.param_groups[0]["lr"] = step_size
        optimizer.step()
    assert torch.equal(found, nn.utils.parameters_to_vector(alone.parameters()))


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"kind": Adam}], ids=["heavy ball", "Adam"])
@pytest.mark.parametrize("pause", [3, 4])
def test_a_run_that_goes_on_from_a_state_has_the_same_bits(options, pause):
    module, edge_step = made(every=2, **options)
    descend(module, edge_step, 9)
    first_module, first = made(every=2, **options)
    descend(first_module, first, pause)
    again_module, again = made(every=2, lr=0.5, fraction=0.3, **options)
    again_module.load_state_dict(first_module.state_dict())
    again.load_state_dict(first.state_dict())
    descend(again_module, again, 9 - pause)
    assert edge_step.history.identical(again.history)
    assert all(torch.equal(one, two) for one, two in zip(module.parameters(), again_module.parameters(), strict=True))


def test_a_closure_is_evaluated_by_the_optimizer_and_its_value_given_back():
    module, edge_step = made()

    def closure():
        edge_step.zero_grad()
        loss = CRITERION(module(INPUTS), TARGETS)
        loss.backward()
        return loss.detach()

    assert edge_step.step(closure) > edge_step.step(closure)


# --- what it refuses


def test_a_tracker_without_an_optimizer_is_refused():
    with pytest.raises(BadInput, match="the tracker knows no optimizer: make it with optimizer=…"):
        EdgeStep(SharpnessTracker(network(), CRITERION, INPUTS, TARGETS), fraction=0.9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fraction": 0.0}, r"fraction = 0\.0: must be positive"),
        ({"fraction": "half"}, "fraction = 'half': must be a number"),
        ({"kind": Rprop}, "optimizer Rprop: P is known for"),
        ({"kind": Adam, "weight_decay": 0.1}, "take AdamW"),
        ({"lr": 0.0}, "step sizes are all zero"),
    ],
)
def test_arguments_that_make_no_edge_step_are_refused(options, message):
    with pytest.raises(BadInput, match=message):
        made(**options)


def test_a_scheduler_is_refused_where_it_has_changed_the_step_size():
    module, edge_step = made()
    scheduler = torch.optim.lr_scheduler.StepLR(edge_step.optimizer, step_size=2)
    for _ in range(2):
        descend(module, edge_step, 1)
        scheduler.step()
    with pytest.raises(BadInput, match="what else sets them, a scheduler, is undone here; set the fraction instead"):
        edge_step.step()


def test_the_state_of_other_groups_is_refused():
    module = network()
    groups = SGD([{"params": layer.parameters()} for layer in (module[0], module[2])], lr=0.1)
    other = EdgeStep(SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=groups), fraction=0.9)
    with pytest.raises(BadInput, match="the state is of 2 parameter groups, here are 1"):
        made()[1].load_state_dict(other.state_dict())
