"""The wheel: everything that the packages need is in it, and without torch it derives and simulates from anywhere."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGES = ("eos_sym", "numeric", "analysis")
LEFT_OUT = ("torch", "functorch", "safetensors", "sklearn", "scikit_learn", "__editable__", "edge_of_stability")
PROGRAM = """
import runpy, sys
sys.argv = sys.argv[:1] + sys.argv[2:]
runpy.run_module("analysis.{}", run_name="__main__", alter_sys=True)
"""
SIMULATED = """
import numeric
from eos_sym import GradientDescent, minimalist
runs = numeric.compile_map(GradientDescent().map(minimalist())).run(dict(x=1, y=.5, z=1, w=.5), {"eta": 0.1}, steps=9)
assert "installed" in numeric.__file__
print(runs.final.dims)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing of an earlier build gets in."""
    folder = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check", "."]
    subprocess.run([*build, "--wheel-dir", "made"], cwd=folder, check=True, capture_output=True)
    (made,) = (folder / "made").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def outside(wheel):
    """Runs a program that has the wheel, and neither the checkout nor torch."""
    place, libraries = wheel.parent / "installed", wheel.parent / "libraries"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    libraries.mkdir()
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith(LEFT_OUT):
            (libraries / installed.name).symlink_to(installed)

    def run(program, *arguments):
        return subprocess.run(
            [sys.executable, "-S", "-c", program, *arguments],
            cwd=wheel.parent,
            env={**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{libraries}"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_every_file_of_the_packages_is_in_it_and_nothing_else(wheel):
    """Against templates, data and types that are forgotten, and tests that get in."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = [path for package in PACKAGES for path in (PROJECT / package).rglob("*") if path.is_file()]
    assert inside == {str(path.relative_to(PROJECT)) for path in there if path.suffix != ".pyc"}


def test_simulations_run_without_torch(outside):
    ran = outside(SIMULATED)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("('state',)\n")


def test_a_loss_is_derived_without_torch(outside):
    ran = outside(
        PROGRAM.format("derive"), "derive", "(1 - x*y)**2/2", "--weights", "x", "y", "--at", "eta=0.1", "--json"
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '"analysis": "derive"' in ran.stdout


@pytest.mark.parametrize("study", ["edge_of_stability", "minimalist"])
def test_a_study_with_networks_says_in_one_line_what_to_install(outside, study):
    ran = outside(PROGRAM.format(study), study)
    assert (ran.returncode, ran.stdout) == (2, "")
    said = "error: torch is not installed, and networks take it: pip install torch safetensors scikit-learn\n"
    assert ran.stderr == said


def test_the_networks_themselves_say_so_too(outside):
    ran = outside("from numeric.networks import SharpnessTracker")
    assert ran.stderr.splitlines()[-1].endswith("is made: pip install torch safetensors scikit-learn")


def test_a_page_is_made_without_torch(outside):
    """Against templates and a bibliography that are found in a checkout alone."""
    ran = outside(PROGRAM.format("report"), "report", "--kept", "--only", "bifurcation", "--out", "page.html")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[:2] == ["0 claims: none", "no results of bifurcation: it was not run"]
