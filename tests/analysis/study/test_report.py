"""What an analysis prints of its results, for people to read."""

import io

from rich.console import Console
from sympy import Symbol

from analysis.study.report import print_theory


def printed(theory):
    page = io.StringIO()
    print_theory(Console(file=page, width=120), theory)
    return page.getvalue().splitlines()


def test_the_entries_of_a_list_stand_one_below_the_other_however_many_there_are():
    orbits = [{"points": [{"x": float(place)}], "verdict": "stable"} for place in range(1, 13)]
    points = [line for line in printed({"fixed_points": orbits}) if "points:" in line]
    assert len(points) == 12
    assert {line.index("points:") for line in points} == {8}
    assert [line.split(".")[0].strip() for line in points] == [str(number) for number in range(1, 13)]


def test_names_are_read_as_words_and_indices_stay_indices():
    named = {"median_of_a_share": 1.0, "share of λ_c": 2.0, "S_{t+1}": 3.0, "of_degree_2": 4.0, Symbol("lambda_1"): 5.0}
    assert [line.split(":")[0].strip() for line in printed({"its_curvature": named}) if line] == [
        "its curvature",
        "median of a share",
        "share of λ_c",
        "S_{t+1}",
        "of degree 2",
        "λ₁",
    ]


def test_a_point_is_written_in_the_letters_of_the_formulas():
    point = {Symbol("w_1"): 1.0, Symbol("beta"): 2.0, "terminal_sharpness": 3.0}
    assert printed({"minimum": [point]})[-1] == "    1.  w₁ = 1, β = 2, terminal sharpness = 3"
