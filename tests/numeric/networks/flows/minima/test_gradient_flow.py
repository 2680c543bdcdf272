import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import BadInput, Undecided
from numeric.networks import scalar_chain
from numeric.networks.flows.minima import gradient_flow, gradient_flow_from
from numeric.networks.loss import half_squared_error
from tests.numeric.networks.flows.minima.networks import network

TIME = 6.0


def test_the_flow_of_a_chain_ends_where_its_invariant_says():
    """x² − y² is conserved on ½(1 − xy)². Caught: landing by the shortest way instead of the flow's."""
    told = gradient_flow_from(scalar_chain(2), torch.tensor([3.0, 1.5], dtype=torch.float64))
    x, y = told.weights[-1].values
    assert x * y == pytest.approx(1, abs=1e-12)
    assert x**2 - y**2 == pytest.approx(3**2 - 1.5**2, abs=1e-6)
    assert told.attrs["excess"] < 1e-24


def test_the_clocks_are_the_length_of_the_path_and_twice_the_integral_of_the_root():
    """By the trapezium rule over the points. Caught: a rate of the wrong clock, or 2√L without its 2."""
    told = gradient_flow_from(network(), network().parameters)
    steps = np.linalg.norm(np.diff(told.weights.values, axis=0), axis=1)
    assert steps.sum() == pytest.approx(float(told.length[-1]), rel=2e-3)
    roots = 2 * np.sqrt(told.loss.values)
    assert float(((roots[1:] + roots[:-1]) / 2 * np.diff(told.time.values)).sum()) == pytest.approx(
        float(told.root_time[-1]), rel=2e-3
    )
    assert (told.length.diff("point") >= 0).all()


def test_small_steps_of_gradient_descent_come_to_the_same_minimum():
    """Caught: a flow that jumps off its path on the stiff way down. The error of descent is O(η)."""
    loss = network()
    told = gradient_flow(loss.module, loss.criterion, loss.inputs, loss.targets)
    missed = []
    for eta in (0.2, 0.1):
        weights = loss.parameters
        for _ in range(round(TIME / eta)):
            weights = weights - eta * loss.value_and_gradient(weights)[1]
        at = int(np.searchsorted(told.time.values, TIME))
        flow = [np.interp(TIME, told.time[at - 1 : at + 1], row) for row in told.weights[at - 1 : at + 1].values.T]
        missed.append(float(np.linalg.norm(weights.numpy() - flow)))
    assert np.log2(missed[0] / missed[1]) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("start", [[2.0, 0.5], [0.5, 2.0]])
def test_at_a_minimum_the_flow_is_over(start):
    """Caught: a direction of no gradient, 0/0."""
    told = gradient_flow_from(scalar_chain(2), torch.tensor(start, dtype=torch.float64))
    assert told.weights.values == pytest.approx(np.array([start, start]))
    assert [float(told[name][-1]) for name in ("time", "length", "root_time")] == [0, 0, 0]


def test_a_flow_into_a_saddle_is_undecided():
    """From weights that are zero a network learns the mean alone. Caught: to follow it for ever."""
    module = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    for own in module.parameters():
        nn.init.zeros_(own)
    inputs, targets = (torch.tensor(values, dtype=torch.float64)[:, None] for values in ([1, 2, 3], [1, 4, 1]))
    with pytest.raises(Undecided, match=r"comes to rest where the loss is 1 above its minimum"):
        gradient_flow(module, half_squared_error, inputs, targets)


def test_where_no_output_changes_there_is_no_manifold():
    """At 0, and on the chain's way there from x = −y. Caught: the first of no eigenvalues."""
    for start in ([0.0, 0.0], [1.0, -1.0]):
        with pytest.raises(Undecided, match="no output changes"):
            gradient_flow_from(scalar_chain(2), torch.tensor(start, dtype=torch.float64))


def test_a_loss_below_zero_has_no_root():
    """Caught: a complex clock."""
    loss = network()
    with pytest.raises(BadInput, match="√L"):
        gradient_flow(
            loss.module, lambda outputs, targets: loss.criterion(outputs, targets) - 9, loss.inputs, loss.targets
        )
