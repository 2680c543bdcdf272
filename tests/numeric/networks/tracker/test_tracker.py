"""The tracker in training loops of all kinds, against dense Hessians, and the loops against those without it."""

import random
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from eos_sym import BadInput
from numeric.networks import FlatLoss, gradient, hessian
from numeric.networks.curvature import inverse_preconditioner
from numeric.networks.data.gather import gather
from numeric.networks.tracker import SharpnessTracker, undisturbed

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def network(*between, dtype=torch.float64, device="cpu"):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *between, nn.Tanh(), nn.Linear(6, 3)).to(device, dtype)


def data(examples=24, dtype=torch.float64, device="cpu"):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(examples, 4, generator=generator, dtype=dtype)
    return inputs.to(device), (torch.arange(examples, device=device) % 3)


def descend(module, optimizer, inputs, targets, steps, tracker=None, criterion=None):
    """The user's training loop; gives the weights at the head of every step, and at the end."""
    criterion, weights = criterion or nn.CrossEntropyLoss(), []
    for _ in range(steps):
        if tracker is not None:
            tracker.step()
        weights.append(nn.utils.parameters_to_vector(module.parameters()).detach().clone())
        optimizer.zero_grad()
        criterion(module(inputs), targets).backward()
        optimizer.step()
    return [*weights, nn.utils.parameters_to_vector(module.parameters()).detach().clone()]


def spectrum(module, inputs, targets, at, criterion=None):
    """Eigenvalues, descending, and eigenvectors of the dense Hessian, and the gradient."""
    loss = FlatLoss(module, inputs, targets, criterion or nn.CrossEntropyLoss())
    values, vectors = torch.linalg.eigh(hessian(loss, at))
    return values.flip(0), vectors.flip(1), gradient(loss, at)


# --- what it reads


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("micro_batch", [None, 7])
def test_the_eigenvalues_are_those_of_the_dense_hessian_within_their_bounds(device, dtype, rounding, micro_batch):
    module, (inputs, targets) = network(dtype=dtype, device=device), data(dtype=dtype, device=device)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, eigenvalues=3, micro_batch=micro_batch)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    weights = descend(module, optimizer, inputs, targets, 6, tracker)
    history = tracker.history
    exact = FlatLoss(module.double(), inputs.double(), targets, nn.CrossEntropyLoss())
    assert history.reading.values.tolist() == list(range(6))
    assert history.index.values.tolist() == [1, 2, 3]
    for step, at in enumerate(weights[:6]):
        at = at.double()
        values = torch.linalg.eigvalsh(hessian(exact, at)).flip(0)[:3].cpu()
        reading = history.sel(reading=step)
        error = np.abs(reading.eigenvalue - values.numpy())
        assert (error <= reading.bound + rounding).all()
        assert (reading.bound <= 1e-3 * np.abs(reading.eigenvalue)).all()
        assert reading.sharpness == reading.eigenvalue[0]
        assert float(reading.gradient_norm) == pytest.approx(float(gradient(exact, at).norm()), rel=100 * rounding)
        assert float(reading.full_loss) == pytest.approx(float(exact(at).detach()), rel=100 * rounding)


def test_the_eigenvectors_and_the_gradient_s_projections_are_those_of_the_dense_hessian():
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, eigenvalues=2, relative=1e-10)
    assert tracker.eigenvectors is None
    reading = tracker.measure()
    _, vectors, slope = spectrum(module, inputs, targets, tracker.loss.parameters)
    assert torch.equal(tracker.eigenvectors, reading.eigenvectors)
    torch.testing.assert_close((tracker.eigenvectors * vectors[:, :2]).sum(0).abs(), torch.ones(2).double())
    expected = (vectors[:, :2].T @ slope).abs().numpy()
    np.testing.assert_allclose(np.abs(tracker.history.gradient_projection[0]), expected, rtol=1e-4)


class Saddle(nn.Module):
    """A network whose output is its own loss, of curvatures 0.6, −10, and 0 for a weight that is not used."""

    def __init__(self):
        super().__init__()
        self.weight, self.unused = nn.Parameter(torch.ones(2).double()), nn.Parameter(torch.ones(3).double())

    def forward(self, inputs):
        return (0.3 * self.weight[0] ** 2 - 5 * self.weight[1] ** 2).expand(len(inputs))


