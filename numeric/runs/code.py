"""The code of classes and functions as a short text, so that what they computed is known to be their own.

    code(class) = SHA-256 of the byte code of its methods and of all that they refer to

What they refer to by name is followed: functions and classes, through the modules that define or import them, and the
values of constants. Comments, docstrings, places in files and the order of definitions do not count. Python and
installed libraries are left out, which the provenance names by their versions; this project is not, even if installed.

Byte code is that of one minor version of Python, and unlike source text it is there wherever the class is: in a
notebook, in a worker that was sent the class, and after the file was edited.
"""

from __future__ import annotations

import dis
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from functools import cache
from operator import itemgetter
from pathlib import Path, PurePath
from types import CodeType, FunctionType, GenericAlias, ModuleType
from typing import Any

OURS = ("eos_sym", "numeric", "analysis")
KEEPING = ("numeric.runs", "numeric.files")  # what keeps results does not compute them
DIGITS = 16
MADE = {"__annotate__", "__annotate_func__", "_abc_impl", "default_assumptions", "_prop_handler"}  # by Python and SymPy
WRITTEN = (FunctionType, classmethod, staticmethod, property)  # what names of Python's own stand for in a class
INSIDE = ("__wrapped__", "__func__", "__self__", "py_func", "fget", "fset", "func", "args", "keywords")  # of wrappers


@cache
def code(*met: FunctionType | type) -> str:
    """What stands for the code of these classes or functions."""
    return hashlib.sha256("\n".join(sorted(_Reading(met).lines())).encode()).hexdigest()[:DIGITS]


class _Reading:
    """A line for each of the functions and classes that are met, and what they refer to in words."""

    def __init__(self, met: Iterable[FunctionType | type]) -> None:
        self._waiting: list[FunctionType | type] = []
        self._seen: set[FunctionType | type] = set()
        self._open: list[int] = []  # values that contain the one that is being said
        for one in met:
            self._met(one, one.__module__)

    def lines(self) -> Iterator[str]:
        """All lines, in an order that means nothing."""
        while self._waiting:
            met = self._waiting.pop()
            inside = _members(met) if isinstance(met, type) else _named(met)
            content = "class" if isinstance(met, type) else _content(met.__code__, met.__doc__)
            yield f"{_name(met)} {content} {[(name, self.said(value, met.__module__)) for name, value in inside]}"

    def said(self, value: Any, module: str) -> str:
        """A value that code of a module refers to; functions and classes in it wait for lines of their own."""
        if isinstance(value, FunctionType | type):
            return self._met(value, module)
        if id(value) in self._open:
            return "..."
        self._open.append(id(value))
        try:
            return f"{type(value).__name__} {self._inside(value, module)}"
        finally:
            self._open.pop()

    def _met(self, value: FunctionType | type, module: str) -> str:
        if isinstance(value, FunctionType) and hasattr(value, "hooked"):
            value = vars(value)["__wrapped__"]  # torch wraps `step` when the first optimizer is made
        defined_in = value.__module__ if isinstance(value, type) else value.__globals__["__name__"]
        if value not in self._seen and is_own(defined_in):
            self._seen.add(value)
            self._waiting.append(value)
        if isinstance(value, type) or value.__code__.co_qualname == value.__qualname__:
            return _name(value)
        return f"{value.__code__.co_qualname} around {[self.said(inner, module) for _, inner in _closed_over(value)]}"

    def _inside(self, value: Any, module: str) -> Any:
        if isinstance(value, ModuleType):
            return _short(value.__name__)
        if isinstance(value, Mapping):
            return [(self.said(key, module), self.said(item, module)) for key, item in value.items()]
        if isinstance(value, list | tuple):
            return [self.said(item, module) for item in value]
        if isinstance(value, Set):
            return sorted(self.said(item, module) for item in value)
        if inside := [part for name in INSIDE if (part := getattr(value, name, None)) is not None]:
            return [self.said(part, module) for part in inside if not isinstance(part, ModuleType)]
        if is_own(type(value).__module__):
            return self.said(type(value), module), self.said(getattr(value, "__dict__", {}), module)
        return _constant(value, module)


