"""The time given bounds what the program does itself, by its processor time."""

import gc
import signal
import time
import weakref

import pytest

from analysis.derive.budget import GRACE, Budget, within
from eos_sym import Undecided

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer of processor time")


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_what_takes_too_long_is_undecided_and_named():
    begun = time.process_time()
    with pytest.raises(Undecided, match=r"the sum: not finished .* --timeout"), within(0.1, "the sum"):
        work(60)
    assert time.process_time() - begun < 5


def test_nobody_on_the_way_takes_the_interruption_for_an_error_of_his_own():
    def stubborn():
        try:
            work(60)
        except Exception:
            stubborn()

    with pytest.raises(Undecided), within(0.1, "the sum"):
        stubborn()


class Slow:
    """Takes its time to go."""

    def __del__(self):
        work(0.4)


def test_where_python_would_lose_the_interruption_it_waits_until_it_is_heard():
    def collected(phase, info):
        work(0.4)

    def finalized():
        Slow()
        work(60)

    with pytest.raises(Undecided), within(0.1, "a finalizer"):  # raised in there, it is a warning, which is an error
        finalized()

    def collection():
        gc.collect()
        work(60)

    gc.callbacks.append(collected)
    try:
        with pytest.raises(Undecided), within(0.1, "a collection"):
            collection()
    finally:
        gc.callbacks.remove(collected)


def test_an_interruption_that_is_lost_in_a_callback_of_a_weak_reference_comes_again():
    class Known:
        pass

    def forgotten():
        known = Known()
        reference = weakref.ref(known, lambda _: work(0.4))
        del known
        work(60)
        return reference

    with pytest.raises(Undecided), within(0.1, "a reference"):  # what Python prints of it is a warning here, an error
        forgotten()


def test_waiting_costs_nothing_and_afterwards_nothing_is_interrupted():
    with within(0.1, "a pause"):
        time.sleep(0.3)
    work(0.3)


def test_an_error_inside_is_the_error_outside():
    with pytest.raises(ZeroDivisionError), within(10, "a quotient"):
        raise ZeroDivisionError


def test_the_theory_leaves_some_time_to_what_follows():
    budget = Budget(20)
    assert 0.8 * 20 < budget.of_theory < 0.95 * 20
    assert budget.of_theory < budget.left <= 20


def test_the_grace_after_the_end_is_given_once():
    budget = Budget(1e-9)
    assert budget.of_theory == 0
    assert budget.left == pytest.approx(GRACE, abs=0.1)
    work(0.5)
    assert budget.left == pytest.approx(GRACE - 0.5, abs=0.1)
