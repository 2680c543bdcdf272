"""The code of a class: the same wherever and however often it is asked for, another where it computes otherwise."""

import importlib
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest

from numeric.runs.code import code

PROJECT = Path(__file__).parents[3]
HELPERS = """
from functools import cache
from pathlib import Path
import numpy as np

HERE, BIAS, NEVER = Path(__file__).parent, np.zeros(3), 1

@cache
def width(number):
    return 5 * number

def depth():
    return 3

def unused():
    return 7
"""
NETWORK = '''
"""A network of somebody's."""
from dataclasses import dataclass, field
from functools import cached_property, partial
import helpers

RATE, SIZES, KINDS = 0.5, {"narrow": 5, "wide": [8, 9]}, frozenset({"relu", "tanh", "gelu"})

def scaled(value, by=2):
    """Scaled."""
    return value * by

class Base:
    def layers(self):
        return 4

@dataclass(frozen=True)
class Network(Base):
    """What is built."""

    neurons: int = 5
    activation: object = partial(scaled, by=3)

    def build(self):
        """Build it."""
        from helpers import depth
        return [lambda x: RATE * x + len(KINDS), SIZES["wide"], helpers.width(self.neurons), depth(), helpers.HERE]

    @cached_property
    def bias(self):
        return helpers.BIAS

    @staticmethod
    def rate():
        return 0.25
'''
FIRST = (NETWORK, HELPERS)


@pytest.fixture
def code_of(tmp_path, monkeypatch):
    """The code of the class `Network`, in a package of its own, from the texts of two modules."""
    numbers = iter(range(1000))

    def answer(network=NETWORK, helpers=HELPERS, name="Network"):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        for module, text in (("network", network), ("helpers", helpers)):
            (folder / f"{module}.py").write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        return code(getattr(importlib.import_module("network"), name))

    return answer


CHANGES = {
    "a constant of the method": ("self.neurons)", "self.neurons + 1)"),
    "a constant of the module": ("RATE, SIZES, KINDS = 0.5", "RATE, SIZES, KINDS = 0.25"),
    "a number in a list in a mapping": ("[8, 9]", "[8, 50]"),
    "two that change places": ('"narrow": 5, "wide": [8, 9]', '"wide": [8, 9], "narrow": 5'),
    "a set": ('"gelu"', '"silu"'),
    "a function": ("value * by", "value / by"),
    "a default": ("by=2", "by=4"),
    "the argument of a partial function": ("by=3", "by=4"),
    "a lambda": ("RATE * x", "RATE + x"),
    "the base": ("return 4", "return 5"),
    "a static method": ("return 0.25", "return 0.125"),
    "a default of a field": ("neurons: int = 5", "neurons: int = 50"),
    "a cached function of another module": ("5 * number", "50 * number"),
    "a function imported inside": ("return 3", "return 30"),
    "an array of another module": ("np.zeros(3)", "np.ones(3)"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.fault("another program", "any change of what a run computes, in fifteen ways", "it is another run")
def test_what_computes_otherwise_is_other_code(code_of, change):
    before, after = change
    assert sum(before in text for text in FIRST) == 1
    assert code_of() != code_of(*(text.replace(before, after) for text in FIRST))


SAME = {
    "a comment": ("RATE, SIZES", "# a comment\nRATE, SIZES"),
    "a docstring": ("Build it.", "Build it well."),
    "a function that nothing refers to": ("return 7", "return 70"),
    "a constant that nothing refers to": (
        "NEVER = Path(__file__).parent, np.zeros(3), 1",
        "NEVER = Path(__file__).parent, np.zeros(3), 2",
    ),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_computes_the_same_is_the_same_code(code_of, change):
    before, after = change
    assert sum(before in text for text in FIRST) == 1
    assert code_of() == code_of(*(text.replace(before, after) for text in FIRST))


def test_a_type_of_arrays_is_no_array(code_of):
    """Wrong program: one that asks the type for its bytes, as it has the methods of arrays."""
    helpers = (
        HELPERS.replace("return 3", "return list[KIND]()") + "\nKIND = np.ndarray[tuple[int], np.dtype[np.float64]]"
    )
    assert code_of(helpers=helpers) == code_of(helpers=helpers)
    assert code_of(helpers=helpers) != code_of(helpers=helpers.replace("float64", "float32"))


def test_how_far_a_counter_has_come_is_no_code(code_of):
    """Wrong program: one to which a map is another one when a kernel more has been loaded."""
    helpers = HELPERS.replace("return 3", "return next(NUMBERS)") + "\nfrom itertools import count\nNUMBERS = count()"
    assert code_of(helpers=helpers) == code_of(helpers=helpers + "; next(NUMBERS)")


def test_code_does_not_depend_on_the_process_nor_on_what_has_run():
    ask = (
        "from numeric.networks.training import Experiment, GradientDescent as G; from numeric.runs.code import code;"
        "from numeric.networks.architectures import Vgg; print(code(Experiment), code(G), code(Vgg))"
    )
    run = (
        "from numeric.networks import Measure; from numeric.networks.training import Experiment, GradientDescent as G;"
        "from numeric.networks.architectures import FullyConnected as F, Vgg;"
        "from numeric.networks.data import Chebyshev;"
        "import pickle; one = Experiment(Chebyshev(3), F((3,)), G(0.1), steps=2, measure=Measure(every=1)); one.run();"
        "pickle.dumps([one, Vgg()]); repr(one); hash(one); one == one;"
    )

    def said(program, seed):
        command = [sys.executable, "-c", program]
        environment = {"PYTHONHASHSEED": seed, "PATH": "", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, env=environment)
        return done.stdout

    assert said(ask, "1") == said(run + ask, "2")


def test_code_does_not_depend_on_the_package_under_which_it_is_found(monkeypatch):
    from tests.numeric.runs import sweep_runs

    monkeypatch.syspath_prepend(Path(__file__).parent)
    alone = importlib.import_module("sweep_runs")
    assert alone.Products is not sweep_runs.Products
    assert code(alone.Products) == code(sweep_runs.Products)


def test_a_class_of_the_main_module_has_the_same_code_where_it_was_sent():
    there = "import sys, pickle; from numeric.runs.code import code; print(code(pickle.load(sys.stdin.buffer)))"
    namespace = {"__name__": "__main__"}
    exec("N = 5\ndef width(): return N\nclass Network:\n    def build(self): return width()", namespace)
    network = namespace["Network"]
    sent = subprocess.run(
        [sys.executable, "-c", there], input=cloudpickle.dumps(network), cwd=PROJECT, capture_output=True, check=True
    )
    assert sent.stdout.decode().split() == [code(network)]


def test_a_module_of_the_same_package_counts_before_it_is_loaded_too(tmp_path, monkeypatch):
    """Wrong program: one that takes a module that is not loaded, of a package that is, for a library's."""
    (tmp_path / "somebodys").mkdir()
    (tmp_path / "somebodys/__init__.py").touch()
    (tmp_path / "somebodys/model.py").write_text("def width():\n    return 5\n")
    (tmp_path / "somebodys/runs.py").write_text(
        "class Run:\n    def run(self):\n        from somebodys.model import width\n        return width()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    there = "from numeric.runs.code import code; from somebodys.runs import Run; Run().run(); print(code(Run))"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {there}"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    run = importlib.import_module("somebodys.runs").Run
    assert ran.stdout.decode().split() == [code(run)]
