import numpy as np
import pytest

from analysis.training.estimate import Estimate, mean, power, within
from eos_sym import Undecided

ETAS = (0.1, 0.2, 0.3, 0.4, 0.5)


def test_the_mean_of_five_runs_has_the_interval_of_the_tables():
    found = mean([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.value, found.freedom) == (3.0, 4)
    assert found.error == pytest.approx(0.70710678)
    assert found.interval == pytest.approx((3 - 2.776445 * 0.70710678, 3 + 2.776445 * 0.70710678), rel=1e-6)


def test_a_power_is_the_one_planted_and_its_error_that_of_least_squares():
    scatter = np.array([0.01, -0.02, 0.015, 0.0, -0.01])
    found = power(ETAS, 2 * np.array(ETAS) ** -0.8 * np.exp(scatter))
    (slope, _), covariance = np.polyfit(np.log(ETAS), scatter - 0.8 * np.log(ETAS), 1, cov=True)
    assert (found.value, found.error) == pytest.approx((slope, covariance[0, 0] ** 0.5), rel=1e-9)
    assert power(ETAS, np.array(ETAS) ** -1.0).value == pytest.approx(-1)


@pytest.mark.parametrize(
    ("value", "status"), [(1.0, "supported"), (1.09, "undecided"), (1.11, "undecided"), (1.2, "refuted")]
)
def test_an_interval_that_holds_a_bound_decides_nothing(value, status):
    assert within("level", Estimate(value, 0.01, 4), 0.9, 1.1).status == status


def test_few_runs_decide_nothing():
    with pytest.raises(Undecided, match="4 runs; 5 tell"):
        mean([1.0, 1.0, 1.0, 1.0])
    with pytest.raises(Undecided, match="the same place"):
        power([0.1] * 5, [1.0, 1.1, 0.9, 1.0, 1.0])
    with pytest.raises(Undecided, match="no value"):
        mean([1.0, np.nan, 1.0, 1.0, 1.0])
