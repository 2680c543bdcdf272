"""A study run as its users run it, as a program, but in the process of the tests: what it imports is loaded once."""

import gc
import runpy
import sys

import pytest


def run_as_program(name, arguments, monkeypatch):
    """The exit code of a study."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    for module in (f"analysis.{name}", f"analysis.{name}.__main__"):
        monkeypatch.delitem(sys.modules, module, raising=False)  # as in a process of its own
    try:
        with pytest.raises(SystemExit) as ending:
            runpy.run_module(f"analysis.{name}", run_name="__main__", alter_sys=True)
    finally:
        gc.enable()
    return ending.value.code
