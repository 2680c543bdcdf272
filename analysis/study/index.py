"""Which studies there are: a module of `analysis` that can be run is one, and nothing else lists it.

Read from the files without importing any: the name, and the first line of the docstring.
"""

from __future__ import annotations

import ast
import difflib
from pathlib import Path

STUDIES = Path(__file__).parents[1]


def studies() -> dict[str, str]:
    """The first line of the essay of every study, by its name."""
    scripts = {path.stem: path for path in STUDIES.glob("*.py") if "study.main()" in path.read_text(encoding="utf-8")}
    folders = {path.parent.name: path for path in STUDIES.glob("*/__main__.py")}
    return {name: essay(path).partition("\n")[0] for name, path in sorted((scripts | folders).items())}


def essay(path: Path) -> str:
    """The docstring of a file."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def no_such_study(name: str) -> str:
    """What to say to somebody who asks for a study that there is not."""
    near = difflib.get_close_matches(name, studies(), n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{name}: no such study; {meant}python -m analysis lists them"
