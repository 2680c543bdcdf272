import dataclasses
import importlib
from functools import partial
from math import factorial

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.study import Claim, decide
from analysis.training.sharpening import Factor, SharpeningOptions, change, check_rising, flow, sharpening, trend
from analysis.training.sharpening.figure import draw
from analysis.training.sharpening.study import medians, training
from analysis.training.sharpening.trend import page_p_value
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Spectrum
from numeric.networks.training.experiment import Stop

PERFECT = np.array(  # (seed, value)
    [[1.0, 1.5, 2.0], [1.1, 1.4, 2.2], [0.9, 1.6, 1.9], [1.0, 1.2, 1.7], [1.2, 1.5, 1.8]]
)


def factor(experiments):
    return Factor("size", "size", "n", experiments, 0.05)


def claim(data, *, rising=True, **more):
    return Claim("t", "a statement", "a source", partial(trend, data, "size", rising=rising, **more))


def histories(ratios, endings="accuracy", start=2.0):
    """Runs (seed, value) from the sharpness `start` to `start` times the ratio, those of later values longer."""
    seeds, values = np.shape(ratios)
    sharpness = np.full((values, seeds, values + 2), np.nan)
    for value in range(values):
        for seed in range(seeds):
            sharpness[value, seed, : value + 2] = np.linspace(start, start * ratios[seed][value], value + 2)
    readings = np.arange(values + 2) * 5
    return xr.Dataset(
        {
            "sharpness": (("size", "seed", "reading"), sharpness),
            "ending": (("size", "seed"), np.broadcast_to(endings, (values, seeds))),
        },
        {
            "size": np.arange(values) + 1,
            "seed": np.arange(seeds),
            "reading": readings,
            "reading_time": (("size", "seed", "reading"), 0.1 * readings + 0 * sharpness),
        },
    )


def repeated(ratios, error=0.0, ending="accuracy"):
    """The first run of the middle value, its end another by this relative error."""
    one = histories(ratios).isel(size=np.shape(ratios)[1] // 2, seed=0)
    return one.assign(sharpness=one.sharpness * (1 + error), ending=ending)


def verdict(ratios, rising=True, error=0.0, endings="accuracy", descent_ending="accuracy", measure=sharpening):
    data = {"size": histories(ratios, endings), "size_by_descent": repeated(ratios, error, descent_ending)}
    return decide(claim(data, rising=rising, measure=measure))


def test_sharpening_that_rises_for_every_seed_supports_the_claim():
    assert verdict(PERFECT).status == "supported"


def test_the_same_runs_refute_that_it_falls():
    assert verdict(PERFECT, rising=False).status == "refuted"
    assert verdict(PERFECT[:, ::-1], rising=False).status == "supported"


def test_medians_out_of_order_refute_the_claim_though_the_trend_is_significant():
    ratios = np.array([[1, 3, 2.9, 4]] * 5, dtype=float)
    evidence = decide(claim({"size": histories(ratios), "size_by_descent": repeated(ratios)})).evidence
    assert [one.status for one in evidence] == ["refuted", "supported", "supported"]
    assert evidence[0].observed == "1, 3, 2.9, 4"


def test_a_trend_that_chance_explains_decides_nothing_though_the_medians_rise():
    ratios = np.array([[1.0, 1.1, 1.2], [1.3, 1.0, 0.9], [0.9, 1.2, 1.15], [1.0, 1.2, 1.3], [1.4, 1.0, 0.8]])
    evidence = verdict(ratios).evidence
    assert [one.status for one in evidence][:2] == ["supported", "undecided"]
    assert "chance explains" in evidence[1].observed


def test_fewer_than_five_series_decide_nothing_however_perfect():
    ratios = np.array([[1.0, 2.0, 3.0, 4.0]] * 4)
    assert page_p_value(xr.DataArray(ratios), rising=True) < 1e-5
    found = verdict(ratios)
    assert found.status == "undecided"
    assert found.evidence[1].observed == "4 random starts; 5 tell a trend"


def test_a_repetition_with_another_sharpness_at_the_same_time_refutes_the_claim():
    assert verdict(PERFECT, error=0.04).status == "supported"
    assert verdict(PERFECT, error=0.06).status == "refuted"
    assert verdict(PERFECT, error=-0.06).status == "refuted"


def test_a_repetition_is_compared_with_the_flow_at_the_time_of_its_own_last_reading():
    early = repeated(PERFECT).isel(reading=slice(0, 2))  # at half the time: halfway between start and end
    assert not early.sharpness.isel(reading=-1).isnull()
    data = {"size": histories(PERFECT), "size_by_descent": early}
    evidence = decide(claim(data)).evidence[2]
    assert evidence.status == "supported"
    assert evidence.expected == pytest.approx(2 * (1 + 0.5 * (PERFECT[0, 1] - 1)))


@pytest.mark.parametrize("ending", ["steps", "diverged"])
def test_a_run_that_ends_before_its_goal_decides_nothing(ending):
    endings = np.full((3, 5), "accuracy", dtype="<U8")
    endings[2, 1] = ending
    found = verdict(PERFECT[:, ::-1], endings=endings)
    assert found.status == "undecided"
    assert f"1 of 15 runs ended before their goal ({ending})" in found.evidence[0].observed
    assert verdict(PERFECT, descent_ending=ending).status == "undecided"


def test_a_prediction_that_is_refuted_is_no_failure():
    data = {"size": histories(PERFECT), "size_by_descent": repeated(PERFECT)}
    falls = claim(data, rising=False)
    assert decide(falls).fails
    assert not decide(dataclasses.replace(falls, open=True)).fails


def test_the_end_of_a_run_is_its_last_reading_not_the_padding():
    assert np.allclose(sharpening(histories(PERFECT)).transpose("seed", "size"), PERFECT, rtol=1e-14)


def test_change_counts_rises_and_falls_by_the_same_factor_alike():
    runs = histories(np.array([[2.0, 0.5, 1.0]] * 2))
    assert np.allclose(change(runs).transpose("seed", "size"), [[np.log(2), np.log(2), 0]] * 2)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_sharpening_has_no_units(start, other):
    assert np.allclose(sharpening(histories(PERFECT, start=start)), sharpening(histories(PERFECT, start=other)))


@pytest.mark.parametrize(("seeds", "values"), [(5, 3), (5, 4), (2, 5)])
def test_series_in_perfect_order_have_one_chance_in_all_orders(seeds, values):
    measured = xr.DataArray(np.sort(np.random.default_rng(0).normal(size=(seeds, values)), axis=1))
    assert page_p_value(measured, rising=True) == pytest.approx(factorial(values) ** -seeds, rel=1e-9)
    assert page_p_value(measured, rising=False) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "message"), [((1, 2), "3 values or more"), ((1, 3, 2), "rising"), ((1, 2, 2), "rising"), ((), "values")]
)
def test_values_in_which_no_trend_can_be_seen_are_refused(values, message):
    with pytest.raises(BadInput, match=message):
        check_rising("--sizes", values)


