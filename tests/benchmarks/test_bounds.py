"""Readings of networks drawn at random are within their bounds, and one that is not is counted."""

import numpy as np
import torch

from benchmarks.bounds import TOLERANCES, Counted, Options, follow, main


def test_readings_of_random_networks_are_within_their_bounds(capsys):
    assert main(Options(networks=3, readings=2, seed=9)) == 0
    assert "0.00 %" in capsys.readouterr().out


def test_what_is_counted_is_every_eigenvalue_of_every_reading():
    counted, effective = {relative: Counted() for relative in TOLERANCES}, Counted()
    follow(3, 3, counted, effective)  # one eigenvalue each, and Adam, whose first reading has no preconditioner
    assert [len(one.errors) for one in counted.values()] == [3, 3, 3]
    assert len(effective.errors) == 2 * len(TOLERANCES)


def test_an_eigenvalue_outside_its_bound_is_told():
    one = Counted()
    one.add(np.array([1.0, 2.0]), np.array([0.1, 0.1]), torch.tensor([1.05, 2.2]))
    assert [error > bound for error, bound in zip(one.errors, one.bounds, strict=True)] == [False, True]
