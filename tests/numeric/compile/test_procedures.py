"""Procedures do what their functions do in Python, on the same arrays."""

import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from numeric.compile.procedures import ArrayOf, compile_procedure, procedure_module

NUMBERS, INTEGERS, BYTES, PLANE = (
    ArrayOf(dtype, dimensions) for dtype, dimensions in ((float, 1), (np.int64, 1), (np.int8, 1), (float, 2))
)
TEXT = Path(__file__).read_bytes()
TABLE = (3, 5, -7)
WIDTH = 4


class Pair(NamedTuple):
    """Two arrays."""

    kinds: np.ndarray
    sums: np.ndarray


def first_where(numbers, bound):
    """The first place of a number above the bound, −1 if there is none."""
    for place in range(len(numbers)):
        if numbers[place] > bound:
            return place
    return -1


def extremes(numbers):
    least = most = numbers[0]
    for place in range(1, len(numbers)):
        least, most = min(least, numbers[place]), max(most, numbers[place])
    return least, most


def workspace(rows):
    return np.zeros((rows, WIDTH))


def search(numbers, bounds, found, ends):
    for place in range(len(bounds)):
        found[place] = first_where(numbers, bounds[place])
    ends[0], ends[1] = extremes(numbers)


def count(numbers, found):
    """Loops that end early, go on, run backwards, and do nothing."""
    place = total = skipped = 0
    while place < len(numbers) and numbers[place] >= 0.0:
        place += 1
        if numbers[place - 1] == 2.0:
            skipped += 1
            continue
        total += place * WIDTH
        if not total < 1000 or (skipped and total > 500):
            break
    for index in range(len(numbers) - 1, -1, -2):
        found[index] = index // 3 - index % 3 + (-index) // 3 * 10 + (-index) % 3
    for _ in range(3, 3):
        total = -1000
    found[0], found[1], found[2] = place, total, skipped


def arrays(plane, numbers, pair):
    """Parts, workspaces, constant tables, bytes, truth values in integers, and a condition between bounds."""
    rows = plane.shape[0]
    work, ones = workspace(rows), np.ones(WIDTH, np.int64)
    for row in range(rows):
        fill(work[row], plane[row], row)
    for row in range(rows):
        inside = 0
        for column in range(WIDTH):
            ones[column] &= 0 < column <= 2
            inside += work[row, column] > 1.0
            numbers[column] += work[row, column] if ones[column] else 0.5
        pair.sums[row] = TABLE[row % len(TABLE)] * inside
        pair.kinds[row] = -inside
        flag = inside > 1
        flag |= row == 0
        if flag:
            pair.kinds[row] = 100
        elif inside == 1:
            pair.kinds[row] -= 50


def new_pair(rows):
    return Pair(np.zeros(rows, np.int8), np.ones(rows, np.int64))


def named(numbers, pair):
    """Arrays that a function has made, in a named tuple."""
    made = new_pair(len(numbers))
    for place in range(len(numbers)):
        made.kinds[place] += numbers[place] > 0.0
        made.sums[place] += place
    for place in range(len(numbers)):
        pair.kinds[place], pair.sums[place] = made.kinds[place], made.sums[place]


def fill(target, source, number):
    for column in range(WIDTH):
        target[column] = abs(source[column]) * (number + 1) / 2


def same(function, kinds, *arguments):
    """That the procedure leaves the arrays as the function does, which changes some."""
    before, expected = copy.deepcopy(arguments), copy.deepcopy(arguments)
    function(*expected)
    compile_procedure(function, kinds, TEXT)(*arguments)
    found, wanted, old = map(flat, (arguments, expected, before))
    for array, known in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(array, known)
    assert any(not np.array_equal(array, known) for array, known in zip(found, old, strict=True))


def flat(arguments):
    return [array for one in arguments for array in (one if isinstance(one, Pair) else [one])]


def test_functions_that_return_from_loops_and_give_several_numbers():
    numbers = np.random.default_rng(0).normal(size=50)
    bounds = np.array([-9.0, 0.0, 1.5, 9.0])
    same(search, (NUMBERS, NUMBERS, INTEGERS, NUMBERS), numbers, bounds, np.zeros(4, np.int64), np.zeros(2))


@pytest.mark.parametrize("size", [3, 10, 40])
@pytest.mark.parametrize("stop", [0, 2, 1000])
def test_loops_that_end_early_go_on_and_run_backwards(size, stop):
    numbers = np.random.default_rng(1).integers(1, 5, size).astype(float)
    numbers[min(stop, size - 1)] = -1.0 if stop < size else 1.0
    same(count, (NUMBERS, INTEGERS), numbers, np.full(size, -99))


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_arrays_their_parts_and_workspaces(rows):
    plane = np.random.default_rng(2).normal(size=(rows, WIDTH))
    pair = Pair(np.zeros(rows, np.int8), np.zeros(rows, np.int64))
    same(arrays, (PLANE, NUMBERS, Pair(BYTES, INTEGERS)), plane, np.zeros(WIDTH), pair)


@pytest.mark.parametrize("rows", [7, 5000])
def test_arrays_in_a_named_tuple_outlive_the_function_that_made_them(rows):
    """Against memory that is freed, and used again, while it is read."""
    pair = Pair(np.zeros(rows, np.int8), np.zeros(rows, np.int64))
    same(named, (NUMBERS, Pair(BYTES, INTEGERS)), np.random.default_rng(3).normal(size=rows), pair)


def test_a_procedure_refuses_arrays_that_it_was_not_made_for():
    procedure = compile_procedure(count, (NUMBERS, INTEGERS), TEXT)
    right = np.zeros(4), np.zeros(4, np.int64)
    procedure(*right)
    for wrong in ((right[1], right[1]), (np.zeros((4, 1)), right[1]), (np.zeros(8)[::2], right[1])):
        with pytest.raises(TypeError, match="not a contiguous array with 1 dimensions of float64"):
            procedure(*wrong)


def comprehension(numbers):
    numbers[0] = sum([1.0, 2.0])


def mixed(numbers):
    place = 0
    place += 0.5
    numbers[place] = 1.0


def unknown(numbers):
    numbers[0] = other  # noqa: F821


@pytest.mark.parametrize("function", [comprehension, mixed, unknown])
def test_what_cannot_be_compiled_is_refused(function):
    with pytest.raises(KeyError):
        procedure_module(function, (NUMBERS,))
