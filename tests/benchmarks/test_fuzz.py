"""The fuzz finds nothing wrong with a few losses, and finds what is wrong."""

from dataclasses import replace

import pytest

from benchmarks.fuzz import checks
from benchmarks.fuzz.losses import KINDS, RandomProblem, random_problem
from eos_sym import Objective
from eos_sym.losses import Minima
from eos_sym.orbits import fixed_points

DOUBLE_WELL = RandomProblem("(x**2 - 1)**2/4", ("x",), "gradient_descent", {"eta": "1/10"})


@pytest.mark.parametrize("number", [1, 3, 6])
@pytest.mark.fault(
    "any text",
    "random losses and rules",
    "derivatives, minima, step sizes and orbits are those of floating point",
)
def test_nothing_is_wrong_with_some_random_losses(number):
    assert list(checks.findings(random_problem(1, number))) == []


def test_a_problem_is_known_by_its_seed_and_number():
    assert random_problem(0, 7) == random_problem(0, 7)
    assert len({str(random_problem(0, number)) for number in range(40)}) > 30
    assert len(KINDS) == 5


def test_a_list_that_claims_to_be_complete_is_found_out(monkeypatch):
    monkeypatch.setattr(checks, "fixed_points", lambda dynamics: _without_the_last(fixed_points(dynamics)))
    (finding,) = checks.findings(DOUBLE_WELL)
    assert finding.startswith("fixed points: [")
    assert "said to be all" in finding


def _without_the_last(found):
    return replace(found, orbits=found.orbits[:-1])


def test_minima_that_are_not_the_least_are_found_out(monkeypatch):
    saddle = Objective.from_text("(x**2 - 1)**2/4", "x").minima.pieces[0]
    wrong = replace(saddle, chart={name: 0 * name for name in saddle.chart}, value=saddle.value + 1)
    monkeypatch.setattr(Objective, "minima", property(lambda _: Minima((wrong,))))
    found = list(checks.minima(Objective.from_text("(x**2 - 1)**2/4", "x")))
    assert any("the loss at" in finding and "below" in finding for finding in found)


def test_an_exception_other_than_undecided_is_a_finding(monkeypatch):
    def fails(_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(checks, "two_cycles", fails)
    (finding,) = checks.findings(DOUBLE_WELL)
    assert finding.startswith("two-cycles: ZeroDivisionError at test_fuzz.py")


def test_a_wrong_derivative_is_found_out(monkeypatch):
    """Against differences of the text's own values, in which SymPy has no part."""
    loss = Objective.from_text("(x*y - 1)**2/2", "x y")
    assert list(checks.derivatives("(x*y - 1)**2/2", loss)) == []
    wrong = loss.hessian + loss.hessian.applyfunc(lambda entry: entry / 10**11)
    monkeypatch.setattr(Objective, "hessian", property(lambda _: wrong))
    found = list(checks.derivatives("(x*y - 1)**2/2", loss))
    assert found[0].startswith("the derivative along x, x at (0.7, 1.3, 2.9, 0.2) is 1.69")
