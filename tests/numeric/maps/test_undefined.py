"""A run that comes to where its map has no value is undecided; only what grows has diverged."""

import numpy as np
import pytest
import xarray as xr
from sympy import log, symbols

from eos_sym import GradientDescent, Map, Objective
from eos_sym.rules import NormalizedGradientDescent
from numeric import compile_map, compile_sharpness

x, y = symbols("x y", real=True)


def ends(run):
    return list(zip(run.outcome.values.tolist(), run.step.values.tolist(), strict=True))


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_descent_that_lands_on_a_kink_is_undecided_there(engine):
    """|x| with η = 1/4: from 1/4 it lands on 0, where there is no gradient; from 3/8 it alternates between ±1/8."""
    loss = Objective.from_text("abs(x)", "x")
    starts = xr.DataArray([0.25, 0.375], dims="start")
    run = compile_map(GradientDescent().map(loss)).run({"x": starts}, {"eta": 0.25}, steps=200, engine=engine)
    assert ends(run) == [("undecided", 2), ("periodic", 3)]
    assert run.final.values[:, 0].tolist() == [0, 0.125]
    np.testing.assert_array_equal(compile_sharpness(loss).at_end(run), [np.nan, 0])


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_the_square_of_a_relu_has_a_gradient_everywhere(engine):
    loss = Objective.from_text("relu(w*x - 1)**2/2", "w x")
    run = compile_map(GradientDescent().map(loss)).run({"w": 2.0, "x": 0.5}, {"eta": 0.25}, steps=200, engine=engine)
    assert (run.outcome.item(), run.period.item(), run.step.item()) == ("converged", 1, 1)


def test_a_step_of_no_length_and_a_logarithm_of_nothing_are_no_divergence():
    simulator = compile_map(NormalizedGradientDescent().map(Objective.from_text("x**2/2", "x")))
    run = simulator.run({"x": 0.25}, {"eta": 0.25}, steps=50)
    assert (run.outcome.item(), run.step.item(), run.final.item()) == ("undecided", 2, 0)
    run = compile_map(Map((x,), (), (log(x),))).run({"x": 2.0}, {}, steps=50)  # log 2 = .69, then −.37, then nothing
    assert (run.outcome.item(), run.step.item()) == ("undecided", 3)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_what_overflows_has_diverged_also_where_it_is_no_number(engine):
    """X ↦ x⁴⁰ − x⁴¹ at 10⁷·⁹ is −∞; the difference of two infinite terms, here x⁵⁰ and y⁵⁰, is no number."""
    run = compile_map(Map((x, y), (), (x**50 - y**50, y))).run({"x": 5e7, "y": 6e7}, {}, steps=5, engine=engine)
    assert (run.outcome.item(), run.step.item()) == ("diverged", 1)


def test_trajectories_and_means_end_where_the_map_does():
    loss = Objective.from_text("abs(x)", "x")
    run = compile_map(GradientDescent().map(loss)).run(
        {"x": 0.5}, {"eta": 0.25}, steps=4, record_every=1, observables={"loss": loss.loss}, means=["loss"]
    )
    np.testing.assert_array_equal(run.trajectory.values[:, 0], [0.5, 0.25, 0, np.nan, np.nan])
    assert np.isnan(run.mean_loss.item())
