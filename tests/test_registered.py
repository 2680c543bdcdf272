"""A loss, rule, data set or network is found by being there: one that its room's face forgets is noticed."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

import eos_sym.losses
import eos_sym.rules
from eos_sym import Objective
from eos_sym.losses import LOSSES, LossFamily
from eos_sym.rules import RULES

ROOT = Path(__file__).parents[1]


def classes_with(method, room):
    """The public classes of a room's modules that have this method, but for protocols, which describe it."""
    for path in sorted((ROOT / room.replace(".", "/")).glob("[!_]*.py")):
        module = import_module(f"{room}.{path.stem}")
        for name, kind in inspect.getmembers(module, inspect.isclass):
            own = kind.__module__ == module.__name__ and not name.startswith("_")
            if own and hasattr(kind, method) and not getattr(kind, "_is_protocol", False):
                yield name


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_the_catalogue_is_made_and_exported(name):
    sizes = [2 for parameter in inspect.signature(LOSSES[name]).parameters]
    assert isinstance(LOSSES[name](*sizes), Objective | LossFamily)
    assert getattr(eos_sym.losses, name) is LOSSES[name]
    assert f"{name}(" in import_module("eos_sym.losses.catalogue").__doc__


def test_the_catalogue_holds_the_losses_and_nothing_else():
    assert {"quadratic", "product", "minimalist", "shallow", "sgd_pair"} <= {*LOSSES}
    assert not {"isfunction", "symbols"} & {*LOSSES}


def test_every_rule_has_a_name_and_is_exported():
    made = {type(rule).__name__ for rule in RULES.values()}
    rules = [name for name in classes_with("map", "eos_sym.rules") if name != "Map"]
    assert {"GradientDescent", "HeavyBall", "SharpnessAwareMinimization"} <= {*rules}
    assert {*rules} - made == {
        "Adam",
        "PreconditionedNesterov",
        "RMSProp",
        "ScalarRMSProp",
        "WeightDecay",
        "WrittenRule",
    }  # theirs is the theory at a frozen P
    assert {*rules} <= {*eos_sym.rules.__all__}


@pytest.mark.parametrize(
    ("method", "room", "one"),
    [
        ("load", "numeric.networks.data", "Digits"),
        ("build", "numeric.networks.architectures", "FullyConnected"),
        ("build", "numeric.networks.training.optimizers", "GradientDescent"),
    ],
)
def test_every_description_is_exported_by_its_room(method, room, one):
    found = [*classes_with(method, room)]
    assert one in found
    exported = {*import_module(room).__all__}
    assert {*found} <= exported
