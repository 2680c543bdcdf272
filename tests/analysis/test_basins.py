"""The basins, against a plain loop over the two maps, hand-derived inequalities, and quadrature."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

from analysis.basins import __main__ as basins
from analysis.basins.ends import CODES, Losses, plane
from analysis.basins.proofs import Proofs, proved_outside
from analysis.basins.theory import NO_RETURN, Basins
from analysis.basins.uncertainty import derived_branch_exponent
from analysis.study.options import read_command_line
from analysis.study.work import work_off
from eos_sym import STEP_SIZE

step_sizes = st.floats(0.05, 0.49)
weights = st.floats(-6, 6)


def step(x, y, h, degree):
    """θ − h∇L written out by hand, for ½(1 − xy)² and for ½(1 − xyzw)² on z = x, w = y."""
    pull = h * (x * y - 1) if degree == 2 else h * x * y * ((x * y) ** 2 - 1)
    return x - pull * y, y - pull * x, pull


@pytest.fixture(scope="module")
def losses():
    return Losses(Basins(), Rational(1, 5))


@pytest.fixture(scope="module")
def boxes():
    return Proofs(4, 0.2).boxes


@settings(derandomize=True, deadline=None)
@given(st.floats(0.01, 1.9), st.floats(0, 2 * np.pi), st.floats(0, 2))
def test_no_step_crosses_the_ellipse_of_degree_two(h, angle, size):
    u, v = size * np.sqrt(8 / h + 4) * np.cos(angle), size * np.sqrt(8 / h - 4) * np.sin(angle)
    x, y = (u + v) / 2, (u - v) / 2
    moved = step(x, y, h, 2)
    before, after = (h * (a**2 + b**2) - h**2 * (a * b - 1) - 4 for a, b in ((x, y), moved[:2]))
    assert np.sign(before) == np.sign(after) or abs(before) < 1e-9
    assert after == pytest.approx(before * (1 + h * moved[2] + moved[2] ** 2), rel=1e-6, abs=1e-6)


@settings(derandomize=True, deadline=None)
@given(step_sizes, weights, weights, st.sampled_from([2, 4]))
def test_nothing_returns_from_where_nothing_is_said_to_return(eta, x, y, degree):
    h = eta if degree == 4 else 2 * eta
    _, _, pull = step(x, y, h, degree)
    if pull * x * y < float(NO_RETURN) * (x**2 + y**2):
        return
    moved = step(x, y, h, degree)
    later = step(*moved[:2], h, degree)[2]
    assert later * moved[0] * moved[1] >= float(NO_RETURN) * (moved[0] ** 2 + moved[1] ** 2)
    assert abs(moved[0] * moved[1]) >= abs(x * y) * (1 + pull**2 / 4) * (1 - 1e-12)


@pytest.mark.parametrize("index", range(0, 20, 4))
def test_a_certified_box_is_never_left(index, boxes):
    height, width = boxes[index]
    generator = np.random.default_rng(index)
    imbalance, product = generator.uniform(-width, width, 20_000), generator.uniform(-height, height, 20_000)
    x = np.sqrt((np.hypot(imbalance, 2 * product) + imbalance) / 2)
    moved_x, moved_y, _ = step(x, product / x, 0.2, 4)
    assert np.abs(moved_x * moved_y).max() <= height
    assert np.abs(moved_x**2 - moved_y**2).max() <= width


def test_a_box_that_is_left_is_not_certified():
    proofs = Proofs(4, 0.2)
    assert not proofs.keeps(1.4, 3 / 0.2)
    assert not proofs.keeps(3.0, 1.0)


@pytest.mark.parametrize(("degree", "h"), [(2, 0.4), (4, 0.2)])
def test_proved_outcomes_are_those_of_a_plain_loop(degree, h):
    starts = np.random.default_rng(1).uniform(-3.4, 3.4, (2, 100))
    x, y = starts
    with np.errstate(all="ignore"):
        for _ in range(500):
            x, y, _ = step(x, y, h, degree)
    stayed = np.abs(x) + np.abs(y) < 20
    proved = Proofs(degree, h).outcomes(*starts, 500)
    assert proved == np.where(stayed, "bounded", "diverged").tolist()


def test_the_rate_at_the_ellipse_is_the_mean_over_the_angle_and_golden_in_the_limit(losses):
    rate = losses.basins.rate
    cosines = np.cos(2 * np.pi * np.arange(1000) / 1000)
    for h in (0.1, 0.4, 1.5):
        average = np.log(1 + 2 * h * cosines + 4 * cosines**2).mean()
        assert float(rate.subs(STEP_SIZE, h)) == pytest.approx(average, abs=1e-12)
    assert float(rate.subs(STEP_SIZE, 0)) == pytest.approx(2 * np.log((1 + np.sqrt(5)) / 2))


@pytest.mark.parametrize("h", [0.05, 0.8, 1.9])
def test_the_zeros_of_the_rate_polynomial_are_two_outside_the_unit_circle_and_two_inside(h):
    assert Basins().zeros_outside == "positive, positive"
    sizes = np.sort(np.abs(np.roots([1, h, 3, h, 1])))  # w²(1 + h(w + 1/w) + (w + 1/w)²)
    assert sizes[1] < 1 < sizes[2]
    assert 2 * np.log(sizes[2]) == pytest.approx(np.arccosh((1 + np.sqrt(25 - 4 * h**2)) / 4))


def test_the_transfer_operator_has_the_growth_rate_of_random_products(losses):
    """The mean of ∏ 1/(1 + hg + g²) over n steps of the angle falls by ρ a step."""
    angles = 2 * np.pi * np.arange(3**13) / 3**13 + 0.1
    products, means = np.ones_like(angles), []
    for _ in range(8):
        pull = 2 * np.cos(2 * angles)
        products /= 1 + 0.4 * pull + pull**2
        means.append(products.mean())
        angles = np.pi - 3 * angles
    assert derived_branch_exponent(losses) == pytest.approx(-np.log(means[-1] / means[-2]) / np.log(3), abs=1e-3)


def test_the_pictures_have_the_symmetries_of_the_maps(losses):
    four, two = (plane(losses, 40).outcome.sel(degree=degree).values for degree in (4, 2))
    assert (four == four[::-1, ::-1]).all()
    assert (two == two[::-1, ::-1]).all()
    assert (four == four.T).mean() > 0.99
    assert (two == two.T).mean() > 0.99
    assert (four == four[::-1]).mean() > 0.99
    assert (two == two[::-1]).mean() < 0.99


def test_a_row_of_the_picture_is_what_a_plain_loop_gives(losses):
    row = plane(losses, 30).sel(degree=2).isel(y0=20)
    x, y = row.x0.values, np.full(30, float(row.y0))
    escaped = np.zeros(30, int)
    with np.errstate(all="ignore"):
        for iteration in range(1, 2001):
            x, y, _ = step(x, y, 0.4, 2)
            escaped[(escaped == 0) & ~(np.maximum(abs(x), abs(y)) <= 1e8)] = iteration
    lost = row.outcome.values == CODES["diverged"]
    assert (lost == (escaped > 0)).all()
    assert row.step.values[lost].tolist() == escaped[lost].tolist()
    at_saddle = row.x0.values == -float(row.y0)
    assert np.isnan(row.relative_sharpness.values[at_saddle | lost]).all()
    at_minima = ~(at_saddle | lost)
    assert row.relative_sharpness.values[at_minima] == pytest.approx(0.2 * (x**2 + y**2)[at_minima], rel=1e-6)


def test_the_window_is_about_a_boundary(losses):
    for degree in (4, 2):
        middle = losses.crossings[degree]
        starts = [losses.start_at(degree, middle + move, 0.25) for move in (-1e-9, 1e-9)]
        ends = [int(losses.ends(degree, start).outcome) for start in starts]
        assert ends == [CODES["converged"], CODES["diverged"]]


@pytest.mark.parametrize(
    ("eta", "named"), [("0", "positive"), ("-1/5", "positive"), ("1/2", "below 1/2"), ("1/100", "1/20 or more")]
)
def test_step_sizes_without_a_picture_are_refused_in_one_line(eta, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["basins", "--eta", eta])
    with pytest.raises(SystemExit) as ending:
        read_command_line("basins", basins.Options)
    said = capsys.readouterr()
    assert (ending.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert named in said.err


@pytest.mark.slow
def test_no_claim_is_refuted_on_a_small_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(basins, "RESOLUTION", {"quick": 60})
    monkeypatch.setattr(basins, "RANDOM_STARTS", {"quick": 10_000})
    assert work_off(basins.study, basins.Options(json=True, out=tmp_path)) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {claim["status"] for claim in document["claims"]} == {"proved", "supported"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in document["claims"])
    assert all(evidence["part"] for claim in document["claims"] for evidence in claim["evidence"])
    assert {claim["id"]: [part["status"] == "proved" for part in claim["parts"]] for claim in document["claims"]} == {
        "symmetries": [True, True, True, False],
        "invariant_ellipse": [True, True],
        "outside_the_ellipse": [False, True],
        "angle_tripling": [True],
        "rate_at_the_ellipse": [True, True, False],
        "no_return": [True],
        "escape_on_the_diagonal": [False, True, False],
        "ends": [False, False, True, True],
        "concentration": [False, False],
        "outcomes_proved": [True, False, False],
        "smooth_boundary_of_degree_2": [False, False],
        "fractal_boundary_of_degree_4": [False, True],
        "branches_of_degree_2": [False],
    }
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
        "claims.json",
        "data.nc",
        "figure.pdf",
        "figure.png",
        "figure.svg",
    ]


def test_what_is_proved_outside_the_ellipse_does_not_ask_how_the_start_was_simulated(losses):
    runs = plane(losses, 30).sel(degree=2)
    nowhere = runs.assign(outcome=runs.outcome * 0 + CODES["converged"])
    assert proved_outside(losses, 3, nowhere, 5) == ["diverged"] * 5
