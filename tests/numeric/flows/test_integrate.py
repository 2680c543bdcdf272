import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw
from sympy import Integer, Rational, sin, sqrt, symbols

from eos_sym import BadInput, GradientDescent, Objective, Undecided, minimalist, quadratic
from eos_sym.flows import Flow, gradient_flow, limit_flow
from eos_sym.flows.limit_flow import limit_flow_by_eigenvector
from eos_sym.rules import NormalizedGradientDescent, RootLossGradientDescent
from numeric import compile_map
from numeric.flows import compile_flow, gradient_flow_end
from numeric.flows.central_flow import compile_central_flow

x, y, z, u, s, p, q, r = symbols("x y z u s p q r", real=True)
ACCURATE = {"rtol": 1e-11, "atol": 1e-13}
TOY = Objective("toy", (1 + x**2) * y**2 / 2, (x, y))


def test_gradient_flow_on_a_stiff_quadratic_is_exponential():
    flow = compile_flow(gradient_flow(quadratic(2)))
    times = np.array([0, 0.5, 1, 3])
    parameters = {"lambda1": xr.DataArray([1e4, 1.0], dims="case"), "lambda2": 2.0}
    run = flow.run({"theta1": 1.0, "theta2": -3.0}, parameters, times=times, **ACCURATE)
    assert run.trajectory.dims == ("case", "time", "state")
    expected = np.stack([np.exp(-np.outer([1e4, 1.0], times)), -3 * np.exp(-2 * np.outer([1, 1], times))], axis=-1)
    np.testing.assert_allclose(run.trajectory, expected, rtol=1e-8, atol=1e-10)
    assert run.final.sel(state="theta2").values == pytest.approx(expected[:, -1, 1])


def test_dimensions_broadcast_by_name():
    flow = compile_flow(Flow((x,), (s,), (s * x,)))
    starts, rates = xr.DataArray([1.0, 2.0], dims="start"), xr.DataArray([-1.0, -2.0, 0.5], dims="rate")
    run = flow.run({"x": starts}, {"s": rates}, times=[0, 1], **ACCURATE)
    np.testing.assert_allclose(run.final.sel(state="x"), starts * np.exp(rates), rtol=1e-9)
    assert run.sizes == {"start": 2, "rate": 3, "state": 1, "time": 2}


@pytest.mark.parametrize(
    ("velocity", "end", "outcome"),
    [
        (-x, 60.0, "converged"),
        (-x / 10**14, 60.0, "undecided"),  # moves as little, and is as far from its end as it was
        (-x / 10**14, 60.0e14, "converged"),
        (x**2, 2.0, "diverged"),  # at time 1
        (Integer(1) / 2, 2.0, "undecided"),
        (-sqrt(x - Rational(1, 2)) - 1, 2.0, "undecided"),  # leaves the domain
    ],
)
def test_every_run_has_an_outcome(velocity, end, outcome):
    run = compile_flow(Flow((x,), (), (velocity,))).run({"x": 1.0}, {}, times=[0, 0.5, end], rtol=1e-9, atol=1e-11)
    assert run.outcome == outcome


def test_a_run_that_diverges_is_missing_from_there():
    run = compile_flow(Flow((x,), (), (x**2,))).run({"x": 1.0}, {}, times=[0, 0.5, 2], bound=1e3, **ACCURATE)
    assert run.trajectory.sel(state="x").values == pytest.approx([1, 2, np.nan], nan_ok=True)
    assert float(run.final[0]) == pytest.approx(1e3)


def test_bad_times_and_tolerances_are_named():
    flow = compile_flow(Flow((x,), (), (-x,)))
    for times in ([1, 2], [0], [0, 2, 1], [0, np.inf]):
        with pytest.raises(BadInput, match="times"):
            flow.run({"x": 1.0}, {}, times=times, **ACCURATE)
    with pytest.raises(BadInput, match="rtol"):
        flow.run({"x": 1.0}, {}, times=[0, 1], rtol=0, atol=1e-9)
    with pytest.raises(BadInput, match="time"):
        flow.run({"x": xr.DataArray([1.0], dims="time")}, {}, times=[0, 1], **ACCURATE)
    with pytest.raises(BadInput, match="missing x"):
        flow.run({}, {}, times=[0, 1], **ACCURATE)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.tuples(*[st.floats(0.2, 4)] * 4))
def test_gradient_flow_ends_at_the_minimum_with_the_conserved_quantities_of_the_start(start):
    """On ½(1 − xyzw)² from positive weights, wxyz = 1 and the differences of the squares stay."""
    end, converged = gradient_flow_end(minimalist(), dict(zip("xyzw", start, strict=True)), {})
    assert converged
    point = np.array([end[name] for name in "xyzw"])
    assert np.prod(point) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(np.diff(point**2), np.diff(np.square(start)), atol=1e-7)


