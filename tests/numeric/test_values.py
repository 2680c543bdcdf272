"""Initial values, parameters and settings that no run can be made of: each is refused by its name, in one line."""

import numpy as np
import pytest
import xarray as xr
from sympy import Symbol, symbols

from eos_sym import BadInput, Map
from numeric import compile_map
from numeric.values import RESULTS, positive_number

x, y = symbols("x y", real=True)
r = symbols("r", positive=True)


@pytest.fixture(scope="module")
def rotation():
    """(x, y) ↦ (y, r x), a map of two coordinates and one parameter."""
    return compile_map(Map((x, y), (r,), (y, r * x)))


def axis(name, *values):
    return xr.DataArray(list(values), dims=name, coords={name: list(values)})


@pytest.mark.parametrize(
    ("initial", "parameters", "said"),
    [
        ({"x": 1.0}, {"r": 1.0}, r"initial values: missing y; give exactly x, y"),
        ({"x": 1.0, "y": 1.0, "z": 1.0}, {"r": 1.0}, r"initial values: unknown z; give exactly x, y"),
        ({"x": 1.0, "z": 1.0}, {"r": 1.0}, r"missing y and unknown z"),
        ({"x": 1.0, "y": 1.0}, {}, r"parameters: missing r; give exactly r"),
        ({"x": 1.0, "y": 1.0}, {"r": 1.0, "eta": 1.0}, r"parameters: unknown eta"),
        ({"x": np.nan, "y": 1.0}, {"r": 1.0}, r"initial value x: not a finite number"),
        ({"x": 1.0, "y": axis("a", 1.0, np.inf)}, {"r": 1.0}, r"initial value y: not a finite number"),
        ({"x": 1.0, "y": 1.0}, {"r": -np.inf}, r"parameter r: not a finite number"),
        ({"x": "one", "y": 1.0}, {"r": 1.0}, r"initial value x: not a number or an array of numbers"),
        ({"x": axis("state", 1.0), "y": 1.0}, {"r": 1.0}, r"initial value x: its dimension state"),
        ({"x": 1.0, "y": 1.0}, {"r": axis("iteration", 1.0)}, r"parameter r: its dimension iteration"),
        ({"x": 1.0, "y": 1.0}, {"r": axis("final", 1.0)}, r"parameter r: its dimension final"),
        ({"x": axis("run", 1.0, 2.0), "y": axis("run", 1.0, 3.0)}, {"r": 1.0}, r"'run'.*same coordinates"),
        ({"x": axis("run", 1.0, 2.0), "y": 1.0}, {"r": axis("run", 1.0, 2.0, 3.0)}, r"'run'.*same coordinates"),
    ],
)
@pytest.mark.fault(
    "not a number",
    "initial values and parameters of a simulation",
    "refused, with the name of the value",
)
def test_values_that_do_not_fit_the_map_are_refused_by_name(rotation, initial, parameters, said):
    with pytest.raises(BadInput, match=said) as caught:
        rotation.run(initial, parameters, steps=10)
    assert "\n" not in str(caught.value)


def test_a_map_without_parameters_says_that_it_takes_none():
    with pytest.raises(BadInput, match="parameters: unknown eta; give exactly none"):
        compile_map(Map((x,), (), (x / 2,))).run({"x": 1.0}, {"eta": 1.0}, steps=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps = 0: must be 1 or more"),
        ({"steps": -3}, "steps = -3: must be 1 or more"),
        ({"steps": 5.0}, "steps = 5.0: must be an integer"),
        ({"steps": "5"}, "steps = 5: must be an integer"),
        ({"steps": 2**63}, f"steps = {2**63}: must be {2**63 - 1} or less, the largest 64-bit integer"),
        ({"steps": 5, "record_every": 0}, "record_every = 0: must be 1 or more"),
        ({"steps": 5, "record_every": -1}, "record_every = -1: must be 1 or more"),
        ({"steps": 5, "record_every": 2.5}, "record_every = 2.5: must be an integer"),
        ({"steps": 5, "record_every": 2**63}, f"record_every = {2**63}: must be {2**63 - 1} or less"),
        ({"steps": 5, "tolerance": -1e-9}, "tolerance = -1e-09: must be a finite number, 0 or more"),
        ({"steps": 5, "tolerance": np.inf}, "tolerance = inf: must be a finite number"),
        ({"steps": 5, "tolerance": np.nan}, "tolerance = nan: must be a finite number"),
        ({"steps": 5, "tolerance": 10**400}, "tolerance is beyond the largest floating-point number"),
        ({"steps": 5, "tolerance": "small"}, "tolerance = 'small': must be a number"),
        ({"steps": 5, "bound": 10**400}, "bound is beyond the largest floating-point number"),
        ({"steps": 5, "lyapunov": "no"}, "lyapunov = 'no': must be True or False"),
        ({"steps": 5, "outcomes": 0}, "outcomes = 0: must be True or False"),
        ({"steps": 5, "bound": 0.0}, "bound = 0.0: must be positive"),
        ({"steps": 5, "bound": np.nan}, "bound = nan: must be positive"),
        ({"steps": 5, "engine": "steam"}, "engine = steam: give auto"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(rotation, settings, said):
    with pytest.raises(BadInput, match=said) as caught:
        rotation.run({"x": 1.0, "y": 1.0}, {"r": 1.0}, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_a_parameter_named_like_a_result_is_refused(name):
    parameter = Symbol(name, positive=True)
    with pytest.raises(BadInput, match=f"parameter {name}"):
        compile_map(Map((x,), (parameter,), (parameter * x,)))


def test_symbols_are_as_good_as_their_names_and_a_truth_value_is_no_number_of_steps():
    simulator = compile_map(Map((x,), (r,), (r * x,)))
    assert simulator.run({x: 1.0}, {r: 0.5}, steps=2).final.item() == 0.25
    with pytest.raises(BadInput, match="steps = True: must be an integer"):
        simulator.run({"x": 1.0}, {"r": 0.5}, steps=True)


def test_a_dimension_named_like_a_parameter_that_is_not_along_it_is_refused_before_anything_is_computed():
    simulator = compile_map(Map((x,), (r,), (r * x,)))
    with pytest.raises(BadInput, match="dimension r: the name of a parameter that is not along it; rename it"):
        simulator.run({"x": xr.DataArray([1.0, 2.0], dims="r")}, {"r": 0.5}, steps=2)


@pytest.mark.parametrize("beyond", [10**400, -(10**400)])
def test_an_exact_number_beyond_floating_point_is_refused(beyond):
    """Caught: OverflowError."""
    with pytest.raises(BadInput, match=r"eta is beyond the largest floating-point number, 1\.8e308"):
        positive_number("eta", beyond)
