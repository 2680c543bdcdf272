"""A study run as its users run it, as a program, but in the process of the tests: what it imports is loaded once.

Warnings are errors, as in all tests. What a process of its own shows besides (its start, an output that is closed, full
or read no more, an interruption) is for the tests of the command line.
"""

import gc
import io
import json
import runpy
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest


class Said(NamedTuple):
    """The exit code of a program, and what it wrote to its standard output and its errors."""

    code: int
    out: str
    err: str


def run_as_program(name, *arguments):
    """What the study of this name says."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [name, *arguments])
        patch.setattr(sys, "excepthook", sys.excepthook)  # which programs change, and this
        patch.setattr(warnings, "formatwarning", warnings.formatwarning)
        for module in (f"analysis.{name}", f"analysis.{name}.__main__"):
            patch.delitem(sys.modules, module, raising=False)  # as in a process of its own
        try:
            with pytest.raises(SystemExit) as ending:
                runpy.run_module(f"analysis.{name}", run_name="__main__", alter_sys=True)
        finally:
            gc.enable()
    return Said(ending.value.code, out.getvalue(), err.getvalue())


def document_of(name, folder, *arguments):
    """The JSON document of a study that refutes nothing, with its files in this folder."""
    said = run_as_program(name, "--json", "--out", str(folder), *arguments)
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out, parse_constant=pytest.fail)