def test_the_largest_eigenvalue_is_the_algebraically_largest():
    example = torch.zeros(1, 1).double()
    tracker = SharpnessTracker(Saddle(), lambda outputs, _: outputs.mean(), example, example, eigenvalues=2)
    np.testing.assert_allclose(tracker.measure().eigenvalues, [0.6, 0], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RMSprop])
def test_the_effective_sharpness_is_that_of_the_dense_preconditioned_hessian(kind):
    module, (inputs, targets) = network(), data()
    optimizer = kind(module.parameters(), lr=1e-3)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, optimizer=optimizer, relative=1e-6)
    found, expected, inverse = [], [], None
    for _ in range(6):
        weights = descend(module, optimizer, inputs, targets, 1, tracker)[0]
        found.append(float(tracker.history.effective_sharpness[-1]))
        expected.append(np.nan)
        if inverse is not None:
            values = torch.linalg.eigvals(inverse[:, None] * hessian(tracker.loss, weights))
            expected[-1] = float(values.real.max())
        inverse = inverse_preconditioner(optimizer, [*module.parameters()])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (tracker.history.effective_bound[1:] <= 1e-6 * tracker.history.effective_sharpness[1:]).all()


def test_without_preconditioning_there_is_no_effective_sharpness():
    module, (inputs, targets) = network(), data()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, optimizer=optimizer)
    descend(module, optimizer, inputs, targets, 1, tracker)
    assert set(tracker.history.data_vars) == {
        *("sharpness", "eigenvalue", "bound", "gradient_projection", "gradient_norm", "full_loss", "evaluations"),
        *("overlooked", "status", "step_size", "edge"),
    }


@pytest.mark.parametrize("every", [1, 2, 3])
def test_at_the_midpoint_the_reading_is_that_of_the_averaged_weights(every):
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(
        module, nn.CrossEntropyLoss(), inputs, targets, every=every, midpoint=True, relative=1e-9
    )
    optimizer = torch.optim.SGD(module.parameters(), lr=2.0)
    weights = descend(module, optimizer, inputs, targets, 8, tracker)
    history = tracker.history
    assert history.reading.values.tolist() == list(range(0, 7, every))  # that of 7 waits for θ₈
    for step in history.reading.values[1:]:
        middle = (weights[step - 1] + 2 * weights[step] + weights[step + 1]) / 4
        values, _, _ = spectrum(module, inputs, targets, middle)
        assert float(history.sharpness.sel(reading=step)) == pytest.approx(float(values[0]), rel=1e-8)


class Valley(nn.Module):
    """½su² + ½b(s − 25)² + τu³/6 + cu⁴/24 with b = .002, τ = 8, c = −10, as the one output of a network.

    With η = .1 gradient descent comes to rest in a two-cycle, s constant and u of both signs: the sharpness at the
    iterates is τu above and below, and it is so on every machine.
    """

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([20.2, 0.3], dtype=torch.float64))

    def forward(self, inputs):
        s, u = self.weights
        return inputs * (s * u**2 / 2 + 0.001 * (s - 25) ** 2 + 8 * u**3 / 6 - 10 * u**4 / 24)


def test_readings_at_even_steps_are_one_phase_of_the_oscillation_and_no_level():
    module, one, eta = Valley(), torch.ones(1, 1, dtype=torch.float64), 0.1

    def criterion(outputs, _):
        return outputs.mean()

    optimizer = torch.optim.SGD(module.parameters(), lr=eta)
    descend(module, optimizer, one, one, 3000, criterion=criterion)  # into the two-cycle

    def tracker(**options):
        return SharpnessTracker(module, criterion, one, one, **options)

    trackers = [tracker(every=1), tracker(every=2, midpoint=False), tracker(every=5), tracker(every=10)]
    together = SimpleNamespace(step=lambda: [one.step() for one in trackers])
    descend(module, optimizer, one, one, 121, together, criterion)
    each, even, odd_interval, midpoints = (eta * one.history.sharpness.values[1:] for one in trackers)
    swing = eta * 8 * abs(module.weights[1].item())  # half the difference of both phases, to first order
    assert each[1::2] == pytest.approx(even, rel=1e-6)
    assert abs(even.mean() - each.mean()) == pytest.approx(swing, rel=0.05)
    assert abs(even.mean() / each.mean() - 1) > 0.05
    assert odd_interval.mean() == pytest.approx(each.mean(), rel=1e-6)
    assert np.abs(midpoints - 2).max() < 0.01


