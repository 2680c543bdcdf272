"""All mutants of a file: the same program but for one operator, number, truth value, condition or named argument.

The changes are those of mutmut, of which some are left out: strings, which are mostly words of messages; what puts None
in the place of an argument or of what is assigned, or takes away an argument by position, which mostly ends in a
TypeError.
mutmut's two mutants of ``a if c else b`` are made of every condition: it never holds, and it always does.

Nothing is changed in annotations, imports, errors that are raised, ``__repr__``, ``__all__``, where types are told, and
in what checks the program itself: assertions, and ``strict=True`` of a zip.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

LEFT_OUT = (mutators.operator_string, mutators.operator_assignment, mutators.operator_dict_arguments)
CONDITIONS = (cst.If, cst.While, cst.CompIf)
WITH_OPERATORS = (cst.BinaryOperation, cst.UnaryOperation, cst.BooleanOperation, cst.ComparisonTarget, cst.AugAssign)
KINDS: Mapping[Any, Any] = {
    mutators.operator_swap_op: WITH_OPERATORS,
    mutators.operator_if_exp: (cst.IfExp, *CONDITIONS),
}
OPERATORS: tuple[tuple[Any, Callable[[Any], Iterable[cst.CSTNode]]], ...] = tuple(
    (KINDS.get(operator, kind), operator) for kind, operator in mutators.mutation_operators if operator not in LEFT_OUT
)
UNTOUCHED = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Raise, cst.Assert)
UNTOUCHED_IF: Mapping[type, Any] = {
    cst.Arg: m.Arg(keyword=m.Name("strict")),
    cst.FunctionDef: m.FunctionDef(name=m.Name("__repr__")),
    cst.If: m.If(test=m.Name("TYPE_CHECKING")),
    cst.Assign: m.Assign(targets=[m.AssignTarget(m.Name("__all__"))]),
    cst.Call: m.Call(func=m.Name("cast") | m.Name("TypeVar")),
}


@dataclass(frozen=True)
class Mutant:
    """A program with one change, and the lines of the statement in which it is."""

    file: str
    line: int
    column: int
    before: str
    after: str
    statement: range
    at_import: bool
    """whether the statement is no part of a function, and runs once"""
    module: cst.Module = field(repr=False, compare=False)
    nodes: tuple[cst.CSTNode, cst.CSTNode] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.before}  →  {self.after}"

    def text(self) -> str:
        """All of the file, changed."""
        changed = self.module.deep_replace(*self.nodes)
        assert isinstance(changed, cst.Module)
        return changed.code


def mutants(file: str, folder: Path) -> list[Mutant]:
    """Those of a file, named by its path from the folder, in the order of their places."""
    wrapper = MetadataWrapper(cst.parse_module((folder / file).read_text(encoding="utf-8")))
    found = _Finder(file, wrapper)
    wrapper.module.visit(found)
    return sorted(found.mutants, key=lambda mutant: (mutant.line, mutant.column))


def compiles(text: str) -> bool:
    """Whether it is a program, and one of which Python does not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compile(text, "mutant", "exec")
        except (SyntaxError, SyntaxWarning):
            return False
    return True


class _Finder(cst.CSTVisitor):
    """Walks through a module with the statements and functions that enclose a node at hand."""

    def __init__(self, file: str, wrapper: MetadataWrapper) -> None:
        super().__init__()
        self.file, self.module = file, wrapper.module
        self.places = wrapper.resolve(PositionProvider)
        self.mutants: list[Mutant] = []
        self.above: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        pattern = UNTOUCHED_IF.get(type(node))
        if isinstance(node, UNTOUCHED) or (pattern is not None and m.matches(node, pattern)):
            return False
        self.above.append(node)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                self.mutants += [self._mutant(node, changed) for changed in operator(node) if _worth_it(node, changed)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self.above and self.above[-1] is original_node:
            self.above.pop()

    def _mutant(self, node: cst.CSTNode, changed: cst.CSTNode) -> Mutant:
        shown, other = (node.test, changed.test) if isinstance(node, CONDITIONS) else (node, changed)  # type: ignore[attr-defined]
        place = self._place(shown)
        before, after = (" ".join(self.module.code_for_node(one).split()) for one in (shown, other))
        line, column = place.start.line, place.start.column + 1
        at_import = not any(_is_in_body(above, below) for above, below in pairwise(self.above))
        nodes = (node, changed)
        return Mutant(self.file, line, column, before, after, self._statement(), at_import, self.module, nodes)

    def _place(self, node: cst.CSTNode) -> CodeRange:
        return next(self.places[one] for one in (node, *reversed(self.above)) if one in self.places)

    def _statement(self) -> range:
        """The lines of the innermost statement, of one that has a body without it."""
        statement = next(
            one for one in reversed(self.above) if isinstance(one, cst.BaseStatement | cst.MatchCase | cst.Module)
        )
        place = self._place(statement)
        body = getattr(statement, "body", None)
        if isinstance(body, cst.BaseSuite):
            return range(place.start.line, max(place.start.line + 1, self.places[body].start.line))
        return range(place.start.line, place.end.line + 1)


def _is_in_body(above: cst.CSTNode, below: cst.CSTNode) -> bool:
    return isinstance(above, cst.FunctionDef | cst.Lambda) and above.body is below


def _worth_it(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Of a call's arguments, whether it is a named or starred one that is taken away, and no ``strict=True``."""
    if not (isinstance(node, cst.Call) and isinstance(changed, cst.Call) and changed.func is node.func):
        return True
    kept = {id(argument) for argument in changed.args}
    (gone,) = (argument for argument in node.args if id(argument) not in kept)
    named = gone.keyword is not None and gone.keyword.value != "strict"
    return len(changed.args) < len(node.args) and (named or gone.star != "")


def files(paths: Iterable[str], folder: Path) -> Iterator[str]:
    """The modules that are in these files and folders."""
    for path in paths:
        place = folder / path
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield file.relative_to(folder).as_posix()
