"""List the analyses, a line each."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def analyses() -> dict[str, str]:
    """The name and the first line of the docstring of every runnable module, read without importing any."""
    found = {}
    folder = Path(__file__).parent
    runnable = [path for path in folder.glob("*.py") if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")]
    packages = [path.parent / "__init__.py" for path in folder.glob("*/__main__.py")]
    for path in [*runnable, *packages]:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = path.parent.name if path.name == "__init__.py" else path.stem
        if path != Path(__file__):
            found[name] = docstring.partition("\n")[0]
    return dict(sorted(found.items()))


if __name__ == "__main__":
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, line in analyses().items():
        table.add_row(f"python -m analysis.{name}", line)
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