def test_readings_are_due_every_so_many_steps_and_whenever_asked_for():
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, every=3)
    assert tracker.history.sizes == {"reading": 0, "index": 1}
    descend(module, torch.optim.SGD(module.parameters(), lr=0.1), inputs, targets, 5, tracker)
    tracker.measure()
    assert tracker.history.reading.values.tolist() == [0, 3, 5]
    values, _, _ = spectrum(module, inputs, targets, tracker.loss.parameters)
    assert float(tracker.history.sharpness[-1]) == pytest.approx(float(values[0]), rel=1e-3)
    tracker.measure()
    assert tracker.history.reading.values.tolist() == [0, 3, 5]


@pytest.mark.fault("not a number", "a loss that a tracker reads", "the reading is NaN, and training goes on")
def test_a_loss_that_overflows_is_recorded_and_training_goes_on():
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    tracker.step()
    with torch.no_grad():
        module[0].weight.fill_(torch.nan)
    tracker.step()
    assert np.isnan(tracker.history.sharpness).values.tolist() == [False, True]
    assert np.isnan(tracker.history.full_loss).values.tolist() == [False, True]
    assert tracker.history.status.values.tolist() == ["converged", "not_finite"]


@pytest.mark.parametrize("midpoint", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_diverges_is_read_to_its_end_and_ends_as_it_would_without(seed, dtype, midpoint):
    def diverge(tracked):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3)).to(dtype)
        inputs, targets = (torch.randn(20, width, dtype=dtype) for width in (4, 3))
        options = {"optimizer": torch.optim.Adam(module.parameters()), "midpoint": midpoint, "eigenvalues": 2}
        tracker = SharpnessTracker(module, nn.MSELoss(), inputs, targets, **options) if tracked else None
        optimizer = torch.optim.SGD(module.parameters(), lr=10.0)
        return descend(module, optimizer, inputs, targets, 12, tracker, nn.MSELoss()), tracker

    weights, tracker = diverge(tracked=True)
    for one, other in zip(weights, diverge(tracked=False)[0], strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())
    lost = np.isnan(tracker.history.sharpness.values)
    assert (tracker.history.status.values == "not_finite").tolist() == lost.tolist()
    assert not lost[0]
    assert len(lost) == (11 if midpoint else 12)


@pytest.mark.parametrize("criterion_scale", [1e-30, 1e30])
def test_losses_of_any_scale_have_their_sharpness(criterion_scale):
    module, (inputs, targets) = network(dtype=torch.float32), data(dtype=torch.float32)
    expected = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets).measure()
    scaled = lambda outputs, labels: criterion_scale * nn.functional.cross_entropy(outputs, labels)  # noqa: E731
    tracker = SharpnessTracker(module, scaled, inputs, targets, eigenvalues=2)
    for _ in range(3):
        tracker.step()
        assert float(tracker.latest.eigenvalues[0]) == pytest.approx(
            criterion_scale * float(expected.eigenvalues[0]), rel=1e-3
        )
    assert (tracker.history.status == "converged").all()


def test_a_network_of_one_weight_and_one_whose_hessian_is_zero_are_read():
    inputs, targets = (torch.ones(3, 1, dtype=torch.float64) for _ in range(2))
    single = SharpnessTracker(nn.Linear(1, 1, bias=False).double(), nn.MSELoss(), inputs, targets)
    flat = SharpnessTracker(network(), lambda outputs, _: outputs.mean() * 0, *data(), eigenvalues=3)
    for _ in range(6):
        single.step()
        flat.step()
    np.testing.assert_allclose(single.history.sharpness, 2.0, rtol=1e-12)
    assert not flat.history.eigenvalue.any()
    assert not flat.history.bound.any()
    for tracker in (single, flat):
        assert (tracker.history.status == "converged").all()