@pytest.mark.parametrize(
    ("loss", "start", "end"),
    [
        ("exp(-x)", 0.0, None),  # creeps to infinity as log t
        ("-x**2", 1.0, None),
        ("(x**2 - 1)**2", 0.0, None),  # a maximum
        ("(x**2 - 1)**2", 1e-12, 1.0),  # which is left in time
        ("log(cosh(x - 2))", -30.0, 2.0),
    ],
)
def test_only_a_minimum_is_an_end(loss, start, end):
    found, converged = gradient_flow_end(Objective.from_text(loss, "x"), {"x": start}, {})
    assert converged == (end is not None)
    assert not converged or found["x"] == pytest.approx(end)


@pytest.mark.parametrize("ratio", [1e2, 1e6])
def test_the_end_is_not_where_the_fast_part_ends(ratio):
    valley = Objective("valley", s * (1 - x * y) ** 2 + (x - 2) ** 2 / 100, (x, y), (s,))
    end, converged = gradient_flow_end(valley, {"x": 3, "y": 0.4}, {"s": ratio})
    assert converged
    assert end == pytest.approx({"x": 2, "y": 0.5})


def test_the_limit_flows_of_the_toy_are_their_closed_forms():
    """ẋ = −x/4, and ẋ = −x/(2(1 + x²)), for which x²exp(x² + t) is constant."""
    start, times = xr.DataArray([0.3, 1.0, 2.0], dims="start"), [0, 1, 2]
    chart = {y: Integer(0)}
    root = compile_flow(limit_flow(RootLossGradientDescent(), TOY, chart)).run(
        {"x": start}, {}, times=times, **ACCURATE
    )
    np.testing.assert_allclose(root.final.sel(state="x"), start * np.exp(-0.5), rtol=1e-9)
    flow = limit_flow(NormalizedGradientDescent(), TOY, chart)
    normalized = compile_flow(flow).run({"x": start}, {}, times=times, **ACCURATE)
    expected = np.sqrt(lambertw(start**2 * np.exp(start**2 - 2)).real)
    np.testing.assert_allclose(normalized.final.sel(state="x"), expected, rtol=1e-9)


def test_with_the_eigenvector_found_numerically_the_limit_flow_is_the_same():
    rule, objective = NormalizedGradientDescent(), minimalist()
    chart = objective.minima.chart
    start = {"x": 2.0, "y": 0.4, "z": 1.5}
    runs = [
        compile_flow(flow(rule, objective, chart)).run(start, {}, times=[0, 5], **ACCURATE).final.values
        for flow in (limit_flow, limit_flow_by_eigenvector)
    ]
    np.testing.assert_allclose(*runs, rtol=1e-8)


def test_only_the_top_eigenvalue_drives_the_limit_flow():
    """1 + x² falls to the other eigenvalue, 3/2, which is constant: there the top one is double, undecided."""
    two = Objective("two", (1 + x**2) * y**2 / 2 + Rational(3, 4) * z**2, (x, y, z))
    flow = compile_flow(limit_flow_by_eigenvector(RootLossGradientDescent(), two, {y: Integer(0), z: Integer(0)}))
    start = xr.DataArray([2.0, 0.5], dims="start")
    run = flow.run({"x": start}, {}, times=[0, 2, 6], **ACCURATE)
    at_two = run.trajectory.sel(state="x", time=2)
    np.testing.assert_allclose(at_two, [2 * np.exp(-0.5), 0.5], rtol=1e-9)
    np.testing.assert_allclose(run.end, [4 * np.log(2 * np.sqrt(2)), 6], rtol=1e-7)
    assert "the eigenvalue 1.5 is double" in str(run.reason.values[0])
    assert run.outcome.values.tolist() == ["undecided", "converged"]


# The central flow


def test_the_central_flow_hovers_at_the_edge_with_the_variance_of_the_two_cycle():
    """½su² + ½b(s − 25)²: gradient flow sharpens to 2/η = 20, and there σ² = 2b(25 − 20), in closed form."""
    objective = Objective("hover", s * u**2 / 2 + Rational(1, 1000) * (s - 25) ** 2, (u, s))
    times = np.linspace(0, 20_000, 41)
    run = compile_central_flow(objective).run({"u": 0.0, "s": 10.0}, {"eta": 0.1}, times=times, **ACCURATE)
    arrival = np.log(15 / 5) / (0.1 * 0.002)
    assert run.crossing_time.sel(event="arrival").values == pytest.approx([arrival])
    below = times < arrival
    np.testing.assert_allclose(run.sharpness, np.where(below, 25 - 15 * np.exp(-2e-4 * times), 20), rtol=1e-9)
    np.testing.assert_allclose(run.variance, np.where(below, 0, 0.02), rtol=1e-9)
    assert run.regime.values.tolist() == ["below" if early else "edge" for early in below]


