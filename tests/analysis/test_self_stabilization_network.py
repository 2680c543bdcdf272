"""What is claimed of turns, on turns made by hand; and a short run of the study as its users see it."""

import json
import math

import numpy as np
import pytest
import xarray as xr

from analysis.self_stabilization_network.__main__ import Options, study
from analysis.self_stabilization_network.figure import draw
from analysis.self_stabilization_network.runs import KINDS, TURN
from analysis.self_stabilization_network.turns import Run
from analysis.study.work import verdicts, work_off
from eos_sym import BadInput, Undecided
from numeric.networks.edge.turns.assumptions import ASSUMED, ASSUMPTIONS
from numeric.networks.edge.turns.constrained import UNSETTLED

EPSILON, ETA = 0.1, 0.1
STEPS = round(4.5 * TURN / EPSILON)
ORDERS = list(ASSUMED)


def told(errors=(0.3, 0.2, 0.1), epsilon=EPSILON, steps=STEPS, failing=("none",) * 3, since=None, pull=2.0):
    """Turns of sin and cos about the edge, the predictions off by a share of them."""
    time = epsilon * np.arange(steps + 1)
    x, y = 0.05 * (1 + 0.5 * np.sin(time)), 0.2 * np.cos(time)
    off = np.array(errors)[:, None]
    series = {"x": x, "y": y, "loss": 1 - 1e-3 * time + x**2 / ETA, "constrained_loss": 1 - 1e-3 * time}
    series |= {"sharpness": 2 / ETA + y, "residual": 1e-4 + 0 * time, "alpha": (epsilon / ETA) ** 2 + 0 * time}
    series |= {"beta": 1 + 0 * time, "delta": 0.05 + 0 * time, "epsilon": epsilon + 0 * time, "second": 10 + 0 * time}
    predicted = {"x": x * (1 - off), "y": y * (1 - off), "sharpness": 2 / ETA + y * (1 - off)}
    predicted["loss"] = series["constrained_loss"] + x**2 / ETA * (1 - off)
    reach = np.full((len(ASSUMPTIONS), len(time)), 0.1)
    reach[-1] = pull
    return xr.Dataset(
        {name: ("step", values) for name, values in series.items()}
        | {f"predicted_{name}": (("order", "step"), values) for name, values in predicted.items()}
        | {
            "error": (("order", "step"), off + 0 * time),
            "reach": (("assumption", "step"), reach),
            "failing": ("order", list(failing)),
            "failing_from": ("order", [len(time)] * 3 if since is None else list(since)),
        },
        {"step": np.arange(len(time)), "order": ORDERS, "assumption": list(ASSUMPTIONS)},
        {"ending": "steps", "crossing": 50, "coefficient_error": 1e-6},
    )


def runs(power=1.0, **of_the_turns):
    """A long run and four short ones of every kind, whose errors go with a power of ε."""
    found = []
    for kind in KINDS:
        found.append(Run(*kind, 2, 0, ETA, True, told(**of_the_turns)))
        for place, factor in enumerate((0.5, 0.7, 1.4, 2.0)):
            errors = np.array((0.3, 0.2, 0.1)) * factor**power * (1 + 0.01 * (-1) ** place)
            short = told(errors, EPSILON * factor, round(1.1 * TURN / EPSILON / factor))
            found.append(Run(*kind, place, 0, ETA, False, short))
    return found


def statuses(**of_the_runs):
    """The status of every claim on such runs."""
    return {name: found.status for name, found in verdicts(study, runs=runs(**of_the_runs)).items()}


def test_turns_as_predicted_support_everything_but_that_two_numbers_are_enough():
    found = statuses(power=1.2)
    assert found.pop("two_numbers") == "refuted"
    assert {found.pop(f"foreseen_{order}") for order in ORDERS} == {"undecided"}
    assert found.pop("parallel_term") == "proved"
    assert set(found.values()) == {"supported"}


