"""Whether flatter minima test better: planted relations are found, others are not, and the ends are measured right."""

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.flatter.__main__ import Options, compared, planned, study
from analysis.flatter.ends import COMPARED, accuracy, measured
from analysis.flatter.relations import Ends
from analysis.flatter.settings import BY_SAM, LARGER_STEPS, SMALLER_BATCHES, settings
from analysis.study.work import verdicts
from eos_sym import BadInput, Undecided
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import hessian
from numeric.networks.data import Digits, Examples
from numeric.networks.loss import FlatLoss, half_squared_error

SETTINGS = settings((0.1, 0.2, 0.4), (0.03, 0.1), (16, 4))
SHARPNESS = np.array([18.0, 10.0, 5.0, 14.0, 8.0, 15.0, 7.0])
STARTS = 6


def ends(accuracy_of=lambda sharpness, start: -np.log(sharpness), sharpness=SHARPNESS):
    """Ends whose sharpness scatters by start, and whose test accuracy is what the function says."""
    scatter = 1 + 0.01 * np.random.default_rng(0).permuted(np.tile(np.arange(STARTS), (7, 1)), axis=1)
    values = sharpness[:, None] * scatter
    tested = np.array([[accuracy_of(value, start) for start, value in enumerate(row)] for row in values])
    named = {"sharpness": values, "trace": 3 * values, "test_accuracy": tested, "by_differences": 1e-6 * values}
    dims = ("setting", "start")
    return xr.Dataset(
        {name: (dims, one) for name, one in {**named, "loss": 0 * values}.items()},
        {"setting": [one.name for one in SETTINGS], "start": np.arange(STARTS)},
    )


def status(found, **options):
    """The status of every part, by claim."""
    known = verdicts(study, ends=found, compared=SETTINGS, **options)
    return {name: [part.status for part in verdict.parts] for name, verdict in known.items()}


def test_flatter_ends_that_test_better_support_every_part():
    assert {one for parts in status(ends()).values() for one in parts} == {"supported"}


def test_sharper_ends_that_test_better_refute_what_is_said_of_them_alone():
    found = status(ends(lambda sharpness, start: np.log(sharpness)))
    assert (
        set(found.pop("flatter_by_sharpness_tests_better"))
        == set(found.pop("flatter_by_trace_tests_better"))
        == {"refuted"}
    )
    assert {one for parts in found.values() for one in parts} == {"supported"}


def test_an_accuracy_that_the_start_decides_is_found_within_settings_only():
    """The wrong program pools runs of all settings, and takes what the settings do for what flatness does."""
    rank = {}

    def by_start(sharpness, start):
        base = SHARPNESS[np.abs(SHARPNESS - sharpness / 1.025).argmin()]
        rank[start] = sharpness / base
        return base - 100 * rank[start]

    across, _, _, _, within = status(ends(by_start))["flatter_by_sharpness_tests_better"]
    assert within == "supported"
    assert across != "supported"


def test_ends_that_are_no_flatter_refute_each_way():
    rising = np.array([5.0, 10.0, 18.0, 8.0, 14.0, 7.0, 15.0])
    found = status(ends(sharpness=rising))
    for name in ("larger_steps_end_flatter", "flatter_with_sam", "flatter_with_smaller_batches"):
        assert found[name][:2] == ["refuted", "refuted"]


def test_a_sharpness_that_second_differences_contradict_is_refuted():
    found = ends()
    found.by_differences[3, 2] = 0.1
    assert status(found)["larger_steps_end_flatter"][2] == "refuted"


def test_a_setting_with_a_run_that_did_not_come_to_the_loss_is_left_out_and_named():
    found = ends()
    for name in found:
        found[name][1, 2] = np.nan
    known = Ends(found, SETTINGS)
    assert known.left_out == ["η = 0.2"]
    assert list(known.of().setting.values) == [one.name for one in SETTINGS if one.name != "η = 0.2"]
    with pytest.raises(Undecided, match=r"η = 0\.2 did not come to the loss"):
        known.of(LARGER_STEPS)
    assert status(found)["flatter_with_sam"] == ["supported", "supported"]


def test_each_way_begins_with_the_first_step_size():
    for way, names in (
        (LARGER_STEPS, "η = 0.2 η = 0.4"),
        (BY_SAM, "ρ = 0.03 ρ = 0.1"),
        (SMALLER_BATCHES, "B = 16 B = 4"),
    ):
        own = [one.name for one in SETTINGS if way in one.ways]
        assert own[0] == "η = 0.1"
        assert " ".join(own[1:]) == names


def test_every_run_begins_at_a_start_of_its_own():
    options = Options(seeds=3)
    runs = planned(options, compared(options))
    assert len({one.seed for one in runs.values()}) == len(runs) == 21


def test_the_measures_at_an_end_are_those_of_the_dense_hessian():
    """The trace of 60 probes is within four of its standard errors, and these are as large as the Hessian says."""
    data = Digits(30).load()
    module = FullyConnected((4,)).build(data, torch.Generator().manual_seed(0))
    loss = FlatLoss(module, data.inputs, data.targets, half_squared_error)
    found = measured(loss, loss.parameters, seed=1)
    dense = hessian(loss, loss.parameters)
    assert found["sharpness"] == pytest.approx(float(torch.linalg.eigvalsh(dense)[-1]), rel=1e-4)
    assert abs(found["trace"] - float(dense.trace())) < 4 * found["trace_error"]
    spread = float(
        (2 * (dense.square().sum() - dense.diagonal().square().sum()) / 60) ** 0.5
    )  # of such a mean, exactly
    assert found["trace_error"] == pytest.approx(spread, rel=0.4)
    assert found["by_differences"] < 1e-4
    assert COMPARED > 1


def test_the_accuracy_is_that_of_the_largest_output():
    data = Digits(30).load()
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10, dtype=torch.float64))
    loss = FlatLoss(module, data.inputs, data.targets, half_squared_error)
    answers = module(data.inputs).argmax(1)
    right = torch.nn.functional.one_hot(answers, 10).double()
    wrong = torch.nn.functional.one_hot((answers + 1) % 10, 10).double()
    half = torch.cat([right[:15], wrong[15:]])
    assert accuracy(loss, Examples(data.inputs, half, classes=True)) == 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rho": (0.1, 0.1)}, "each once"),
        ({"rho": (-0.1,)}, "positive"),
        ({"batch_size": (0,)}, "positive"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_wrong_options_are_refused_with_the_remedy(given, said):
    with pytest.raises(BadInput, match=said):
        Options(**given)


def test_a_batch_of_all_examples_is_no_smaller_batch():
    options = Options(batch_size=(200,))
    with pytest.raises(BadInput, match="sizes below 200"):
        planned(options, compared(options))
