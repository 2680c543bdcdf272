"""Principal axes: those of the covariance, with signs that no linear algebra library decides.

Wrong programs these catch: one that leaves the signs to the library, which has others for points in another order; one
that lets rounding choose between entries of one magnitude; one that returns axes for which any rotation would do.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eos_sym import BadInput
from numeric.networks.data import Digits, principal_axes
from numeric.networks.signs import positive

POINTS, DIMENSION, COUNT = 30, 7, 4


def points(seed):
    """Points that vary by 1, 2, 4, … along orthogonal directions drawn at random, about a point that is drawn too."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(POINTS, DIMENSION))
    left = np.linalg.qr(normal - normal.mean(0))[0]
    right = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))[0]
    return torch.from_numpy(left * 2.0 ** np.arange(DIMENSION) @ right.T + rng.normal(size=DIMENSION))


SEEDS = st.integers(0, 10**6)


@given(SEEDS)
def test_they_are_the_leading_eigenvectors_of_the_covariance_with_their_largest_entries_positive(seed):
    given_points = points(seed)
    axes = principal_axes(given_points, COUNT).numpy()
    leading = np.linalg.eigh(np.cov(given_points.numpy().T))[1][:, ::-1][:, :COUNT]
    largest = np.abs(leading).argmax(0), np.arange(COUNT)
    assert axes == pytest.approx(leading * np.sign(leading[largest]), abs=1e-9)
    assert (axes[largest] > 0).all()
    assert np.diff(((given_points.numpy() - given_points.numpy().mean(0)) @ axes).std(0)).max() < 0


@given(SEEDS, st.permutations(range(POINTS)), st.lists(st.sampled_from([-1.0, 1.0]), min_size=7, max_size=7))
def test_they_are_the_same_whatever_signs_the_library_returns(seed, order, mirrored):
    given_points = points(seed)
    axes = principal_axes(given_points, COUNT)
    for same in (given_points[list(order)], -given_points, given_points.float().double() + 1e3):
        assert principal_axes(same, COUNT).numpy() == pytest.approx(axes.numpy(), abs=1e-5)
    flips = torch.tensor(mirrored, dtype=torch.float64)
    found, mirrored_axes = principal_axes(given_points * flips, COUNT), flips[:, None] * axes
    assert found.numpy() == pytest.approx((mirrored_axes * positive(mirrored_axes)).numpy(), abs=1e-9)


def test_a_library_does_return_other_signs_for_the_digits_in_another_order():
    """Otherwise the test before this one tests nothing."""
    pixels = Digits(60, classes=3).load().inputs.flatten(1)
    axes = principal_axes(pixels, 16)
    centred, orders = pixels - pixels.mean(0), torch.Generator().manual_seed(0)
    signs = [
        (torch.linalg.svd(centred[order], full_matrices=False).Vh[:16] * axes.T).sum(1).sign()
        for order in (torch.randperm(60, generator=orders) for _ in range(10))
    ]
    assert len(torch.stack(signs).unique(dim=0)) > 1
    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_of_entries_of_one_magnitude_the_first_is_positive_whatever_rounding_does():
    """(1, −1)/√2 is the axis of points that are symmetric under an exchange of their coordinates."""
    spread = torch.tensor([-3.0, -1.0, 1.0, 3.0], dtype=torch.float64)
    for rounding in (-1e-12, 0.0, 1e-12):
        along = spread[:, None] * torch.tensor([[-1.0 + rounding, 1.0]], dtype=torch.float64)
        found = principal_axes(along + 0.1 * spread.square()[:, None], 1)[:, 0]
        assert found.tolist() == pytest.approx([0.5**0.5, -(0.5**0.5)])


@pytest.mark.parametrize(
    ("given_points", "count", "words"),
    [
        (torch.eye(4), 2, "principal axes 1 and 2: the points vary alike in both; ask for fewer"),
        (torch.tensor([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]), 2, "axes 2 and 3"),
        (torch.tensor([[1.0, 2, 3], [2, 4, 6], [3, 6, 9]]), 2, "that vary in 1 directions: ask for fewer"),
        (torch.ones(3, 2), 1, "that vary in 0 directions"),
        (torch.eye(2), 0, "count = 0: must be 1 or more"),
    ],
)
def test_axes_that_are_not_determined_are_refused(given_points, count, words):
    with pytest.raises(BadInput, match=words):
        principal_axes(given_points, count)


def test_all_axes_of_points_that_vary_in_every_direction_are_determined():
    assert principal_axes(points(0), DIMENSION).shape == (DIMENSION, DIMENSION)
