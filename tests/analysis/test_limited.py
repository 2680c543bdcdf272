"""Work in a child process: results and reasons come back, what hangs is ended, and the rest goes on."""

import time

import pytest

from analysis.derive.limited import NotDerived, run_limited
from eos_sym import BadInput, Undecided


def double(number):
    return 2 * number


def hang(number):
    time.sleep(600)


def decline(number):
    raise Undecided("no way is known")


def refuse(number):
    raise BadInput(f"{number}: give another")


def recurse(number):
    return recurse(number + 1)


def break_down(number):
    raise ZeroDivisionError


def test_results_come_back_in_the_order_of_the_tasks():
    assert run_limited({"one": double, "two": decline, "three": double}, 4, 60) == {
        "one": 8,
        "two": NotDerived("no way is known"),
        "three": 8,
    }


def test_a_task_that_hangs_is_undecided_and_the_others_are_done():
    begun = time.monotonic()
    results = run_limited({"before": double, "stuck": hang, "after": double, "last": hang}, 1, 6)
    assert time.monotonic() - begun < 30
    assert list(results) == ["before", "stuck", "after", "last"]
    assert (results["before"], results["after"]) == (2, 2)
    for name in ("stuck", "last"):
        assert "not finished" in str(results[name])
        assert "--timeout" in str(results[name])


def test_what_is_not_begun_in_time_says_so():
    results = run_limited({"stuck": hang, "after": double}, 1, 0.2)
    assert set(map(type, results.values())) == {NotDerived}


def test_bad_input_in_the_child_is_bad_input_here():
    with pytest.raises(BadInput, match="7: give another"):
        run_limited({"one": refuse}, 7, 60)


def test_expressions_that_are_too_deep_are_undecided():
    assert "deep" in str(run_limited({"one": recurse}, 0, 60)["one"])


def test_a_fault_in_one_part_is_reported_in_its_place():
    results = run_limited({"one": break_down, "two": double}, 1, 60)
    assert "ZeroDivisionError" in str(results["one"])
    assert results["two"] == 2
