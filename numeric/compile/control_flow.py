"""From Python functions with loops and arrays to LLVM: what `numeric.compile.lowering` leaves out.

To that part of Python come ``for`` over a `range`, ``while``, ``if``, ``break``, ``continue``, ``return`` anywhere,
augmented and chained assignments and comparisons, //, %, `min`, `max`, `abs`, `len`, named tuples, constant tuples, and
arrays: elements by as many indices as there are dimensions, parts by fewer, `shape`, and `numpy.zeros` and
`numpy.ones`, whose memory begins with a cache line and is freed where the function that asked for it ends, unless it
returns them. `and` and `or` stop at what decides them; of ``a if c else b`` both sides are computed. Truth values
beside integers are 0 and 1, integers beside floats are floats.

A name has one kind of value all along. Functions that are called become part of the one that calls them, for the kinds
of arguments that they are given.

Errors: as in `numeric.compile.lowering`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir

from numeric.compile.arrays import Array, alike, converted, free, new_array, place_of, table
from numeric.compile.lowering import INTEGER, TRUTH, Lowering, constant, definition

BUILTINS: dict[str, Any] = {"abs": abs, "len": len, "max": max, "min": min}
FOLDED: dict[type, Callable[[int, int], int]] = {
    **{ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__},
    **{ast.FloorDiv: int.__floordiv__, ast.Mod: int.__mod__},
}


@dataclass
class ControlFlow(Lowering):
    """A function's: the places of its numbers, where loops go on and end, where it ends, its result, its arrays."""

    places: dict[str, ir.Value] = field(default_factory=dict)
    loops: list[tuple[ir.Block, ir.Block]] = field(default_factory=list)
    end: ir.Block | None = None
    result: Any = None
    owned: list[Array] = field(default_factory=list)

    def call(self, function: FunctionType, arguments: Sequence[Any]) -> Any:
        """The function's statements at this place, and what it returns."""
        written = definition(function)
        called = ControlFlow(self.builder, function.__globals__, end=self.builder.append_basic_block())
        for name, argument in zip(written.args.args, arguments, strict=True):
            called.assign(ast.Name(name.arg), argument)
        called.execute(written.body)
        called.branch(called.end)
        self.builder.position_at_end(called.end)
        result = called.loaded(called.result)
        for array in called.owned:
            if any(array is part for part in _parts(result)):
                self.owned.append(array)
            else:
                free(self.builder, array)
        return result

    def branch(self, block: Any) -> None:
        """Go on there, unless it has been said already where."""
        if not self.builder.block.is_terminated:
            self.builder.branch(block)

    def execute(self, statements: Iterable[ast.stmt]) -> None:
        """All of them in turn, up to one that leads elsewhere."""
        for statement in statements:
            if self.builder.block.is_terminated:
                return
            self._execute(statement)

    def _execute(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets, expression):
                value = self.value(expression)
                for target in targets:
                    self.assign(target, value)
            case ast.AugAssign(target, operator, expression):
                self.assign(target, self.binary(operator, self.value(target), self.value(expression)))
            case ast.If(condition, yes, no):
                self._branches(condition, yes, no)
            case ast.While(condition, body):
                self._loop(lambda: self._truth(condition), lambda: self.execute(body), lambda: None)
            case ast.For(index, ast.Call(ast.Name("range"), bounds), body):
                self._count([*map(self.value, bounds)], lambda number: self._with(index, number, body))
            case ast.Break():
                self.builder.branch(self.loops[-1][1])
            case ast.Continue():
                self.builder.branch(self.loops[-1][0])
            case ast.Return(expression):
                value = None if expression is None else self.value(expression)
                self.result = self._stored(value, self.result)
                self.builder.branch(self.end)
            case ast.Expr(ast.Constant(str())):
                pass  # a docstring
            case ast.Expr(ast.Call() as call):
                self.value(call)
            case _:
                raise KeyError(ast.unparse(statement))

    def assign(self, target: ast.expr, value: Any) -> None:
        """Give a name or an element of an array this value, or several of them their parts."""
        match target:
            case ast.Name(name) if isinstance(value, ir.Value):
                self.places[name] = self._stored(value, self.places.get(name))
            case ast.Name(name):
                self.values[name] = value
            case ast.Tuple(parts):
                for part, one in zip(parts, value, strict=True):
                    self.assign(part, one)
            case ast.Subscript(array, index):
                self._stored(value, self.value(array).at(self.builder, self.value(index)))
            case _:
                raise KeyError(ast.unparse(target))

    def _with(self, target: ast.expr, value: Any, statements: Sequence[ast.stmt]) -> None:
        self.assign(target, value)
        self.execute(statements)

    def _branches(self, condition: ast.expr, yes: Sequence[ast.stmt], no: Sequence[ast.stmt]) -> None:
        build = self.builder
        truth = self._truth(condition)
        blocks, after = [build.append_basic_block() for _ in range(2)], build.append_basic_block()
        build.cbranch(truth, *blocks)
        reached = False
        for block, statements in zip(blocks, (yes, no), strict=True):
            build.position_at_end(block)
            self.execute(statements)
            reached |= not build.block.is_terminated
            self.branch(after)
        build.position_at_end(after)
        if not reached:
            build.unreachable()

    def _count(self, bounds: Sequence[Any], inside: Callable[[Any], object]) -> None:
        """What is inside, for the numbers of a range."""
        first, last, step = {
            1: (INTEGER(0), *bounds, INTEGER(1)),
            2: (*bounds, INTEGER(1)),
            3: bounds,
        }[len(bounds)]
        build, place, sign = self.builder, place_of(self.builder, INTEGER), "<" if step.constant > 0 else ">"
        build.store(first, place)
        self._loop(
            lambda: build.icmp_signed(sign, build.load(place), last),
            lambda: inside(build.load(place)),
            lambda: build.store(build.add(build.load(place), step, flags=("nsw",)), place),
        )

    def _loop(self, condition: Callable[[], Any], inside: Callable[[], object], go_on: Callable[[], object]) -> None:
        """What is inside as long as the condition holds, each time with what it takes to go on."""
        build = self.builder
        head, body, following, after = (build.append_basic_block() for _ in range(4))
        build.branch(head)
        build.position_at_end(head)
        build.cbranch(condition(), body, after)
        build.position_at_end(body)
        self.loops.append((following, after))
        inside()
        self.loops.pop()
        self.branch(following)
        build.position_at_end(following)
        go_on()
        build.branch(head)
        build.position_at_end(after)

    def value(self, expression: ast.expr) -> Any:
        """The value of an expression: a number, an array, a tuple, or what Python knows by the name."""
        build = self.builder
        match expression:
            case ast.Name(name) if name in self.places:
                return build.load(self.places[name])
            case ast.Name(name):
                outside = self.outside if name in self.outside else BUILTINS
                return _known((self.values if name in self.values else outside)[name])
            case ast.Attribute(owner, name):
                return _known(getattr(self.value(owner), name))
            case ast.Subscript(whole, index):
                return self._part(self.value(whole), self.value(index))
            case ast.BoolOp(operator, parts):
                return self._decided(isinstance(operator, ast.And), parts)
            case ast.Compare(left, operators, others):
                values = [*map(self.value, (left, *others))]
                pairs = zip(operators, values[:-1], values[1:], strict=True)
                truth, *more = (self.comparison(operator, *alike(build, one, other)) for operator, one, other in pairs)
                for another in more:
                    truth = build.and_(truth, another)
                return truth
            case ast.UnaryOp(ast.USub(), ast.Constant(int() as number)):
                return INTEGER(-number)
            case ast.UnaryOp(ast.Not(), operand):
                return build.not_(self._truth(operand))
            case ast.IfExp(condition, yes, no):
                return build.select(self._truth(condition), *alike(build, self.value(yes), self.value(no)))
            case ast.Call(called, arguments):
                return self.called(self.value(called), [*map(self.value, arguments)])
        return super().value(expression)

    def called(self, called: Any, arguments: Sequence[Any]) -> Any:
        """What a call gives."""
        if called in (min, max):
            first, second = alike(self.builder, *arguments)
            better = self.comparison(ast.Lt() if called is min else ast.Gt(), second, first)
            return self.builder.select(better, second, first)
        if called is abs:
            return self.intrinsic("llvm.fabs", arguments)
        if called is len:
            (whole,) = arguments
            return whole.shape[0] if isinstance(whole, Array) else INTEGER(len(whole))
        if isinstance(called, type) and issubclass(called, tuple):
            return called(*arguments)
        if called in (np.zeros, np.ones):
            return self._filled(1 if called is np.ones else 0, *arguments)
        return self.call(called, arguments) if isinstance(called, FunctionType) else super().called(called, arguments)

    def binary(self, operator: ast.operator | ast.boolop, left: Any, right: Any) -> Any:
        """An operation on two numbers."""
        build = self.builder
        left, right = alike(build, left, right)
        if isinstance(left, ir.Constant) and isinstance(right, ir.Constant) and left.type == INTEGER:
            return INTEGER(FOLDED[type(operator)](left.constant, right.constant))
        if isinstance(operator, ast.FloorDiv | ast.Mod):
            rest = build.srem(left, right)
            apart = build.icmp_signed("<", build.xor(rest, right), INTEGER(0))
            below = build.and_(apart, build.icmp_signed("!=", rest, INTEGER(0)))
            if isinstance(operator, ast.Mod):
                return build.add(rest, build.select(below, right, INTEGER(0)))
            return build.sub(build.sdiv(left, right), build.zext(below, INTEGER))
        if left.type == TRUTH and not isinstance(operator, ast.BitAnd | ast.BitOr | ast.BitXor):
            left, right = (converted(build, value, INTEGER) for value in (left, right))
        return super().binary(operator, left, right)

    def _truth(self, expression: ast.expr) -> Any:
        return converted(self.builder, self.value(expression), TRUTH)

    def _decided(self, every: bool, parts: Sequence[ast.expr]) -> Any:
        """Whether every one, or one at all, is true, up to the first that decides."""
        build = self.builder
        place, after = place_of(build, TRUTH), build.append_basic_block()
        for part in parts:
            following, truth = build.append_basic_block(), self._truth(part)
            build.store(truth, place)
            build.cbranch(truth, *((following, after) if every else (after, following)))
            build.position_at_end(following)
        build.branch(after)
        build.position_at_end(after)
        return build.load(place)

    def _part(self, whole: Any, index: Any) -> Any:
        """An element or a part of an array or a tuple."""
        if isinstance(whole, tuple) and isinstance(index, ir.Constant):
            return _known(whole[index.constant])
        return (table(self.builder, whole) if isinstance(whole, tuple) else whole).part(self.builder, index)

    def _filled(self, number: int, shape: Any, dtype: Any = np.float64) -> Array:
        """A new array, with this number everywhere."""
        array, to_be_freed = new_array(self.builder, shape, dtype)
        self.owned += [array] * to_be_freed
        size: Any = INTEGER(1)
        for length in array.shape:
            size = self.binary(ast.Mult(), size, length)
        flat = Array(array.address, (size,), array.element)
        self._count([size], lambda index: self._stored(INTEGER(number), flat.at(self.builder, index)))
        return array

    def _stored(self, value: Any, place: Any) -> Any:
        """The place of a value, or of several, with it in there; an array stays where it is."""
        if isinstance(value, tuple):
            return _regrouped(value, map(self._stored, value, place or [None] * len(value)))
        if not isinstance(value, ir.Value):
            return value
        place = place or place_of(self.builder, value.type)
        self.builder.store(converted(self.builder, value, place.type.pointee), place)
        return place

    def loaded(self, place: Any) -> Any:
        """What stands in a place, or in several."""
        if isinstance(place, tuple):
            return _regrouped(place, map(self.loaded, place))
        return self.builder.load(place) if isinstance(place, ir.Value) else place


def _known(value: Any) -> Any:
    return constant(value) if isinstance(value, bool | int | float) else value


def _parts(value: Any) -> Iterator[Any]:
    """The values of a tuple of tuples."""
    if isinstance(value, tuple):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _regrouped(like: tuple[Any, ...], parts: Iterable[Any]) -> tuple[Any, ...]:
    """The parts as such a tuple, which may be a named one."""
    return like._make(parts) if hasattr(like, "_make") else tuple(parts)
