import numpy as np
import pytest
import xarray as xr

from analysis.reasonable_steps import CRITERIA, Options, ends, figure, ranges, study
from analysis.study.work import verdicts as verdicts_of
from eos_sym import BadInput

ETAS = 0.1 * 2.0 ** np.arange(8)  # 0.1 … 12.8
ENDINGS = ("steps", "steps", *["accuracy"] * 5, "diverged")  # trains from 0.4 to 6.4
LARGEST = (0.1, 0.3, 0.6, 0.9, 1.1, 1.2, 1.3, 5.0)  # at the edge from 1.6 on
WIDE = (0.1, 0.3, 0.6, 1.05, 1.1, 1.2, 1.3, 5.0)  # from 0.8 on
STEPS = (1000, 1000, 900, 500, 300, 200, 250, 10)


def outcomes(endings=ENDINGS, largest=LARGEST, steps=STEPS):
    """The same outcomes with both criteria."""
    columns = {"eta": ETAS, "steps": np.array(steps, float), "ending": np.array(endings), "largest": np.array(largest)}
    return xr.Dataset(
        {name: (("criterion", "number"), np.stack([column, column])) for name, column in columns.items()},
        {"criterion": list(CRITERIA), "number": range(1, 9)},
    )


def verdicts(training):
    return {name: found.status for name, found in verdicts_of(study, training=training).items()}


def test_the_range_and_the_share_are_those_counted_by_hand():
    found = ranges(outcomes())["mse"]
    assert (found.first, found.edge_begins, found.last) == pytest.approx((0.2 * 2**0.5, 0.8 * 2**0.5, 6.4 * 2**0.5))
    assert found.share == pytest.approx(3 / 5)
    assert ends(found)["fastest"] == pytest.approx(3.2)


def test_a_wide_part_at_the_edge_with_the_fastest_run_supports_every_claim():
    assert verdicts(outcomes(largest=WIDE)) == {
        "half_of_the_range": "supported",
        "an_interval": "supported",
        "fastest_at_the_edge": "supported",
    }


def test_a_share_that_the_gaps_between_the_step_sizes_leave_open_decides_nothing():
    assert ranges(outcomes())["mse"].least_and_largest_share == pytest.approx((2 / 5, 4 / 5))
    assert verdicts(outcomes())["half_of_the_range"] == "undecided"


def test_where_all_that_trains_is_at_the_edge_the_share_is_all_or_what_the_first_gap_leaves():
    found = ranges(outcomes(largest=[2.0] * 8))["mse"]
    assert found.least_and_largest_share == pytest.approx((4 / 5, 1))


def test_an_edge_that_only_the_largest_step_size_reaches_refutes_half_of_the_range():
    largest = (*LARGEST[:4], 0.9, 0.95, 1.1, 5.0)
    assert verdicts(outcomes(largest=largest))["half_of_the_range"] == "refuted"


def test_a_larger_step_size_below_the_edge_refutes_the_interval():
    assert verdicts(outcomes(largest=(*LARGEST[:5], 0.9, 1.3, 5.0)))["an_interval"] == "refuted"


def test_a_range_that_is_all_at_the_edge_compares_nothing():
    found = verdicts(outcomes(largest=[2.0] * 8))
    assert found == {"half_of_the_range": "supported", "an_interval": "undecided", "fastest_at_the_edge": "undecided"}


def test_a_fastest_run_below_the_edge_refutes_that_it_is_at_it():
    assert verdicts(outcomes(steps=(1000, 1000, 100, *STEPS[3:])))["fastest_at_the_edge"] == "refuted"


@pytest.mark.parametrize("endings", [(*ENDINGS[:7], "accuracy"), ("accuracy", "accuracy", *ENDINGS[2:])])
def test_a_range_with_an_end_that_was_not_found_decides_nothing(endings):
    assert verdicts(outcomes(endings=endings))["half_of_the_range"] == "undecided"


def test_runs_that_are_all_out_of_steps_decide_nothing():
    out_of_steps = outcomes(endings=("steps",) * 8)
    assert set(verdicts(out_of_steps).values()) == {"undecided"}
    assert ends(ranges(out_of_steps)["mse"]) is None


def test_the_figure_has_every_run_in_both_rows():
    for axes in figure(ranges(outcomes())).axes:
        assert sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None") == len(ETAS)


def test_step_sizes_must_be_positive():
    with pytest.raises(BadInput, match="--eta"):
        Options(eta=(-1,))