def test_half_precision_is_told_what_to_do():
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(BadInput, match=r"parameters are torch.b?float16 on cpu: must be all float32"):
            SharpnessTracker(network(dtype=dtype), nn.MSELoss(), data()[0].to(dtype), torch.zeros(24, 3, dtype=dtype))


# --- what it is given


def test_fused_attention_is_differentiated_twice():
    module = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), nn.Flatten())
    module = nn.Sequential(module, nn.Linear(12, 3)).double()
    inputs = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, torch.arange(6) % 3, relative=1e-6)
    found = float(tracker.measure().eigenvalues)
    loss, at = tracker.loss, tracker.loss.parameters
    top, step = tracker.eigenvectors[:, 0], 1e-5
    slopes = [loss.value_and_gradient(at + sign * step * top)[1] for sign in (1, -1)]
    assert float(top @ (slopes[0] - slopes[1]) / (2 * step)) == pytest.approx(found, rel=1e-5)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's compiler looks
@pytest.mark.slow  # and takes seconds to load
def test_what_is_compiled_is_measured_as_what_it_was_made_of():
    module, (inputs, targets) = network(), data()
    labels = nn.functional.one_hot(targets, 3).double()
    expected = SharpnessTracker(module, nn.MSELoss(), inputs, labels).measure().eigenvalues

    def compiled(part):
        return torch.compile(part, backend="aot_eager")

    inside = nn.Sequential(*module[:2], compiled(module[2]))
    for parts in ((compiled(module), nn.MSELoss()), (inside, nn.MSELoss()), (module, compiled(nn.MSELoss()))):
        tracker = SharpnessTracker(*parts, inputs, labels)
        parts[1](parts[0](inputs), labels).backward()  # and so is training
        assert torch.equal(tracker.measure().eigenvalues, expected)


def test_frozen_parameters_are_no_part_of_the_hessian():
    module, (inputs, targets) = network(), data()
    module[0].requires_grad_(False)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    values, _, _ = spectrum(module, inputs, targets, tracker.loss.parameters)
    assert float(tracker.measure().eigenvalues) == pytest.approx(float(values[0]), rel=1e-3)
    assert tracker.eigenvectors.shape == (21, 1)


def test_in_autocast_and_without_gradients_the_reading_is_the_same():
    module, (inputs, targets) = network(dtype=torch.float32), data(dtype=torch.float32)
    expected = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets).measure()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        found = tracker.measure()
    assert torch.equal(found.eigenvalues, expected.eigenvalues)


@pytest.mark.parametrize("own_generator", [True, False])
def test_the_batches_of_a_shuffling_loader_are_gathered_without_drawing_from_it(own_generator):
    inputs, targets = data()
    generator = torch.Generator().manual_seed(4) if own_generator else None
    dataset = torch.utils.data.TensorDataset(inputs, targets)
    loader = torch.utils.data.DataLoader(dataset, batch_size=7, shuffle=True, generator=generator)
    states = [torch.get_rng_state(), loader.generator.get_state() if own_generator else None]
    found_inputs, found_targets = gather(loader)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert not own_generator or torch.equal(generator.get_state(), states[1])
    order = found_inputs[:, 0].argsort()
    assert torch.equal(found_inputs[order], inputs[inputs[:, 0].argsort()])
    assert torch.equal(found_targets[order], targets[inputs[:, 0].argsort()])


def test_batches_that_are_no_pairs_and_no_batches_are_refused():
    with pytest.raises(BadInput, match="a batch is a Tensor: must be a pair"):
        gather([torch.zeros(3, 2)])
    with pytest.raises(BadInput, match="there are no batches"):
        gather(iter(()))
    with pytest.raises(BadInput, match="not iterable: give a DataLoader"):
        gather(3)
    examples = TensorDataset(torch.zeros(4, 2), torch.zeros(4, 3))
    for one_by_one in (examples, DataLoader(examples, batch_size=None)):
        with pytest.raises(BadInput, match="examples one by one: give a DataLoader with a batch_size"):
            gather(one_by_one)
    with pytest.raises(BadInput, match="must be as many of both"):
        gather([(torch.zeros(4, 2), torch.zeros(3, 3))])
    with pytest.raises(BadInput, match=r"examples of the shapes \(2,\), \(3,\)"):
        gather([(torch.zeros(4, width), torch.zeros(4, 3)) for width in (2, 3)])