def test_one_seed_is_refused():
    with pytest.raises(BadInput, match="--seeds 1"):
        SharpeningOptions(seeds=1)


def test_the_figure_has_a_panel_for_each_value_and_a_summary_and_no_gaps():
    ratios = np.concatenate([PERFECT, PERFECT])  # ten seeds
    figure = draw({"size": histories(ratios)}, [factor(dict.fromkeys((1, 2, 3)))])
    assert len(figure.axes) == 4
    for panel, length in zip(figure.axes[:3], (2, 3, 4), strict=True):
        curves = [line for line in panel.lines if len(line.get_xdata()) > 1 and line.get_linestyle() == "-"]
        assert len(curves) == 10
        assert all(len(curve.get_xdata()) == length and np.isfinite(curve.get_ydata()).all() for curve in curves)


def linear_regression(options):
    """A quadratic loss with the curvature λ: the sharpness cannot change."""
    network = FullyConnected((), bias=False)
    return factor(
        {
            curvature: flow(options, Spectrum(8, (float(curvature), 0.5)), network, goal=Stop(loss=0.05))
            for curvature in (1, 2, 4)
        }
    )


@pytest.mark.slow
def test_linear_regression_does_not_sharpen(tmp_path):
    options = SharpeningOptions(out=tmp_path, seeds=2, workers=1)
    factor = linear_regression(options)
    runs = training(options, tmp_path, [factor])
    found = runs["size"]()
    assert dict(found.sizes) | {"size": 3, "seed": 2} == dict(found.sizes)
    assert np.allclose(found.sharpness.isel(reading=0).values, [[1, 1], [2, 2], [4, 4]], rtol=1e-3)
    assert np.allclose(sharpening(found), 1, rtol=1e-3)
    again = runs["size_by_descent"]()
    assert float(sharpening(again)) == pytest.approx(1, rel=1e-3)
    assert medians({"size": found}, [factor])["size"][1] == {
        "size": 2,
        "start": 2.0,
        "end": 2.0,
        "sharpening": 1.0,
        "edge_from_eta": 1.0,
    }


@pytest.mark.parametrize("name", ["dataset_size", "depth", "width", "initialization"])
def test_the_full_preset_without_a_data_root_is_refused_in_one_line(name):
    module = importlib.import_module(f"analysis.{name}")
    with pytest.raises(BadInput, match="--data-root"):
        module.factors(module.Options(preset="full"))
