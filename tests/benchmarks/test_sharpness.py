"""The sharpness benchmark on a small network: all read the dense Hessian's eigenvalue, or are said to be absent."""

import pytest
import torch
from torch import nn

from benchmarks.sharpness.contenders import BASELINE, CONTENDERS, OURS, Absent
from benchmarks.sharpness.measure import compare, named
from benchmarks.sharpness.sizes import measured
from numeric.networks import FlatLoss, half_squared_error, hessian
from numeric.networks.curvature.eigen.search import UNLIKELY

THIRD_PARTIES = {"curvlinops with eigsh", "PyHessian", "hessian-eigenthings"}


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(6)
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    loss = FlatLoss(network, torch.randn(30, 4), torch.randn(30, 2), half_squared_error)
    theta = loss.parameters
    return loss, theta, float(torch.linalg.eigvalsh(hessian(loss, theta).double())[-1])


@pytest.mark.filterwarnings("ignore")  # what other people's packages warn of
@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_reads_the_sharpness_of_the_dense_hessian(small, name):
    loss, theta, truth = small
    try:
        read = CONTENDERS[name](loss, 1e-3)
    except Absent as reason:
        assert name in THIRD_PARTIES
        pytest.skip(str(reason))
    for _ in range(2):
        value, products = read(theta)
        assert value == pytest.approx(truth, rel=2e-2)
        assert products >= 1


def test_a_first_reading_takes_a_gradient_its_products_and_some_vectors():
    size = measured(8)
    assert size.weights == 64 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10
    assert size.products >= 3
    assert size.evaluations > 0
    assert size.overhead > 0
    assert size.overlooked <= UNLIKELY


def test_the_comparison_counts_what_is_missed_and_who_is_absent(small):
    loss, theta, truth = small

    def missing(loss, relative):
        raise Absent("not installed")

    points = [(theta, truth), (theta, truth), (theta, 2 * truth)]
    contenders = {name: CONTENDERS[name] for name in (OURS, BASELINE)} | {"nobody": missing}
    comparison = compare(loss, points, contenders, 1e-3, lambda text: None)
    assert comparison.absent == {"nobody": "not installed"}
    assert comparison.readings == 2
    assert [named(comparison.rows, name).missed for name in (OURS, BASELINE)] == [1, 1]