# --- what it leaves alone


class Draws(nn.Module):
    """A layer that draws random numbers and makes nothing of them."""

    def forward(self, inputs):
        torch.rand(3)
        return inputs


class Outside(nn.Module):
    """Layer drop by the generators of Python and NumPy and by two of its own, in training; drawn from always."""

    def __init__(self):
        super().__init__()
        self.generator, self.draw = torch.Generator().manual_seed(3), np.random.default_rng(3).random

    def forward(self, inputs):
        draws = [random.random(), np.random.rand(), torch.rand((), generator=self.generator).item(), self.draw()]
        return inputs * (min(draws) > 0.05) if self.training else inputs


class Counts(nn.Module):
    """A layer that grows with the number of its evaluations in training, counted thrice; and caches its output."""

    def __init__(self):
        super().__init__()
        self.calls, self.seen = 0, []

    def forward(self, inputs):
        self.calls += 1
        self.seen.append(self.calls)
        self.cached = inputs
        return inputs * (1 + 0.01 * (self.calls + len(self.seen))) if self.training else inputs


def loop(tracked, module_of, kind, midpoint):
    """A loop with shuffled mini-batches and noise; all it leaves behind."""
    module, (inputs, targets) = module_of(), data()
    optimizer = kind(module.parameters(), lr=0.05)
    options = {"optimizer": optimizer, "eigenvalues": 2, "midpoint": midpoint}
    module.eval()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, **options) if tracked else None
    module.train()
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)
    left = []
    for step in range(5):
        if tracked:
            module.eval()
            tracker.step()
            module.train()
            if not any(isinstance(part, nn.Dropout | Outside | Counts) for part in module):
                tracker.measure()
        for batch in torch.randperm(24).split(8):
            optimizer.zero_grad()
            noise = 0.1 * torch.randn(len(batch), 4)
            nn.CrossEntropyLoss()(module(inputs[batch] + noise), targets[batch]).backward()
            if tracked and step == 2:
                module.eval()
                tracker.measure()
                module.train()
            left += [own.grad.clone() for own in module.parameters()]
            optimizer.step()
            left += [value.clone() for value in module.state_dict().values()]
    numbers = torch.tensor([random.random(), np.random.rand()])
    return [*left, torch.get_rng_state(), numbers, torch.tensor([part.training for part in module.modules()])]


@pytest.mark.parametrize("midpoint", [False, True])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize(
    "between",
    [nn.Identity, lambda: nn.BatchNorm1d(6), lambda: nn.Dropout(0.3), Draws, Outside, Counts],
    ids=["plain", "norm", "dropout", "draws", "outside torch", "counts"],
)
def test_training_with_a_tracker_gives_the_same_bits_as_without(between, kind, midpoint):
    with_tracker, without = (loop(tracked, lambda: network(between()), kind, midpoint) for tracked in (True, False))
    assert len(with_tracker) == len(without)
    assert all(torch.equal(one, other) for one, other in zip(with_tracker, without, strict=True))


def test_a_graph_that_waits_for_its_backward_pass_is_left_alone():
    module, (inputs, targets) = network(nn.BatchNorm1d(6)), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    loss = nn.CrossEntropyLoss()(module(inputs), targets)
    tracker.step()
    loss.backward()
    found = [own.grad.clone() for own in module.parameters()]
    module.zero_grad()
    nn.CrossEntropyLoss()(module(inputs), targets).backward()
    assert all(torch.equal(one, own.grad) for one, own in zip(found, module.parameters(), strict=True))


