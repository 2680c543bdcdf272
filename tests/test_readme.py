"""The README's Python runs as printed, and says what is true."""

import re
from pathlib import Path

import numpy as np
import pytest
from sympy import Rational

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def namespace_of(block):
    names = {}
    exec(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[block], names)
    return names


def test_the_derivation_in_the_readme_runs_as_printed():
    names = namespace_of(0)
    assert names["condition"].neutral == 3
    x, y, z, w = names["x"], names["y"], names["z"], names["w"]
    assert names["loss"].minima.equations == (w * x * y * z - 1,)
    assert names["vanishes_on_two_cycles"](names["reduced"], x**2 - y**2) is True


def test_the_loss_of_one_s_own_in_the_readme_ends_near_the_edge():
    names = namespace_of(1)
    assert set(np.unique(names["runs"].outcome)) == {"converged"}
    scaled = names["compile_sharpness"](names["loss"]).at_end(names["runs"]) * names["eta"]
    assert float(scaled.max()) < 2
    assert float(scaled.max()) > 1.9


def test_the_theory_of_a_loss_in_the_readme_says_what_the_comments_say():
    names = namespace_of(2)
    assert names["found"].complete
    assert sorted(cycle.multipliers[0] for cycle in names["found"].orbits) == [Rational(9, 50)] * 2 + [
        Rational(1296, 25)
    ]
    certificate = names["certify"](names["dynamics"], names["found"].orbits[-1].points, names["at"])
    assert certificate.status == "proved"
    assert names["form"].kind == "self_stabilizing"
    assert float(names["form"].terminal_sharpness) == pytest.approx(39.925, abs=5e-4)
