"""The pages of the reference: one for every public module, by rooms; written when the documentation is built.

A package has a page that says what is in it and leads to those of its modules. Nothing lists the modules but the
folders themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("eos_sym", "numeric", "analysis")
SHARED = ("eos_sym.", "numeric.", "analysis.study.", "analysis.training.")


def modules(package: str) -> Iterator[str]:
    """The public modules and packages inside a package, by their dotted names, itself first."""
    yield package
    for path in sorted((ROOT / package.replace(".", "/")).iterdir()):
        public = not path.name.startswith("_")
        if public and path.is_dir() and (path / "__init__.py").exists():
            yield from modules(f"{package}.{path.name}")
        elif public and path.suffix == ".py":
            yield f"{package}.{path.stem}"
        elif path.name == "__main__.py" and package not in PACKAGES:
            yield f"{package}.__main__"


def page(name: str, inside: list[str]) -> str:
    """The page of a module; a package's leads to the pages of what is inside."""
    lines = [f"# {name}", "", "```{eval-rst}", f".. automodule:: {name}"]
    if inside:  # what a face exports is told where it is defined
        lines += ["```", "", "```{toctree}", ":maxdepth: 1", "", *inside, "```"]
    else:
        shared = name.startswith(SHARED)  # of a study the essay is told, not its functions
        lines += ["   :members:", "   :ignore-module-all:", "```"] if shared else ["```"]
    return "\n".join([*lines, ""])


def write(folder: Path) -> list[str]:
    """Write all pages into the folder; the modules that have one."""
    names = [name for package in PACKAGES for name in modules(package)]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for name in names:
        inside = [other for other in names if other.rpartition(".")[0] == name]
        (folder / f"{name}.md").write_text(page(name, inside), encoding="utf-8")
    rooms = ["# Reference", "", "```{toctree}", ":maxdepth: 2", "", *PACKAGES, "```", ""]
    (folder / "index.md").write_text("\n".join(rooms), encoding="utf-8")
    return names