def test_dropout_switched_on_during_training_is_found_at_the_next_reading():
    module, (inputs, targets) = network(nn.Dropout(0.3)).eval(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    tracker.step()
    module.train()
    with pytest.raises(BadInput, match="Dropout '1' draws random numbers"):
        tracker.step()


def test_a_buffer_that_two_modules_share_stays_shared_and_comes_back_after_an_error():
    module, shared = network(nn.Identity(), nn.Identity()), torch.zeros(2)
    for part in module[1:3]:
        part.register_buffer("shared", shared)
    with suppress(KeyError), undisturbed(module):
        module[1].shared += 1
        assert torch.equal(module[2].shared, torch.ones(2))
        raise KeyError
    assert module[1].shared is module[2].shared is shared
    assert torch.equal(shared, torch.zeros(2))


def test_attributes_that_an_evaluation_gives_a_module_are_taken_back():
    module = network(Counts())
    seen = module[1].seen
    with undisturbed(module):
        module(data()[0])
        assert (module[1].calls, module[1].seen) == (1, [1])
    assert (module[1].calls, module[1].seen) == (0, [])
    assert module[1].seen is seen
    assert not hasattr(module[1], "cached")


def test_parameters_that_are_frozen_during_training_ask_for_a_new_tracker():
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets)
    module[0].requires_grad_(False)
    with pytest.raises(BadInput, match="other parameters require a gradient"):
        tracker.step()


# --- its state


@pytest.mark.parametrize("midpoint", [False, True])
@pytest.mark.parametrize("pause", [3, 4])
def test_a_tracker_that_was_stored_goes_on_with_the_same_bits(midpoint, pause):
    def make():
        module, (inputs, targets) = network(), data()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
        options = {"optimizer": optimizer, "every": 2, "eigenvalues": 2, "midpoint": midpoint}
        return module, optimizer, SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, **options)

    inputs, targets = data()
    module, optimizer, tracker = make()
    descend(module, optimizer, inputs, targets, 9, tracker)
    first_module, first_optimizer, first = make()
    descend(first_module, first_optimizer, inputs, targets, pause, first)
    state = first.state()
    assert all(isinstance(value, torch.Tensor | int | float) for value in state.values())
    again_module, again_optimizer, again = make()
    again_module.load_state_dict(first_module.state_dict())
    again_optimizer.load_state_dict(first_optimizer.state_dict())
    again.restore(state)
    descend(again_module, again_optimizer, inputs, targets, 9 - pause, again)
    assert tracker.history.identical(again.history)


def test_the_state_of_a_tracker_of_something_else_is_refused():
    module, (inputs, targets) = network(), data()
    one, two = (SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, eigenvalues=count) for count in (1, 2))
    with pytest.raises(BadInput, match="other eigenvalues or another optimizer"):
        two.restore(one.state())


# --- what it refuses


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every = 0: must be 1 or more"),
        ({"eigenvalues": 0}, "eigenvalues = 0: must be from 1 to 51, the number of parameters, or 0 with"),
        ({"eigenvalues": 52}, "eigenvalues = 52: must be from 1 to 51"),
        ({"midpoint": "yes"}, "midpoint = 'yes': must be True or False"),
        ({"relative": 0.0}, "relative = 0.0: must be positive"),
        ({"relative": 0.5}, "relative = 0.5: must be 0.1 or less"),
        ({"relative": "fine"}, "relative = 'fine': must be a number"),
        ({"seed": "x"}, "seed = x: must be an integer"),
        ({"micro_batch": 0}, "micro_batch = 0"),
        ({"optimizer": torch.optim.Adam(nn.Linear(1, 1).parameters())}, "moves none of the module's parameters"),
        ({"optimizer": torch.optim.LBFGS(nn.Linear(1, 1).parameters())}, "moves none of the module's parameters"),
    ],
)
def test_arguments_that_make_no_tracker_are_refused(options, message):
    with pytest.raises(BadInput, match=message):
        SharpnessTracker(network(), nn.CrossEntropyLoss(), *data(), **options)


def test_a_function_is_refused_as_a_module():
    with pytest.raises(BadInput, match=r"module: must be an nn\.Module, not function"):
        SharpnessTracker(lambda inputs: inputs, nn.CrossEntropyLoss(), *data())


def test_spectral_normalization_is_refused_in_training_mode_only():
    module = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)))
    with pytest.raises(BadInput, match="iterates whenever it is evaluated"):
        SharpnessTracker(module, nn.CrossEntropyLoss(), *data(dtype=torch.float32))
    assert SharpnessTracker(module.eval(), nn.CrossEntropyLoss(), *data(dtype=torch.float32)).measure().converged


def test_weight_normalization_whose_hessian_torch_gets_wrong_is_refused():
    normalized = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)))
    with pytest.raises(BadInput, match=r"weight normalization.*silently wrong derivatives of order 2"):
        SharpnessTracker(normalized, nn.CrossEntropyLoss(), *data(dtype=torch.float32))