def test_gradient_descent_oscillates_about_the_central_flow():
    """A quartic term damps the two-cycle; on average over time GD then has the variance and the weights of the flow."""
    slow = Rational(1, 2000) * ((p - 3) ** 2 + (q - 1) ** 2)
    objective = Objective("slow", (1 + p**2 + q**2 / 2) * u**2 / 2 - 2 * u**4 + slow, (u, p, q))
    start, eta, steps = {"u": 0.0, "p": 1.72, "q": 0.0}, 0.5, 12_000
    flow = compile_central_flow(objective).run(start, {"eta": eta}, times=[0, steps], **ACCURATE)
    run = compile_map(GradientDescent().map(objective)).run(
        start | {"u": 1e-2}, {"eta": eta}, steps=steps, record_every=1
    )
    last = run.trajectory.isel(iteration=slice(-1000, None))
    assert (last.sel(state="u") ** 2).mean() == pytest.approx(float(flow.variance[-1]), rel=0.02)
    for name in ("p", "q"):
        assert last.sel(state=name).mean() == pytest.approx(float(flow.trajectory.sel(state=name)[-1]), rel=0.01)


def test_the_central_flow_leaves_the_edge_where_the_variance_comes_to_0():
    """S = 19 + p, and p follows 2 sin q while q rises: the edge p = 1 is left where 2 sin q = 1 again, at q = 5π/6."""
    track = (p - 2 * sin(q)) ** 2 / 20 - q / 10
    objective = Objective("track", (19 + p) * u**2 / 2 + track, (u, p, q))
    run = compile_central_flow(objective).run(
        {"u": 0.0, "p": 0.0, "q": 0.0}, {"eta": 0.1}, times=np.linspace(0, 700, 701), **ACCURATE
    )
    assert run.crossings.values.tolist() == [1, 1]
    assert (run.sharpness <= 20 * (1 + 1e-9)).all()
    leaving = run.crossing_state.sel(event="departure", crossing=0)
    assert leaving.sel(state=["p", "q"]).values == pytest.approx([1, 5 * np.pi / 6], abs=1e-9)


def test_the_central_flow_ends_where_the_next_order_of_its_average_is_as_large_as_the_first():
    """The force on s is ½u² + ru⁴, held against .01, so that with q = σ² it is ½q + rq² = .01 against ½q = .01.

    The error is the share ν = 2rσ² inside, and from ν = 1 on there is no flow.
    """
    loss = s * u**2 / 2 + Rational(1, 1000) * (s - 25) ** 2 - u**4 / 40 + r * (s - 20) * u**4
    objective = Objective("fifth", loss, (u, s), (r,))
    flows, descent = compile_central_flow(objective), compile_map(GradientDescent().map(objective))

    def hovering(force):
        """The central flow, and gradient descent to its end."""
        start, parameters = {"u": 0.0, "s": 19.9}, {"eta": 0.1, "r": force}
        flow = flows.run(start, parameters, times=[0, 3000], **ACCURATE)
        return flow, descent.run(start | {"u": 0.14}, parameters, steps=1_000_000)

    errors = []
    for force in (0.25, 1.0):
        flow, run = hovering(force)
        variance = float(run.final.sel(state="u")) ** 2
        errors.append(float(flow.variance[-1]) / variance - 1)
        assert errors[-1] == pytest.approx(2 * force * variance, rel=0.05)
    assert errors[1] / errors[0] == pytest.approx(4, rel=0.1)
    flow, run = hovering(40.0)
    assert (str(flow.outcome.values), str(run.outcome.values)) == ("undecided", "diverged")
    assert "the next order of the average is as large as the first" in str(flow.reason.values)


def test_the_central_flow_does_not_start_beyond_the_edge():
    flow = compile_central_flow(TOY)
    start = xr.DataArray([5.0, 2.0], dims="start")
    run = flow.run({"x": start, "y": 0.0}, {"eta": 0.1}, times=[0, 1], **ACCURATE)
    assert run.outcome.values.tolist() == ["undecided", "converged"]
    assert "below the edge" in run.reason.values[0]
    assert run.reason.values[1] == ""
    assert run.regime.values.tolist() == [["below", ""], ["below", "below"]]


def test_two_eigenvalues_at_the_edge_are_undecided():
    two = Objective("two", x**2 * y**2 / 2 + x**2 * z**2 / 2 + (x - 5) ** 2 / 100, (x, y, z))
    run = compile_central_flow(two).run({"x": 1.0, "y": 0.0, "z": 0.0}, {"eta": 1.0}, times=[0, 1000], **ACCURATE)
    assert run.outcome == "undecided"
    assert "second eigenvalue" in str(run.reason.values)
    assert float(run.end) == pytest.approx(50 * np.log(4 / (5 - np.sqrt(2))))


def test_where_the_sharpness_is_constant_nothing_holds_it():
    with pytest.raises(Undecided, match="same everywhere"):
        compile_central_flow(quadratic(1))
