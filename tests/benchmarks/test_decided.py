"""The benchmark of what is decided: its list can be read, and its answers are what they are called."""

import time

import pytest

from benchmarks.decided import LOSSES, PARTS, answer, answers, standing_loss
from eos_sym import Undecided


def test_the_list_has_45_losses_that_can_be_read():
    assert len(LOSSES) == 45
    assert all(standing_loss(name).weights for name in LOSSES)


@pytest.mark.parametrize("name", ["double_well", "valley"])
def test_everything_is_decided_of_an_easy_loss(name):
    assert {answer(part, standing_loss(name)).status for part in PARTS.values()} <= {"decided", "–"}


def raises_undecided(_):
    raise Undecided("no method")


def fails(_):
    raise ZeroDivisionError


def hangs(_):
    time.sleep(60)


def test_what_declines_fails_or_hangs_is_told_apart():
    declined, failed, late = answers([raises_undecided, fails, hangs], "parabola", 1)
    assert (declined.status, declined.text) == ("undecided", "no method")
    assert failed.status == "failed"
    assert late.status == "undecided"
    assert "not finished" in late.text
