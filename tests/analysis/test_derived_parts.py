"""What a part was refused on its way is its own `undecided`; what was typed is refused on purpose alone."""

import pytest

from analysis.derive.problem import Refusal
from analysis.derive.theory import part
from eos_sym import BadInput, Undecided


def refused_inside(problem):
    raise BadInput("the chart x = 0: write some of the weights as expressions in the others")


def refused_on_purpose(problem):
    raise Refusal("--near x=1: choose another point")


def test_what_the_library_refuses_inside_a_part_is_not_the_users_bad_input():
    with pytest.raises(Undecided, match="the chart x = 0"):
        part(refused_inside, None)


def test_what_a_part_refuses_on_purpose_is():
    with pytest.raises(Refusal, match="choose another point"):
        part(refused_on_purpose, None)
