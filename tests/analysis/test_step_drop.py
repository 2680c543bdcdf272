import json

import numpy as np
import pytest
import xarray as xr
from sympy import simplify

from analysis.step_drop import AFTER, Options, figure, multiplier, study
from analysis.study.work import verdicts as verdicts_of
from analysis.study.work import work_off
from eos_sym import STEP_SIZE, BadInput

STEPS, CUT, EVERY = 1000, 400, 10
BEFORE, AFTER_CUT = 0.4, 0.2


def resumes(steps):
    return np.where(steps < CUT, np.minimum(5.1, 1 + steps / 50), np.minimum(10.2, 5.1 + (steps - CUT) / 50))


def stays(steps):
    return np.minimum(5.1, 1 + steps / 50)


def histories(cut=resumes, control=stays, ripple=0.0, ending="steps", steps=STEPS):
    """Five runs with a cut and their controls, alike, with a loss that ripples that much after the cut."""
    read, t = np.arange(0, steps + 1, EVERY), np.arange(steps + 1)
    falls = np.exp(-t / 300)
    loss = [falls * (1 + ripple * (t > CUT) * (-1.0) ** t), falls]
    recorded = {
        "sharpness": (("kind", "reading"), [cut(read), control(read)]),
        "loss": (("kind", "step"), loss),
        "ending": ("kind", [ending, ending]),
    }
    labels = {"kind": ["cut", "control"], "reading": read, "step": t, "time": ("step", BEFORE * t)}
    alike = xr.Dataset(recorded, labels).expand_dims(seed=range(5))
    return alike.copy(deep=True).assign(before=BEFORE, after=AFTER_CUT, cut=CUT)


def verdicts(training):
    return {name: found.status for name, found in verdicts_of(study, training=training).items()}


def of_runs(training):
    """All verdicts but that of the one claim which needs no run."""
    return {status for name, status in verdicts(training).items() if name != "oscillation_dies_out"}


def test_sharpening_that_resumes_supports_every_claim():
    assert verdicts(histories()) == {
        "resumes": "supported",
        "hovers_at_the_new_edge": "supported",
        "control": "supported",
        "stable_in_between": "supported",
        "oscillation_dies_out": "proved",
    }


def test_a_sharpness_that_stays_at_the_old_edge_refutes_that_it_hovers_at_the_new_one():
    assert verdicts(histories(cut=stays))["hovers_at_the_new_edge"] == "refuted"


def test_a_run_that_is_done_below_the_new_edge_refutes_that_sharpening_resumes():
    assert verdicts(histories(cut=stays, ending="accuracy"))["resumes"] == "refuted"


def test_a_run_that_is_out_of_steps_below_the_new_edge_decides_nothing():
    assert verdicts(histories(cut=stays))["resumes"] == "undecided"


def test_a_single_start_decides_no_level():
    found = verdicts(histories().isel(seed=[0]))
    assert {found[name] for name in ("resumes", "hovers_at_the_new_edge", "control")} == {"undecided"}


def test_a_loss_that_rises_in_a_single_step_between_the_edges_refutes_that_it_falls_in_every_one():
    training = histories()
    training.loss[{"kind": 0, "seed": 3, "step": 500}] = 1.0
    assert verdicts(training)["stable_in_between"] == "refuted"


def test_a_control_that_rises_as_well_is_refuted():
    assert verdicts(histories(control=resumes))["control"] == "refuted"


def test_a_loss_that_ripples_between_the_edges_refutes_stability():
    assert verdicts(histories(ripple=0.1))["stable_in_between"] == "refuted"


def test_a_run_that_ends_before_the_cut_decides_nothing():
    assert of_runs(histories(steps=CUT - 100)) == {"undecided"}


def test_a_diverged_run_decides_nothing():
    assert of_runs(histories(ending="diverged")) == {"undecided"}


def test_the_multiplier_at_the_old_edge_is_stable_exactly_for_a_smaller_step_size():
    assert simplify(multiplier() - (1 - 2 * AFTER / STEP_SIZE)) == 0
    assert multiplier().subs(AFTER, STEP_SIZE) == -1
    assert multiplier().subs(AFTER, STEP_SIZE / 2) == 0


def test_the_figure_shows_the_cut_run_from_the_cut_on():
    loss, sharpness = figure(histories()).axes
    assert [line.get_ydata()[0] for line in sharpness.lines if line.get_linestyle() == "--"] == [5.0, 10.0]
    assert [min(line.get_xdata()) for line in loss.lines[:10]] == [0] * 5 + [CUT] * 5


@pytest.mark.parametrize("etas", [("0.2", "0.4"), ("0.4",), ("0.4", "0.4")])
def test_step_sizes_that_are_no_cut_are_refused(etas):
    with pytest.raises(BadInput, match="--eta"):
        Options(eta=tuple(map(float, etas)))


@pytest.mark.slow
@pytest.mark.usefixtures("in_pixels")
def test_a_short_run_cuts_the_step_size_and_writes_everything(tmp_path, capsys):
    options = Options(out=tmp_path, steps=30, cut=20, seeds=1, workers=1, json=True)
    assert work_off(study, options) == 0
    statuses = {claim["id"]: claim["status"] for claim in json.loads(capsys.readouterr().out)["claims"]}
    assert statuses.pop("oscillation_dies_out") == "proved"
    assert set(statuses.values()) == {"undecided"}
    loss = xr.open_dataset(tmp_path / "data.nc", group="training").loss
    same = (loss.sel(kind="cut") == loss.sel(kind="control")).values[0]
    assert same[:21].all()
    assert not same[21:].any()
