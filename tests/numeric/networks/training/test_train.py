"""The training loop against loops of one's own: iterates, batches, endings, micro-batches."""

import math

import numpy as np
import pytest
import torch

from eos_sym import BadInput
from numeric.networks.architectures import DeepLinear
from numeric.networks.data.examples import Examples, one_hot
from numeric.networks.loss import half_squared_error
from numeric.networks.loss.criteria import accuracy
from numeric.networks.training.loop.batches import Batches
from numeric.networks.training.loop.history import Recorder
from numeric.networks.training.loop.train import BLOCK, Stop, Training


def examples(count=12, classes=3):
    generator = torch.Generator().manual_seed(5)
    inputs = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return Examples(inputs, one_hot(torch.arange(count) % classes, classes), classes=True)


def network(scale=1.0):
    module, generator = DeepLinear([4, 5, 3]), torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module


def training(eta=0.05, *, steps=20, stop=None, batch_size=None, scale=1.0, **options):
    module = network(scale)
    batches = Batches(examples(), batch_size, torch.Generator().manual_seed(7))
    optimizer = torch.optim.SGD(module.parameters(), lr=eta)
    return Training(module, half_squared_error, optimizer, batches, steps=steps, stop=stop or Stop(), **options)


def losses(run):
    assert list(run.run()) == list(range(1, run.step + 1))
    return np.array(run.recorder.loss.values())


def by_hand(eta, steps, scale=1.0):
    """Losses and accuracies at θ₀ … θ_steps, by hand."""
    module, data, found = network(scale), examples(), []
    for _ in range(steps + 1):
        outputs = module(data.inputs)
        loss = half_squared_error(outputs, data.targets)
        found.append((loss.item(), accuracy(outputs, data.targets)))
        slopes = torch.autograd.grad(loss, list(module.parameters()))
        with torch.no_grad():
            for parameter, slope in zip(module.parameters(), slopes, strict=True):
                parameter -= eta * slope
    return np.array(found).T


def test_losses_and_accuracies_are_those_before_each_update_and_one_more():
    run = training(steps=150)
    expected = by_hand(0.05, 150)
    np.testing.assert_allclose(losses(run), expected[0], rtol=1e-12)
    np.testing.assert_array_equal(run.recorder.accuracy.values(), expected[1])
    assert (run.ending, run.step) == ("steps", 150)


@pytest.mark.parametrize("size", [1, 5, 11, 12, 50])
def test_micro_batches_take_the_same_steps(size):
    np.testing.assert_allclose(losses(training(micro_batch=size)), losses(training()), rtol=1e-12)
    whole, pieces = training(), training(micro_batch=size)
    losses(whole), losses(pieces)
    assert whole.recorder.accuracy.values() == pieces.recorder.accuracy.values()


def test_micro_batches_divide_mini_batches_too():
    whole, pieces = training(batch_size=6), training(batch_size=6, micro_batch=4)
    np.testing.assert_allclose(losses(whole), losses(pieces), rtol=1e-12)


@pytest.mark.parametrize("goal", [1.0, 0.5])
def test_a_run_ends_at_the_first_loss_that_reaches_its_goal(goal):
    expected = by_hand(0.05, 400)[0]
    first = int(np.argmax(expected <= goal))
    run = training(steps=400, stop=Stop(loss=goal))
    assert len(losses(run)) == first + 1
    assert (run.ending, run.step) == ("loss", first)


def test_a_run_ends_at_the_first_accuracy_that_reaches_its_goal():
    expected = by_hand(0.05, 400)[1]
    goal = expected.max()
    run = training(steps=400, stop=Stop(accuracy=goal, loss=0.0))
    assert len(losses(run)) == int(np.argmax(expected >= goal)) + 1 > 1
    assert run.ending == "accuracy"


@pytest.mark.parametrize("stop", [Stop(), Stop(loss=0.0)], ids=["in blocks", "at every step"])
@pytest.mark.parametrize("bound", [1e3, 1e300])
def test_a_diverging_run_ends_with_its_first_loss_that_is_not_below_the_bound(stop, bound):
    run = training(eta=3.0, steps=10 * BLOCK, stop=Stop(loss=stop.loss, divergence=bound))
    found = losses(run)
    assert run.ending == "diverged"
    assert not found[-1] <= bound
    assert (found[:-1] <= bound).all()
    assert len(run.recorder.accuracy.values()) == len(found)


