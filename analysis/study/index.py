"""Which studies there are: a module of `analysis` that can be run is one, and nothing else lists it.

Read from the files without importing any: the name, and the first line of the docstring. The list of ``python -m
analysis``, the Makefile's targets, the documentation's pages and the tests' lists follow from it.
"""

import ast
import difflib
import inspect
import runpy
import tokenize
import warnings
from pathlib import Path

from analysis.study.parts import DECLARED, Declared, Parts

STUDIES = Path(__file__).parents[1]


def studies() -> dict[str, str]:
    """The first line of the essay of every study, by its name."""
    return {name: essay(path).partition("\n")[0] for name, path in sorted(programs().items())}


def programs() -> dict[str, Path]:
    """The file of every study that begins with its essay, by its name."""
    scripts = {path.stem: path for path in STUDIES.glob("*.py") if "study.main()" in path.read_text(encoding="utf-8")}
    return scripts | {path.parent.name: path for path in STUDIES.glob("*/__main__.py")}


def declared(name: str) -> Parts:
    """A study as far as its options, before which nothing is loaded that is slow to load."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where the module is imported already, and read once more
            module = runpy.run_module(f"analysis.{name}", run_name=DECLARED, alter_sys=True)
    except Declared as reached:
        found: Parts = reached.args[0]
        return found
    return next(value for value in module.values() if isinstance(value, Parts))  # it has the options of all


def essay(path: Path) -> str:
    """The docstring of a file, of which no more is read: to parse all of every study takes a tenth of a second."""
    with path.open(encoding="utf-8") as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                return inspect.cleandoc(ast.literal_eval(token.string)) if token.type == tokenize.STRING else ""
    return ""


def no_such_study(name: str) -> str:
    """What to say to somebody who asks for a study that there is not."""
    near = difflib.get_close_matches(name, programs(), n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{name}: no such study; {meant}python -m analysis lists them"
