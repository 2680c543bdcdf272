from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.edge_of_stability.__main__ import Options, figure, groups, planned, study
from analysis.edge_of_stability.settings import QUICK
from analysis.study.work import verdicts as verdicts_of
from analysis.training.lanczos import lanczos_sharpness
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import sharpness
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss, cross_entropy

STEPS, EVERY = 1000, 10
ETAS = (0.1, 0.2)
CONFIRMED = xr.Dataset({"tracked": ("architecture", [10.0]), "independent": ("architecture", [10.01])})


def rises_and_hovers(time, eta):
    return np.minimum(2 + 0.4 * time, 2 / eta * (1.05 + 0.03 * np.sin(time)))


def never_held(time, eta):
    return 2 + 0.4 * time


def spiky(steps, at_edge):
    """Falls in every step until the edge, where it has a ripple of period two."""
    return np.exp(-steps / 300) * np.where(at_edge, 1 + 0.1 * (-1) ** steps, 1)


def smooth(steps, at_edge):
    return np.exp(-steps / 300)


ARCHITECTURES, CRITERIA = ("fully_connected", "convolutional", "transformer"), ("mse", "cross_entropy")


def histories(
    sharpness=rises_and_hovers, loss=spiky, ending="steps", steps=STEPS, architectures=ARCHITECTURES, criteria=CRITERIA
):
    """Runs with two step sizes, alike for all architectures and criteria."""
    read, t = np.arange(0, steps + 1, EVERY), np.arange(steps + 1)
    values = [sharpness(eta * read, eta) for eta in ETAS]
    losses = [loss(t, sharpness(eta * t, eta) >= 2 / eta) for eta in ETAS]
    one = xr.Dataset(
        {
            "eta": ("number", [*ETAS]),
            "ending": ("number", [ending, ending]),
            "sharpness": (("number", "reading"), values),
            "loss": (("number", "step"), losses),
            "time": (("number", "step"), [eta * t for eta in ETAS]),
        },
        {"number": [1, 2], "reading": read, "step": t},
    )
    return one.expand_dims(architecture=[*architectures], criterion=[*criteria])


def judged(training, second=CONFIRMED):
    return {name: found.status for name, found in verdicts_of(study, training=training, second_readings=second).items()}


def verdicts(training, second=CONFIRMED):
    """Of the claims about runs."""
    return {name: status for name, status in judged(training, second).items() if name != "edge"}


def test_the_edge_is_derived():
    assert judged(histories())["edge"] == "proved"


def test_runs_that_rise_to_the_edge_and_hover_there_support_every_claim():
    assert set(verdicts(histories()).values()) == {"supported"}


def test_a_sharpness_that_goes_on_rising_refutes_hovering_and_the_exponent():
    found = verdicts(histories(never_held))
    assert found["hovers_at_the_edge"] == found["inversely_with_the_step_size"] == "refuted"


def test_a_run_that_is_done_below_the_edge_refutes_that_it_is_reached():
    assert verdicts(histories(lambda time, eta: 1 + 0 * time, ending="accuracy"))["reaches_the_edge"] == "refuted"


def test_a_run_that_is_out_of_steps_below_the_edge_decides_nothing():
    assert set(verdicts(histories(steps=20)).values()) == {"undecided"}


def test_a_run_that_starts_above_the_edge_is_no_witness_of_a_rise():
    above = histories(lambda time, eta: np.where(time < 10, 3, 2.1) / eta)
    assert set(verdicts(above).values()) == {"undecided"}


def test_a_second_reading_that_there_is_not_decides_nothing():
    assert verdicts(histories(), CONFIRMED * np.nan)["hovers_at_the_edge"] == "undecided"


def test_a_diverged_run_decides_nothing():
    assert set(verdicts(histories(ending="diverged")).values()) == {"undecided"}


def test_a_loss_that_falls_in_every_step_refutes_non_monotone():
    assert verdicts(histories(loss=smooth))["non_monotone_yet_falling"] == "refuted"


def test_a_loss_that_rises_over_long_windows_refutes_yet_falling():
    def turns(steps, at_edge):
        return spiky(steps, at_edge) + np.where(steps > 700, 0.002 * (steps - 700), 0)

    assert verdicts(histories(loss=turns))["non_monotone_yet_falling"] == "refuted"


