"""The band around a path: nothing where the model is the loss, and about the error where the loss has more."""

from types import SimpleNamespace

import numpy as np
import pytest

from numeric.networks.forecast.defect import LIMIT, Band, Continued, interpolate, measure_defect, spread
from numeric.networks.forecast.loss_expansion.model import LossModel
from numeric.networks.forecast.path import descend, top_eigenvalue
from numeric.networks.forecast.polynomials import Monomials
from numeric.networks.training.optimizers import GradientDescent
from tests.numeric.networks.forecast.test_loss_model import planted, some_model

RULE, STEPS = GradientDescent(0.05), 14


def expansion(kept):
    """A loss that is a polynomial across 4 directions, expanded along the first of them alone."""
    whole, anchor, directions = planted(1, 4)
    form = some_model(1, kept).form
    model = LossModel(form, whole.a, whole.b[:, :kept], whole.C[:, :kept, :kept])
    found = SimpleNamespace(anchor=anchor, directions=directions[:, :kept], model=model, bound=2.0)
    return found, descend(whole, *anchor.start_on(directions), RULE, STEPS, 2.0), whole


def test_a_model_that_is_the_loss_has_no_band():
    exact, path, _ = expansion(4)
    band = measure_defect(exact, path).band(path, RULE)
    assert band.horizon(path.size) == STEPS
    assert max(band.oscillation.max(), band.sharpness.max(), band.loss.max()) < 1e-8


@pytest.mark.parametrize("kept", [2, 3])
def test_what_is_outside_of_the_directions_is_in_the_band(kept):
    part, true, whole = expansion(kept)
    path = descend(part.model, *part.anchor.start_on(part.directions), RULE, STEPS, 2.0)
    cost = part.anchor.cost.evaluations
    band = measure_defect(part, path).band(path, RULE)
    assert part.anchor.cost.evaluations > cost + 14
    for width, error in (
        (band.oscillation, path.size - true.size),
        (band.sharpness, top_eigenvalue(part.model, path) - top_eigenvalue(whole, true)),
        (
            band.loss,
            part.model.potential(path.x[1:-1], path.z[1:-1]) - whole.potential(true.x[1:-1], true.z[1:-1]),
        ),
    ):
        assert np.abs(error).max() > 1e-3
        assert (width >= np.abs(error)).all()
        assert width.max() < 8 * np.abs(error).max()


def test_the_continued_model_differentiates_itself():
    part, _, _ = expansion(2)
    random = np.random.default_rng(3)
    curved = random.standard_normal((2, 2))
    slopes, mixed = random.standard_normal((3, 2)), random.standard_normal((2, 2))
    model = Continued(part.model, Monomials([(0,), (1,), (2,)]), slopes, mixed, curved + curved.T)
    point, step = np.array([0.3, -0.2, 0.4, 0.1, -0.5]), 1e-5

    def gradient(q):
        return np.concatenate(model.gradient(q[:1], q[1:]))

    sides = [(point + step * unit, point - step * unit) for unit in np.eye(5)]
    slopes = [
        (model.potential(up[:1], up[1:]) - model.potential(down[:1], down[1:])) / (2 * step) for up, down in sides
    ]
    assert gradient(point) == pytest.approx(np.array(slopes), abs=1e-8)
    rows = np.array([(gradient(up) - gradient(down)) / (2 * step) for up, down in sides])
    assert model.hessian(point[:1], point[1:]) == pytest.approx(rows, abs=1e-8)


def test_points_are_spread_and_interpolated():
    line = np.linspace(0, 1, 101)[:, None] ** 3 * [1.0, -2.0]
    chosen = spread(line, 5)
    assert np.sort(line[chosen, 0]) == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.02)
    assert len(spread(np.zeros((7, 2)), 5)) == 1
    values = np.stack([line[:, 0] ** 2, np.ones(len(line))], 1)
    found = interpolate(line[chosen], values[chosen], line)
    assert found[chosen] == pytest.approx(values[chosen])
    assert found == pytest.approx(values, abs=0.05)


def test_the_horizon_is_before_the_first_step_beyond_the_limit():
    size = np.array([0.1, 1.0, 0.2, 0.4])
    assert Band(LIMIT * np.array([0.5, 0.9, 1.1, 0.2]), size, size).horizon(size) == 2
    assert Band(0 * size, size, size).horizon(size) == 4
