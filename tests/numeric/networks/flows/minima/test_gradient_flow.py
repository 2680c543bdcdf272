import numpy as np
import pytest
import torch

from numeric.networks import scalar_chain
from numeric.networks.flows.minima import gradient_flow, gradient_flow_from
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
