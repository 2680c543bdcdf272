"""The study of continuous models: how errors are scored, and who is asked."""

import numpy as np
import pytest
import xarray as xr

from analysis.central_flow import contest
from analysis.central_flow.contest import WORDS
from analysis.central_flow.problems import problems, recorded_runs, regression
from analysis.central_flow.scores import Met, windowed
from analysis.training.recorded import Recorded
from eos_sym import BadInput, Undecided
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent, HeavyBall
from tests.analysis.records import recorded

STEPS = np.arange(1, 200)
READINGS = STEPS[STEPS % 10 == 0]


def met(told_loss, contestant="rod", onset=20):
    """A run with the loss 1 + t/100, of which one contestant tells another one."""
    nothing = np.full((len(WORDS), len(STEPS)), np.nan)
    names = [*WORDS]
    told = nothing.copy()
    told[names.index(contestant)] = told_loss
    away = np.full((len(WORDS), len(READINGS)), np.nan)
    away[names.index(contestant)] = 0.5
    data = xr.Dataset(
        {
            "loss": ("step", 1 + STEPS / 100),
            "gradient_norm": ("step", np.ones(len(STEPS))),
            "sharpness": ("reading", np.ones(len(READINGS))),
            "moved": ("reading", READINGS / 10.0),
            "distance": (("contestant", "reading"), away),
            "told_loss": (("contestant", "step"), told),
            "told_gradient_norm": (("contestant", "step"), nothing),
            "told_sharpness": (("contestant", "reading"), away),
            "contestant_ending": ("contestant", ["steps" if name == contestant else "not asked" for name in names]),
            "onset": onset,
        },
        {"contestant": names, "step": STEPS, "reading": READINGS},
    )
    return Met("kind", 0, data)


def test_the_error_is_relative_to_training_and_the_median_of_the_phase():
    """Against an error relative to what is told, a mean, and a phase that begins with training."""
    loss = 1 + STEPS / 100
    far = np.where(STEPS < 70, loss, 1.1 * loss)
    run = met(far)
    assert run.score("rod", "loss", "onset") == 0
    assert run.score("rod", "loss", "after") == pytest.approx(0.1)
    assert run.score("rod", "distance", "after") == pytest.approx(np.median(0.5 / (READINGS[READINGS >= 70] / 10)))


def test_who_ends_early_is_infinitely_far_and_who_is_not_asked_has_no_score():
    """Against medians over what is left of a flow that diverged."""
    loss = np.where(STEPS < 100, 1 + STEPS / 100, np.nan)
    run = met(loss)
    assert run.score("rod", "loss", "onset") == 0
    assert run.score("rod", "loss", "after") == np.inf
    assert np.isnan(run.score("edge", "loss", "after"))
    assert np.isnan(met(loss, onset=-1).score("rod", "loss", "after"))


def test_a_window_averages_squares_of_the_norm_and_as_many_readings_as_it_holds():
    """Against fifty readings where fifty steps are meant."""
    steps = xr.DataArray(np.where(STEPS % 2, 1.0, 3.0), {"step": STEPS}, ("step",))
    assert float(windowed(steps, "loss").sel(step=100)) == pytest.approx(2)
    assert float(windowed(steps, "gradient_norm").sel(step=100)) == pytest.approx(5**0.5)
    readings = xr.DataArray(np.arange(len(READINGS), dtype=float), {"reading": READINGS}, ("reading",))
    assert int(windowed(readings, "sharpness").notnull().sum()) == len(READINGS) - 4


def test_a_recorded_run_is_a_problem_of_its_own_steps(tmp_path):
    """Its loss before the first step is recorded; against one more step than there are losses."""
    loss = recorded(tmp_path / "a_run.npz")
    (problem,) = recorded_runs(tmp_path)
    assert isinstance(problem.data, Recorded)
    assert problem.kind == "a run"
    assert problem.steps == 2
    module, criterion, given, wanted = problem.module()
    assert float(criterion(module(given), wanted).detach()) == pytest.approx(loss, rel=1e-12)


def test_a_recorded_run_that_skips_steps_is_bad_input_here(tmp_path):
    """Averages over two steps need all of them."""
    recorded(tmp_path / "a_run.npz", every=100)
    with pytest.raises(BadInput, match="every 100th step"):
        list(recorded_runs(tmp_path))


def test_nobody_is_asked_before_the_edge_and_only_the_central_flow_of_other_rules(tmp_path, monkeypatch):
    """Against flows of gradient descent that are held against another rule."""
    asked = []

    def ask(name):
        def tell(problem, onset, kept):
            asked.append((name, onset.step))
            return contest.NOTHING

        return tell

    monkeypatch.setattr(contest, "CONTESTANTS", {name: ask(name) for name in WORDS})
    for rule, steps in ((GradientDescent(0.01), 12), (HeavyBall(0.6, 0.5), 30), (GradientDescent(0.6), 30)):
        told = contest.Contest(regression(0, rule, steps), 5, ("rod", "central")).run(tmp_path, lambda _: None)
        assert set(told.contestant_ending.values) == {"not asked"}
    assert [name for name, _ in asked] == ["central", "central", "rod"]
    assert min(onset for _, onset in asked) >= 0


def test_the_training_before_the_onset_is_nobodys_cost(tmp_path, monkeypatch):
    """Against a forecast that is charged with the way to where it begins; the clock counts gradients here."""
    counted, gradient = [], FlatLoss.value_and_gradient

    def count(loss, weights):
        counted.append(weights)
        return gradient(loss, weights)

    def refuse(*_, **__):
        raise Undecided("nothing is foretold here")

    monkeypatch.setattr(FlatLoss, "value_and_gradient", count)
    monkeypatch.setattr(contest.time, "process_time", lambda: float(len(counted)))
    monkeypatch.setattr(contest, "forecast", refuse)
    told = contest.Contest(regression(0, GradientDescent(0.6), 30), 5, ("forecast",)).run(tmp_path, lambda _: None)
    assert int(told.onset) > 0
    assert float(told.gradient_seconds) == 1
    assert float(told.seconds.sel(contestant="forecast")) == 0


def test_the_full_preset_has_runs_of_all_kinds():
    """Five of the regression, two of everything else."""
    kinds = [one.kind for one in problems("full", 0, None)]
    assert {kind: kinds.count(kind) for kind in kinds}["8–16–16–1"] == 5
    assert min(kinds.count(kind) for kind in kinds) == 2
    assert len(set(problems("full", 0, None))) == len(kinds)


def test_gradient_flow_goes_no_farther_than_training(monkeypatch):
    """Against an iteration after the last step, whose end nobody sees and whose gradients are counted."""
    steps, step = [], contest.runge_kutta_step
    monkeypatch.setattr(contest, "runge_kutta_step", lambda *given: steps.append(given) or step(*given))
    told = contest.gradient_flow(regression(0, GradientDescent(0.01), 3), None, 2)
    assert told.series.sizes["step"] == 4
    assert len(steps) == 3