@pytest.mark.fault(
    "not a number",
    "a loss in the middle of training",
    "the run ends as diverged, and keeps what came before",
)
def test_a_loss_that_is_no_number_is_a_divergence():
    run = training(steps=5)
    for step in run.run():
        if step == 2:
            with torch.no_grad():
                next(run.module.parameters())[0, 0] = math.nan
    *before, last = run.recorder.loss.values()
    np.testing.assert_allclose(before, by_hand(0.05, 1)[0], rtol=1e-12)
    assert math.isnan(last)
    assert run.ending == "diverged"


def test_an_epoch_uses_every_example_once_in_an_order_of_its_own():
    data = examples(12)
    batches = Batches(data, 4, torch.Generator().manual_seed(1))
    epochs = [[batches.draw() for _ in range(batches.per_epoch)] for _ in range(3)]
    orders = []
    for epoch in epochs:
        assert [len(batch.inputs) for batch in epoch] == [4, 4, 4]
        inputs = torch.cat([batch.inputs for batch in epoch])
        order = (inputs[:, None] == data.inputs).all(2).nonzero()[:, 1]
        assert sorted(order.tolist()) == list(range(12))
        assert torch.equal(torch.cat([batch.targets for batch in epoch]), data.targets[order])
        assert torch.equal(torch.cat([batch.labels for batch in epoch]), data.targets[order].argmax(1))
        orders.append(tuple(order.tolist()))
    assert len(set(orders)) == 3


def test_what_is_left_over_sits_the_epoch_out():
    batches = Batches(examples(12), 5, torch.Generator().manual_seed(1))
    assert batches.per_epoch == 2
    assert [len(batches.draw().inputs) for _ in range(5)] == [5] * 5


def test_batches_go_on_from_their_state_in_the_middle_of_an_epoch():
    first = Batches(examples(12), 4, torch.Generator().manual_seed(1))
    for _ in range(4):
        first.draw()
    second = Batches(examples(12), 4, torch.Generator().manual_seed(9))
    second.restore(first.state())
    for _ in range(7):
        assert torch.equal(first.draw().inputs, second.draw().inputs)


def test_with_mini_batches_goals_are_for_the_means_over_an_epoch():
    everything = losses(training(steps=400, batch_size=4))
    means = everything[:399].reshape(-1, 3).mean(1)
    goal = 1.01 * means.min()
    ended = int(np.argmax(means <= goal)) + 1
    assert everything[: 3 * ended - 3].min() < goal  # some mini-batch was below before
    run = training(steps=400, batch_size=4, stop=Stop(loss=goal))
    assert len(losses(run)) == 3 * ended
    assert run.ending == "loss"


def test_later_step_sizes_hold_from_their_step_on():
    run = training(0.02, steps=10, later_etas=((4, 0.1), (6, 0.05)))
    found = losses(run)
    by_piece = by_hand(0.02, 4)[0]
    np.testing.assert_allclose(found[:5], by_piece, rtol=1e-12)
    assert abs(found[5] / by_hand(0.02, 5)[0][5] - 1) > 1e-3
    assert run.optimizer.param_groups[0]["lr"] == 0.05


def test_the_reader_is_asked_at_every_step_with_the_weights_before_the_update():
    class Reader:
        due = False
        seen = ()

        def step(self):
            self.seen += (half_squared_error(run.module(examples().inputs), examples().targets).item(),)

    reader = Reader()
    run = training(steps=5, reader=reader)
    np.testing.assert_allclose(losses(run), reader.seen, rtol=1e-12)
    assert len(reader.seen) == 6


def test_a_diverged_network_is_not_read():
    class Reader:
        due, count = True, 0

        def step(self):
            self.count += 1

    reader = Reader()
    run = training(eta=3.0, steps=100, stop=Stop(divergence=1e3), reader=reader)
    count = len(losses(run))
    assert reader.count == count - 1


def test_a_record_comes_back_from_its_state():
    run = training(steps=3)
    losses(run)
    back = Recorder(12, classes=True)
    back.restore(run.recorder.state())
    assert back.loss.values() == run.recorder.loss.values()
    assert back.accuracy.values() == run.recorder.accuracy.values()


@pytest.mark.parametrize(
    "goals",
    [{"accuracy": 0.0}, {"accuracy": 1.1}, {"loss": -1.0}, {"loss": math.nan}, {"divergence": 0.0}],
    ids=str,
)
def test_goals_out_of_range_are_refused_by_name(goals):
    with pytest.raises(BadInput, match=f"{next(iter(goals))} = "):
        Stop(**goals)


@pytest.mark.parametrize("size", [0, 13])
def test_a_batch_larger_than_the_data_or_empty_is_refused(size):
    with pytest.raises(BadInput, match=f"batch_size = {size}: must be from 1 to the number of examples, 12"):
        training(batch_size=size)