def is_own(module: str) -> bool:
    """Whether a module's code counts: it is neither Python's, nor of an installed library, nor keeps results."""
    top = module.partition(".")[0]
    if any(module == kept or module.startswith(f"{kept}.") for kept in KEEPING):
        return False
    if top in (*OURS, "__main__"):
        return True
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return False
    there = sys.modules.get(module)
    file = _to_load(module) if there is None else getattr(there, "__file__", None)
    if file is None:  # a class that was sent here, or one of a notebook
        return there is None and top not in sys.modules
    return not {"site-packages", "dist-packages"} & {*Path(file).parts}


def _to_load(module: str) -> str | None:
    """The file of a module that is not loaded yet: whether it is must make no difference."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return None if found is None else found.origin


def _name(value: FunctionType | type) -> str:
    return f"{_short(value.__module__)}.{value.__qualname__}"


def _short(module: str) -> str:
    """The name of an own module without those of its packages, which depend on where the search for it begins."""
    return module.rpartition(".")[2] if is_own(module) else module


def _content(found: CodeType, documentation: str | None = None) -> tuple[Any, ...]:
    """What a piece of code does, without where it stands."""
    constants = [_content(one) if isinstance(one, CodeType) else one for one in found.co_consts]
    if documentation is not None and constants[:1] == [documentation]:
        constants[0] = None
    constants = [sorted(map(repr, one)) if isinstance(one, frozenset) else one for one in constants]
    counts = (found.co_argcount, found.co_posonlyargcount, found.co_kwonlyargcount, found.co_flags)
    return (found.co_code, constants, counts, found.co_names, found.co_varnames, found.co_freevars, found.co_cellvars)


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """What a class consists of: its bases, and all that was written in it, not what Python notes there."""
    yield "bases", kind.__mro__[1:]
    for name, value in sorted(vars(kind).items()):
        if name not in MADE and (isinstance(value, WRITTEN) or not name.startswith("__")):
            yield name, value


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function refers to: globals, attributes of modules, what it imports, what it closes over, its defaults."""
    codes = list(_codes(function.__code__))
    names, known = {name for one in codes for name in one.co_names}, function.__globals__
    found = {name: known[name] for name in names & known.keys()}
    for one in codes:
        for module, wanted in _imports(one, known.get("__package__") or ""):
            found |= {name: getattr(module, name, None) for name in wanted} or {_short(module.__name__): module}
    yield from sorted(found.items(), key=itemgetter(0))
    for module in [value for value in found.values() if isinstance(value, ModuleType) and is_own(value.__name__)]:
        yield from (
            (f"{_short(module.__name__)}.{name}", getattr(module, name)) for name in sorted(names & {*dir(module)})
        )
    yield from _closed_over(function)
    yield "defaults", (function.__defaults__, function.__kwdefaults__)


def _codes(found: CodeType) -> Iterator[CodeType]:
    yield found
    for one in found.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _imports(found: CodeType, package: str) -> Iterator[tuple[ModuleType, tuple[str, ...]]]:
    """The own modules that a piece of code imports, and the names that it takes from them."""
    steps = list(dis.get_instructions(found)) if dis.opmap["IMPORT_NAME"] in found.co_code[::2] else []
    for place, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level, wanted = steps[place - 2].argval, steps[place - 1].argval
            with suppress(ImportError):  # which the code may expect
                name = importlib.util.resolve_name("." * level + step.argval, package)
                if importlib.util.find_spec(name) is not None and is_own(name):
                    yield importlib.import_module(name), tuple(wanted or ())


def _closed_over(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is not filled yet
            yield name, cell.cell_contents


def _constant(value: Any, module: str) -> str | None:
    """A value that code refers to, as text; None if it has none that lasts."""
    if isinstance(value, Iterator):  # which says how far it has come
        return None
    if isinstance(value, PurePath):
        return _in_its_project(value, module)
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "tobytes") and not isinstance(value, GenericAlias):  # the type of arrays has their methods
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    said = repr(value)
    return None if " at 0x" in said else said


def _in_its_project(path: PurePath, module: str) -> str:
    """The path, without the folder of the project whose module refers to it; a main module may be sent without one."""
    file = None if module == "__main__" else getattr(sys.modules.get(module), "__file__", None)
    project = Path(file).absolute().parents[module.count(".")] if file else None
    return str(path.relative_to(project) if project is not None and path.is_relative_to(project) else path)