def test_errors_that_hardly_fall_with_epsilon_refute_the_exponent():
    assert statuses(power=0.4)["exponent_complete"] == "refuted"


def test_a_prediction_that_is_off_by_more_than_the_turns_is_refuted_and_unforeseen():
    found = statuses(errors=(1.2, 1.1, 1.05))
    assert {found[f"four_turns_{order}"] for order in ORDERS} == {"refuted"}
    assert (found["series_complete"], found["foreseen_cubic"]) == ("refuted", "refuted")


def test_where_an_assumption_fails_in_time_nothing_is_claimed_and_the_failure_is_foreseen():
    found = statuses(errors=(1.2, 1.1, 1.05), failing=("cubic",) * 3, since=(0, 0, 0))
    assert {found[f"four_turns_{order}"] for order in ORDERS} == {"undecided"}
    assert found["foreseen_complete"] == "supported"


def test_the_reason_names_the_assumption_its_value_and_its_step():
    run = Run(*KINDS[0], 2, 0, ETA, True, told(failing=("none", "none", "crowding"), since=(STEPS + 1, STEPS + 1, 90)))
    with pytest.raises(Undecided, match=r"crowding is 0.10 from step 90 on, after 2\.0 turns"):
        run.held("complete", 4)
    assert run.held("complete", 1) == slice(0, math.ceil(TURN / EPSILON) + 1)


def test_a_run_that_is_not_at_the_edge_says_so_and_silences_no_other():
    given = [*runs()[1:], Run(*KINDS[0], 2, 0, ETA, True, xr.Dataset(attrs={"ending": "below the edge"}))]
    evidence = verdicts(study, runs=given)["four_turns_cubic"].evidence
    assert sorted(one.status for one in evidence) == ["supported"] * 3 + ["undecided"]
    assert any("below the edge" in str(one.observed) for one in evidence)


def test_a_sharpness_that_is_not_predicted_to_the_end_is_not_predicted():
    """Against an error over the steps before the prediction was gone; what is not read is no part of it."""
    gone = told()
    gone["sharpness"] = gone.sharpness.where(gone.step % 3 == 1)
    assert Run(*KINDS[0], 2, 0, ETA, True, gone).relative_error("sharpness", "complete") == pytest.approx(0.1)
    gone["predicted_sharpness"] = gone.predicted_sharpness.where(gone.step < 100)
    assert Run(*KINDS[0], 2, 0, ETA, True, gone).relative_error("sharpness", "complete") == np.inf


def test_a_trajectory_that_is_lost_before_four_turns_is_not_found():
    """Against the defect of those projections alone that settled; an end for another reason decides nothing."""
    short = told(steps=round(3 * TURN / EPSILON))
    for ending, status in ((f"{UNSETTLED} in 20 points", "refuted"), ("S ≤ 2/η does not bind any more", "undecided")):
        given = [*runs()[1:], Run(*KINDS[0], 2, 0, ETA, True, short.assign_attrs(ending=ending))]
        assert verdicts(study, runs=given)["on_the_boundary"].parts[0].status == status


def test_a_median_of_few_runs_says_nothing_of_what_is_missing():
    assert verdicts(study, runs=runs()[:-1])["what_is_missing"].status == "undecided"


def test_the_figure_has_every_run_also_of_predictions_that_are_gone():
    figure = draw(runs(errors=(np.nan, 0.3, 0.1)))
    assert len(figure.axes) == 3 * len(KINDS) + 3


def test_a_number_of_seeds_below_one_is_refused():
    with pytest.raises(BadInput, match="--seeds"):
        Options(seeds=0)


@pytest.mark.slow
@pytest.mark.usefixtures("in_pixels")
def test_a_run_out_of_steps_writes_everything_and_decides_nothing_of_networks(tmp_path, capsys):
    """Ten steps of training do not come to the edge."""
    assert work_off(study, Options(out=tmp_path, steps=10, workers=1, json=True)) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert {claim["status"] for claim in claims} == {"undecided", "proved"}
