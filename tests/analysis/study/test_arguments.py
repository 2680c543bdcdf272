"""Numbers and NAME=VALUE texts are read exactly, or refused by name."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.study import assignments, number
from eos_sym import BadInput


@settings(derandomize=True)
@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6))
def test_a_ratio_is_read_exactly(value):
    assert number(str(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.2", Fraction(1, 5)), ("1e-3", Fraction(1, 1000)), (".5", Fraction(1, 2)), ("2/8", Fraction(1, 4))],
)
def test_a_decimal_is_read_exactly(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1/0", "1e999999999", "1_0", "0x10", "٣", "9" * 50, "1 2", "--1"]
)
def test_what_is_no_number_is_refused_at_once(text):
    with pytest.raises(ValueError, match=r"number|zero"):
        number(text)


def test_assignments_name_every_value_once():
    assert assignments("--start", ["y=2/3", "x=1"], ["x", "y"]) == {"x": 1, "y": Fraction(2, 3)}


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["x=1"], "y missing"),
        (["x=1", "y=2", "z=3"], "not one of them"),
        (["x=1", "x=2"], "given twice"),
        (["x", "y=2"], "NAME=VALUE"),
        (["x=one", "y=2"], "not a number"),
    ],
)
def test_wrong_assignments_are_refused_by_name(texts, fault):
    with pytest.raises(BadInput, match=fault):
        assignments("--start", texts, ["x", "y"])
