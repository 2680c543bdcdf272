"""The covariance of the central flow at several eigenvalues: cases that are solved by hand, and its conditions."""

import numpy as np
import pytest
from scipy.optimize import minimize

from eos_sym import Undecided
from numeric.networks.edge.covariance import edge_covariance


def products(vectors):
    """T_ab·T_cd of symmetric T (k, k, m)."""
    return np.einsum("abm,cdm->abcd", vectors, vectors)


def test_one_direction_balances_two_alpha_over_beta():
    t = np.array([[[3.0, 4.0]]])
    found = edge_covariance(np.array([[-5.0]]), products(t))
    assert found.covariance == pytest.approx(np.array([[2 * 5.0 / 25.0]]), rel=1e-5)
    assert found.rank == 1
    assert edge_covariance(np.array([[5.0]]), products(t)).rank == 0  # the sharpness falls by itself


def separate():
    """T_11, T_22 and T_12 orthogonal to each other."""
    t = np.zeros((2, 2, 3))
    t[0, 0, 0] = t[1, 1, 1] = t[0, 1, 2] = t[1, 0, 2] = 1
    return products(t)


def test_two_directions_that_are_driven_apart_both_oscillate():
    # catches B without its ½, and a two-cycle taken for granted, whose off-diagonal would be √(X₁₁X₂₂)
    found = edge_covariance(-np.diag([1e-3, 5e-4]), separate())
    assert found.covariance == pytest.approx(np.diag([2e-3, 1e-3]), abs=1e-8)
    assert found.rank == 2


def test_a_direction_that_falls_by_itself_does_not_oscillate():
    found = edge_covariance(np.diag([-1e-3, 2e-4]), separate())
    assert found.covariance == pytest.approx(np.diag([2e-3, 0]), abs=1e-8)
    assert found.rank == 1
    assert found.rate == pytest.approx(np.diag([0, -2e-4]), abs=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_the_conditions_hold_at_random(seed):
    rng = np.random.default_rng(seed)
    k = 2 + seed % 2
    t = rng.normal(size=(k, k, 8))
    t = t + t.transpose(1, 0, 2)
    force = rng.normal(size=(k, k))
    force = force + force.T - np.eye(k)
    found = edge_covariance(force, products(t))
    slack = force + np.tensordot(products(t), found.covariance, 2) / 2
    assert np.linalg.eigvalsh(found.covariance)[0] > -1e-8
    assert np.linalg.eigvalsh(slack)[0] > -1e-5
    assert abs((slack * found.covariance).sum()) < 1e-5
    assert found.rate == pytest.approx(-slack)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_it_is_the_free_minimum_over_a_root(k):
    """Against a wrong weight of the off-diagonals in the conic form: X = YYᵀ by BFGS, which shares nothing with it."""
    rng = np.random.default_rng(k)
    t = rng.normal(size=(k, k, 40))
    inner = products(t + t.transpose(1, 0, 2)) / 40
    force = rng.normal(size=(k, k))
    force = force + force.T - np.eye(k)

    def objective(flat):
        root = flat.reshape(k, k)
        x = root @ root.T
        pushed = np.tensordot(inner, x, 2) / 2
        return ((force + pushed / 2) * x).sum(), (2 * (force + pushed) @ root).ravel()

    root = minimize(objective, np.eye(k).ravel(), jac=True, method="BFGS", options={"gtol": 1e-9}).x.reshape(k, k)
    found = edge_covariance(force, inner).covariance
    assert found == pytest.approx(root @ root.T, abs=1e-4 * np.abs(found).max())


def test_modes_of_very_different_strength_are_balanced_together():
    """Against a solver without units: T_22 is a thousandth of T_11, so its variance is a million times as large."""
    t = np.zeros((2, 2, 3))
    t[0, 0, 0], t[1, 1, 1], t[0, 1, 2] = 1, 1e-3, 1e-2
    t[1, 0] = t[0, 1]
    found = edge_covariance(-np.diag([1e-3, 1e-3]), products(t))
    assert np.diag(found.covariance) == pytest.approx([2e-3, 2e3], rel=1e-4)


def test_what_nothing_holds_is_refused():
    """Against an X without bound: no T, and T that are collinear with the wrong sign."""
    with pytest.raises(Undecided, match="does not depend"):
        edge_covariance(np.array([[-1.0]]), np.zeros((1, 1, 1, 1)))
    t = np.zeros((2, 2, 1))
    t[0, 0, 0], t[1, 1, 0] = 1, -1
    with pytest.raises(Undecided, match="no oscillation holds"):
        edge_covariance(-np.eye(2), products(t))