class Checkpointed(nn.Module):
    """Two layers, the first under torch's checkpointing."""

    def __init__(self, *, reentrant):
        super().__init__()
        self.first, self.second, self.reentrant = nn.Linear(4, 6), nn.Linear(6, 3), reentrant

    def forward(self, inputs):
        inputs = inputs.clone().requires_grad_()
        return self.second(checkpoint(lambda x: self.first(x).tanh(), inputs, use_reentrant=self.reentrant))


class Listed(nn.Module):
    """A layer whose weights are kept in a list as well, and taken from there."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.weights = [self.layer.weight]

    def forward(self, inputs):
        return inputs @ self.weights[0].T + self.layer.bias


class OnceTanh(torch.autograd.Function):
    """tanh, without a second derivative."""

    @staticmethod
    def forward(ctx, inputs):
        ctx.save_for_backward(inputs)
        return inputs.tanh()

    @staticmethod
    @once_differentiable
    def backward(ctx, slopes):
        (inputs,) = ctx.saved_tensors
        return slopes * (1 - inputs.tanh() ** 2)


class Once(nn.Module):
    """A network with that."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, inputs):
        return self.second(OnceTanh.apply(self.first(inputs)))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Checkpointed(reentrant=True), "give use_reentrant=False"),
        (Listed(), "through a list or a cache of its own"),
        (Once(), r"an operation has no second derivative \(OnceTanh\)"),
    ],
    ids=["reentrant checkpoint", "list", "no second derivative"],
)
def test_derivatives_that_are_not_those_of_the_weights_are_refused(module, said):
    with pytest.raises(BadInput, match=said):
        SharpnessTracker(module, nn.CrossEntropyLoss(), *data(dtype=torch.float32))


@pytest.mark.parametrize("midpoint", [False, True])
def test_a_checkpointed_module_has_the_sharpness_of_the_same_one_without(midpoint):
    inputs, targets = data()
    torch.manual_seed(0)
    module = Checkpointed(reentrant=False).double()
    plain = nn.Sequential(module.first, nn.Tanh(), module.second)
    trackers = [
        SharpnessTracker(one, nn.CrossEntropyLoss(), inputs, targets, midpoint=midpoint) for one in (module, plain)
    ]
    together = SimpleNamespace(step=lambda: [one.step() for one in trackers])
    descend(module, torch.optim.SGD(module.parameters(), lr=1.0), inputs, targets, 4, together)
    read = [tracker.history.sharpness.values for tracker in trackers]
    np.testing.assert_allclose(*read, rtol=1e-6)


def test_groups_whose_step_sizes_come_to_differ_have_an_effective_sharpness():
    module, (inputs, targets) = network(), data()
    groups = [{"params": layer.parameters()} for layer in (module[0], module[2])]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, optimizer=optimizer, relative=1e-6)
    tracker.measure()
    assert float(tracker.history.effective_sharpness[0]) == float(tracker.history.sharpness[0])
    optimizer.param_groups[1]["lr"] = 0.01
    tracker.measure()
    assert float(tracker.history.effective_sharpness[0]) < float(tracker.history.sharpness[0])


def test_a_module_that_drops_out_is_refused_before_training_begins():
    with pytest.raises(BadInput, match="the full-batch loss is random: Dropout '1'"):
        SharpnessTracker(network(nn.Dropout(0.2)), nn.CrossEntropyLoss(), *data())


def test_readings_are_in_the_order_of_their_steps_also_after_a_midpoint_that_was_waiting():
    module, (inputs, targets) = network(), data()
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), inputs, targets, every=5, midpoint=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    descend(module, optimizer, inputs, targets, 6, tracker)
    tracker.measure()
    descend(module, optimizer, inputs, targets, 6, tracker)
    assert tracker.history.reading.values.tolist() == [0, 5, 6, 10]


@pytest.mark.parametrize("name", ["every", "eigenvalues", "micro_batch"])
def test_numbers_that_are_not_whole_are_refused(name):
    with pytest.raises(BadInput, match=rf"{name} = 2.5: must be an integer"):
        SharpnessTracker(network(), nn.CrossEntropyLoss(), *data(), **{name: 2.5})
