"""The pages of the reference, by rooms: a page for every package and one for every module in it.

A room's page says what the room is for, and leads to its modules, each with the first line of its docstring, and to
the rooms inside; the navigation shows rooms alone. A study's modules are told on one page, by their docstrings, and the
study itself on its own (`studies`). Nothing lists modules but the folders themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from analysis.reporting.essay import restructured
from analysis.study.index import programs

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("eos_sym", "numeric", "analysis")


def modules(package: str) -> Iterator[str]:
    """The public modules and packages inside a package, by their dotted names, itself first."""
    yield package
    for path in sorted((ROOT / package.replace(".", "/")).iterdir()):
        public = not path.name.startswith("_")
        if public and path.is_dir() and (path / "__init__.py").exists():
            yield from modules(f"{package}.{path.name}")
        elif public and path.suffix == ".py":
            yield f"{package}.{path.stem}"


def is_study(name: str) -> bool:
    """Whether this is the module or the folder of a study."""
    package, _, last = name.rpartition(".")
    return package == "analysis" and last in programs()


def first_line(name: str) -> str:
    """What a module says of itself in its first line, as reStructuredText."""
    path = ROOT / name.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return restructured(said.partition("\n")[0])


def heading(text: str, underline: str) -> list[str]:
    """A title, underlined."""
    return [text, underline * len(text), ""]


def around(name: str) -> list[str]:
    """The rooms around a module, outermost first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def way(name: str) -> list[str]:
    """The rooms around a module, each a link."""
    links = (f":doc:`{one.rpartition('.')[2]} <{one}>`" for one in around(name))
    return ["In " + " › ".join(links), ""] if around(name) else []


def listed(names: list[str]) -> list[str]:
    """Modules, each with its first line."""
    return [*(f"- :doc:`{name.rpartition('.')[2]} <{name}>`: {first_line(name)}" for name in names), ""]


def room(name: str, inside: list[str]) -> str:
    """The page of a package."""
    rooms = [one for one in inside if (ROOT / one.replace(".", "/")).is_dir() and not is_study(one)]
    others = [one for one in inside if one not in rooms and not is_study(one)]
    folders = [one for one in inside if is_study(one) and (ROOT / one.replace(".", "/")).is_dir()]
    lines = [*heading(name, "="), *way(name), f".. automodule:: {name}", ""]
    for title, names in (("Modules", others), ("Rooms", rooms), ("Modules of studies", folders)):
        if names:
            lines += [*heading(title, "-"), *listed(names)]
    return "\n".join([*lines, *toctree(rooms)])


def toctree(names: list[str]) -> list[str]:
    """Pages in the navigation."""
    return [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names), ""] if names else []


def module(name: str) -> str:
    """The page of a module, with all that is public in it."""
    shown = [f".. automodule:: {name}", "   :members:", "   :ignore-module-all:", ""]
    return "\n".join([":orphan:", "", *heading(name, "="), *way(name), *shown])


def study(name: str, inside: list[str]) -> str:
    """The page of a study's folder: its modules by what they say of themselves."""
    own_page = f":doc:`/studies/{name.rpartition('.')[2]}`"
    lines = [":orphan:", "", *heading(name, "="), f"The modules of the study {own_page}.", ""]
    for one in inside:
        lines += [*heading(one[len(name) + 1 :], "-"), f".. automodule:: {one}", ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """All pages, by the names of their files."""
    names = [name for package in PACKAGES for name in modules(package)]
    found = {}
    for name in names:
        inside = [other for other in names if other.rpartition(".")[0] == name]
        if inside and is_study(name):
            found[name] = study(name, [other for other in names if other.startswith(f"{name}.")])
        elif not any(is_study(one) for one in (name, *around(name))):
            found[name] = room(name, inside) if inside else module(name)
    found["index"] = "\n".join([*heading("Reference", "="), *listed([*PACKAGES]), *toctree([*PACKAGES])])
    return {f"{name}.rst": text for name, text in found.items()}
