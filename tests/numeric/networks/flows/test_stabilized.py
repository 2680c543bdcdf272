"""The stabilized method: its order, its limits, and its damping."""

import math

import pytest
import torch

from numeric.networks.flows.stabilized import error_of_step, stabilized_step, stages_for


def multiplier(z, stages):
    """What a step with hλ = z makes of 1."""
    one = torch.ones(1, dtype=torch.float64)
    return float(stabilized_step(lambda y: -z * y, one, -z * one, 1.0, stages))


@pytest.mark.parametrize("stages", [3, 4, 7, 12])
def test_a_step_is_of_second_order_and_damps_up_to_its_limit(stages):
    """Against a coefficient that is off, which costs an order, and a limit that is not one."""
    errors = [abs(multiplier(z, stages) - math.exp(-z)) for z in (0.02, 0.01)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(3, abs=0.05)
    limit = next(z / 100 for z in range(100, 10**5) if stages_for(z / 100) > stages) - 0.01
    assert all(abs(multiplier(limit * share, stages)) < 0.5 for share in (0.4, 0.6, 0.8, 0.95, 1.0))
    assert abs(multiplier(1.6 * limit, stages)) > 1


def test_the_error_is_told_where_the_solution_is_smooth():
    """Against an estimate of another order: it is the error, times a constant of the method."""
    ratios = []
    for h in (0.2, 0.1):
        one = torch.ones(1, dtype=torch.float64)
        end = stabilized_step(lambda y: -y, one, -one, h, 4)
        ratios.append(float(error_of_step(one, -one, end, -end, h)) / (float(end) - math.exp(-h)))
    assert ratios[0] == pytest.approx(ratios[1], rel=0.05)
    assert abs(ratios[0]) > 1  # on the safe side