def test_a_ripple_below_the_edge_refutes_descent():
    assert verdicts(histories(loss=lambda steps, at_edge: spiky(steps, True)))["falls_until_the_edge"] == "refuted"


def test_a_sharpness_that_depends_on_the_number_of_steps_refutes_one_curve_in_time():
    def by_step(time, eta):
        return rises_and_hovers(time / eta * 0.15, eta)

    assert verdicts(histories(by_step))["one_curve_in_time"] == "refuted"


def test_a_second_reading_that_differs_refutes_hovering():
    assert verdicts(histories(), CONFIRMED.assign(independent=CONFIRMED.independent * 1.1))["hovers_at_the_edge"] == (
        "refuted"
    )


def test_runs_of_one_network_count_once_however_many_step_sizes_there_are():
    alone = verdicts_of(study, training=histories(criteria=CRITERIA[:1]), second_readings=CONFIRMED)
    assert "3 runs; 5 tell" in alone["hovers_at_the_edge"].evidence[0].observed


def test_a_level_of_few_runs_and_an_exponent_of_few_networks_decide_nothing():
    found = verdicts(histories(architectures=ARCHITECTURES[:1]))
    assert found["hovers_at_the_edge"] == found["inversely_with_the_step_size"] == "undecided"


def test_a_level_set_by_the_loss_refutes_the_exponent():
    found = verdicts(histories(lambda time, eta: np.minimum(2 + 0.4 * time, 25.0)))
    assert found["inversely_with_the_step_size"] == "refuted"


def test_the_level_is_that_of_the_second_half_of_the_time_at_the_edge():
    def overshoots(time, eta):
        return rises_and_hovers(time, eta) * np.where((time > 45) & (time < 60), 1.5, 1)

    run = groups(histories(overshoots))["fully_connected, mse"][0]
    assert (run.crossed, run.settled) == (450, 725)
    assert run.level == pytest.approx(1.05, abs=0.02)


def test_missing_runs_are_left_out():
    missing = histories().where(lambda runs: runs.number < 2)
    assert [run.eta for run in groups(missing)["fully_connected, mse"]] == [ETAS[0]]


def test_the_figure_has_a_dashed_line_at_every_edge_and_a_dotted_one_at_every_crossing():
    def drawn(axes, style):
        return [line for line in axes.lines if line.get_linestyle() == style and len(line.get_xdata())]

    one = histories(architectures=ARCHITECTURES[:1], criteria=CRITERIA[:1])
    found = groups(one)
    loss, sharpness, by_time = figure(one, found).subfigs[0].axes
    for axes in (sharpness, by_time):
        assert [line.get_ydata()[0] for line in drawn(axes, "--")] == [20.0, 10.0]
    crossings = [run.crossing for run in found["fully_connected, mse"]]
    for axes in (loss, sharpness):
        assert [line.get_xdata()[0] for line in drawn(axes, ":")] == crossings


def test_the_second_method_gives_the_top_eigenvalue_of_the_dense_hessian():
    examples = Digits(40).load()
    module = FullyConnected((4,)).build(examples, torch.Generator().manual_seed(1))
    loss = FlatLoss(module, examples.inputs, examples.targets, cross_entropy, micro_batch=15)
    assert lanczos_sharpness(loss, loss.parameters.numpy()) == pytest.approx(sharpness(loss, loss.parameters), rel=1e-4)


def test_every_architecture_and_criterion_has_runs_by_ascending_step_size():
    etas = (Fraction(3, 10), Fraction(1, 10))
    runs = planned(Options(architecture=("fully_connected", "transformer"), criterion=("mse",), eta=etas))
    assert [(place, one.rule.eta, one.loss) for place, one in runs.items()] == [
        (("fully_connected", "mse", 1), 0.1, "mse"),
        (("fully_connected", "mse", 2), 0.3, "mse"),
        (("transformer", "mse", 1), 0.1, "mse"),
        (("transformer", "mse", 2), 0.3, "mse"),
    ]
    assert QUICK.keys() == {*product(("fully_connected", "convolutional", "transformer"), ("mse", "cross_entropy"))}


def test_the_full_preset_says_what_data_it_needs():
    with pytest.raises(BadInput, match="--data-root"):
        planned(Options(preset="full"))


def test_an_architecture_given_twice_is_refused():
    with pytest.raises(BadInput, match="--architecture"):
        Options(architecture=("transformer", "transformer"))
