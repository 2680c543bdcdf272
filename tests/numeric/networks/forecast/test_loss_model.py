"""The numeric model is the symbolic one, and a loss that is of its form is found in it coefficient for coefficient."""

from math import prod

import numpy as np
import pytest
import torch
from sympy import Matrix, lambdify
from torch import nn

from eos_sym.self_stabilization import BASE, EXPANDED, ReducedOrderModel
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.loss_expansion.model import LossModel, fit_edge, loss_model
from numeric.networks.forecast.polynomials import lines
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent


def some_model(modes, across, order=EXPANDED):
    random = np.random.default_rng(0)
    form = ReducedOrderModel(modes, across, order)
    curved = random.standard_normal((len(form.curved), across, across))
    return LossModel(
        form,
        random.standard_normal(len(form.along)),
        random.standard_normal((len(form.linear), across)),
        curved + curved.swapaxes(1, 2),
    )


@pytest.mark.parametrize(("modes", "across", "order"), [(1, 1, BASE), (1, 3, EXPANDED), (2, 2, EXPANDED), (3, 1, BASE)])
def test_value_gradient_and_hessian_are_those_of_the_formula(modes, across, order):
    model = some_model(modes, across, order)
    formula = model.form.objective
    loss = formula.loss.subs({symbol: model.values[symbol.name] for symbol in formula.parameters})
    point = np.linspace(-0.7, 0.8, modes + across)
    x, z = point[:modes], point[modes:]
    gradient = Matrix([loss.diff(weight) for weight in formula.weights])
    expected = lambdify(formula.weights, [loss, gradient, gradient.jacobian(formula.weights)], "numpy")(*point)
    assert model.potential(x, z) == pytest.approx(float(expected[0]))
    assert np.concatenate(model.gradient(x, z)) == pytest.approx(np.ravel(expected[1]))
    assert model.hessian(x, z) == pytest.approx(np.array(expected[2]))


def test_many_points_at_once_are_the_points_one_by_one():
    model = some_model(2, 3)
    random = np.random.default_rng(1)
    x, z = random.standard_normal((5, 4, 2)), random.standard_normal((5, 4, 3))
    slope, across = model.gradient(x, z)
    one = model.gradient(x[2, 1], z[2, 1])
    assert slope[2, 1] == pytest.approx(one[0])
    assert across[2, 1] == pytest.approx(one[1])
    assert model.hessian(x, z)[2, 1] == pytest.approx(model.hessian(x[2, 1], z[2, 1]))
    assert model.potential(x, z)[2, 1] == pytest.approx(model.potential(x[2, 1], z[2, 1]))


def test_a_lower_order_keeps_the_coefficients_that_it_has():
    model = some_model(2, 3)
    base = model.of_order(BASE)
    assert base.values.items() <= model.values.items()
    assert base.values.keys() == {symbol.name for symbol in base.form.objective.parameters}


class PolynomialLoss(nn.Module):
    """A loss of p weights that is exactly V in an orthonormal basis."""

    def __init__(self, model, basis):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(len(basis), dtype=torch.float64))
        self.model, self.basis, self.kink = model, basis, 0.0

    def forward(self, inputs):
        form = self.model.form
        along = self.basis.T @ self.weights
        x, z = along[: form.edge], along[form.edge :]

        def powers(exponents):
            one = torch.ones((), dtype=torch.float64)
            return torch.stack([prod([one, *(x[a] ** power for a, power in enumerate(e) if power)]) for e in exponents])

        a, b, c = (torch.from_numpy(one) for one in (self.model.a, self.model.b, self.model.C))
        quadratic = z @ torch.tensordot(powers(form.curved), c, 1) @ z / 2
        loss = powers(form.along) @ a + powers(form.linear) @ b @ z + quadratic
        return (loss + self.kink * x[0] * x[0].abs()).expand(len(inputs))


def planted(modes, across):
    """A model whose x are eigenvectors, the loss that it is, anchored at 0, and the directions across."""
    model = some_model(modes, across)
    basis = torch.from_numpy(np.linalg.qr(np.random.default_rng(2).standard_normal((modes + across,) * 2))[0])
    module = PolynomialLoss(model, basis)
    loss = FlatLoss(module, torch.zeros(1), torch.zeros(1), lambda outputs, targets: outputs.mean())
    weights = loss.parameters
    value, gradient = loss.value_and_gradient(weights)
    values = np.array([10.0 - a for a in range(modes)] + [1.0])
    edge, image = basis[:, :modes], torch.autograd.functional.hessian(loss, weights) @ basis[:, :modes]
    rule = GradientDescent(0.1)
    here = Anchor(loss, weights, weights, float(value), gradient, edge, image, values, rule, torch.zeros_like(weights))
    return model, here, basis[:, modes:]


@pytest.mark.parametrize(("modes", "across"), [(1, 4), (2, 3), (3, 2)])
def test_planted_coefficients_are_found_again(modes, across):
    model, here, directions = planted(modes, across)
    fit = fit_edge(here, 0.5)
    found = loss_model(here, fit, directions, model.C[0])
    assert fit.misfit < 1e-9
    assert found.a == pytest.approx(model.a, abs=1e-8)
    assert found.b == pytest.approx(model.b, abs=1e-8)
    assert pytest.approx(model.C, abs=1e-8) == found.C


def test_third_derivatives_are_torch_s():
    _, here, _ = planted(2, 3)

    def hessian(weights):
        return torch.autograd.functional.hessian(here.loss, weights, create_graph=True)

    tensor = torch.autograd.functional.jacobian(hessian, here.weights)
    found = fit_edge(here, 0.5).across(2).T * torch.tensor([[2.0], [1.0], [2.0]])
    for column, (a, b) in zip(found, [(0, 0), (0, 1), (1, 1)], strict=True):
        expected = torch.einsum("ijk,j,k->i", tensor, here.edge[:, a], here.edge[:, b])
        assert column.numpy() == pytest.approx(here.across(expected).numpy(), abs=1e-8)


def test_a_kink_is_no_polynomial():
    _, here, _ = planted(1, 2)
    here.loss.module.kink = 5.0
    assert fit_edge(here, 0.5).misfit > 0.05


@pytest.mark.parametrize("modes", [1, 2, 3])
def test_lines_are_unit_vectors_in_different_directions(modes):
    found = lines(modes, 5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(found)))
    assert (np.abs(found @ found.T) - 2 * np.eye(len(found))).max() < 0.97
