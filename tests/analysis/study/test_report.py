"""What an analysis prints of its results, for people to read."""

import io

from rich.console import Console

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
