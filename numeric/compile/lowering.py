"""From text to LLVM: the part of Python in which kernels, and functions that they call, are written.

Statements assign to names or, in a kernel, to ``lanes[K + lane]`` and, where it records, to ``after[K + lane]``, which
is ``before[K + lane]`` at the next step; a function ends with ``return``. Expressions are numbers, names, + - * / ** of
floats, + - & | ^ << >> of integers, comparisons, and, or, not, & and | of truth values, ``a if c else b``, tuples, and
calls. There are no branches: both sides of a condition are computed and one is selected, so that LLVM computes several
lanes with one instruction; `and` and `or` are what & and | are.

What is called is a function written in the same part of Python, whose instructions are put in the place of the call;
an `Instruction`; or a function of `math`, which is an instruction where LLVM has one, and else that of C's library.
Those of a kernel are given to it; a function finds its own, and its constants, where Python finds them. Sums and
products of a kernel may be contracted to fused multiply-adds, those of functions are rounded as they are written.

Values are floats (64 bits), integers (64 bits, signed, wrapping around) and truth values; no operation mixes them.

Errors: `KeyError` for a name that is nothing, and for what is none of these; LLVM's own where operands do not fit.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from llvmlite import ir

FLOAT, TRUTH, INTEGER = ir.DoubleType(), ir.IntType(1), ir.IntType(64)
INTRINSICS = {math.fabs: "llvm.fabs", math.floor: "llvm.floor", math.sqrt: "llvm.sqrt"}
OF_FLOATS: Mapping[type, str] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
OF_BITS: Mapping[type, str] = {
    **{ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.LShift: "shl", ast.RShift: "ashr", ast.BitXor: "xor"},
    **{ast.BitAnd: "and_", ast.BitOr: "or_", ast.And: "and_", ast.Or: "or_"},
}
COMPARISONS: Mapping[type, str] = {
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="},
    **{ast.Eq: "==", ast.NotEq: "!="},
}
Value = TypeVar("Value")  # what an instruction gives, as Python calls it
# By itself LLVM prefers vectors of 256 bits, because some older processors lower their frequency for wider ones.
# Kernels keep the vector units busy all the time, and take about half as long with the wider ones.
WIDEST = '"prefer-vector-width"="512"'


@dataclass(frozen=True)
class Instruction(Generic[Value]):
    """What builds instructions for a call, from LLVM's builder and the arguments; Python has nothing to call."""

    build: Callable[..., Any]

    if TYPE_CHECKING:

        def __call__(self, *arguments: Any) -> Value: ...  # noqa: D102 - of a call that is written


@dataclass(frozen=True)
class Statements:
    """What is done for a lane, and the functions and constants that it may use, by their names."""

    lines: Sequence[str]
    names: Mapping[str, Any]

    @cached_property
    def parsed(self) -> list[ast.stmt]:
        """The statements as Python reads them."""
        return ast.parse("\n".join(self.lines)).body

    @cached_property
    def places(self) -> list[ast.Subscript]:
        """The places in the lanes that are assigned to."""
        targets = (line.targets[0] for line in self.parsed if isinstance(line, ast.Assign))
        return [target for target in targets if isinstance(target, ast.Subscript)]


def kernel_module(
    statements: Statements, lanes: int, *, careful: Statements | None = None, contract: bool = True, recorded: int = 0
) -> str:
    """LLVM's text of a function ``kernel(lanes, steps)`` that executes the statements for every lane, every step.

    With so many rows `recorded` it is ``kernel(lanes, steps, history)``, and history has as many for the beginning and
    for every step: read from those before it, written to those after it.

    Where they are not for all lanes, they assign to ``left`` whether a lane is one of the others: these become what
    they were, and the careful statements are executed for them, one after the other.
    """
    module = ir.Module("kernel")
    kinds = [FLOAT.as_pointer(), INTEGER, *[FLOAT.as_pointer()] * bool(recorded)]
    kernel = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "kernel")
    set.add(kernel.attributes, WIDEST)  # llvmlite's own `add` only knows attributes without a value
    array, steps, *history = kernel.args
    arrays = {"lanes": array}
    for one in (array, *history):
        one.add_attribute("noalias")
    builder = ir.IRBuilder(kernel.append_basic_block())

    def of_lane(these: Statements, lane: ir.Value) -> Lowering:
        return Lowering(builder, these.names, ("contract",) if contract else (), arrays=arrays, lane=lane)

    with _counted(builder, steps) as step:
        for one in history:
            row = builder.mul(step, INTEGER(recorded * lanes))
            arrays["before"] = builder.gep(one, [row], inbounds=True)
            arrays["after"] = builder.gep(arrays["before"], [INTEGER(recorded * lanes)], inbounds=True)
        if careful is None:
            with _counted(builder, INTEGER(lanes)) as lane:
                of_lane(statements, lane).execute(statements.parsed)
        else:
            _in_two_loops(builder, lanes, statements, careful, of_lane)
    builder.ret_void()
    return str(module)


def _in_two_loops(
    builder: ir.IRBuilder,
    lanes: int,
    statements: Statements,
    careful: Statements,
    of_lane: Callable[[Statements, ir.Value], Lowering],
) -> None:
    """Statements for all lanes; then, if any is left, what it was before, and the careful statements."""
    with builder.goto_entry_block():
        several, left = builder.alloca(INTEGER), builder.alloca(INTEGER, lanes)
        before = [builder.alloca(FLOAT, lanes) for _ in statements.places]
    builder.store(INTEGER(0), several)
    with _counted(builder, INTEGER(lanes)) as lane:
        lowering = of_lane(statements, lane)
        for row, place in zip(before, statements.places, strict=True):
            builder.store(lowering.value(place), builder.gep(row, [lane], inbounds=True))
        lowering.execute(statements.parsed)
        number = builder.zext(lowering.values["left"], INTEGER)
        builder.store(number, builder.gep(left, [lane], inbounds=True))
        builder.store(builder.or_(builder.load(several), number), several)
    with (
        builder.if_then(builder.trunc(builder.load(several), TRUTH), likely=False),
        _counted(builder, INTEGER(lanes)) as lane,
        builder.if_then(builder.trunc(builder.load(builder.gep(left, [lane], inbounds=True)), TRUTH)),
    ):
        lowering = of_lane(careful, lane)
        for row, place in zip(before, statements.places, strict=True):
            lowering.store(builder.load(builder.gep(row, [lane], inbounds=True)), place)
        lowering.execute(careful.parsed)


@contextmanager
def _counted(builder: ir.IRBuilder, number: ir.Value) -> Iterator[ir.Value]:
    """A loop around what is built meanwhile, with the numbers from 0 to before the number."""
    before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed("<", INTEGER(0), number), body, after)
    builder.position_at_end(body)
    index = builder.phi(INTEGER)
    index.add_incoming(INTEGER(0), before)
    yield index
    following = builder.add(index, INTEGER(1), flags=("nuw", "nsw"))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, number), body, after)
    builder.position_at_end(after)


@cache
def definition(function: FunctionType) -> ast.FunctionDef:
    """A function as it is written."""
    (written,) = ast.parse(inspect.getsource(function)).body
    assert isinstance(written, ast.FunctionDef)
    return written


@dataclass
class Lowering:
    """Instructions at the end of a block, with what names mean: outside of the function, and what was assigned."""

    builder: ir.IRBuilder
    outside: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    arrays: Mapping[str, ir.Value] = field(default_factory=dict)
    lane: ir.Value | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def execute(self, statements: Iterable[ast.stmt]) -> Any:
        """Assign in turn; what is returned."""
        for statement in statements:
            match statement:
                case ast.Assign([ast.Name(name)], expression):
                    self.values[name] = self.value(expression)
                case ast.Assign([ast.Tuple(names)], expression):
                    self.values |= zip(map(ast.unparse, names), self.value(expression), strict=True)
                case ast.Assign([ast.Subscript() as place], expression):
                    self.store(self.value(expression), place)
                case ast.Return(ast.expr() as expression):
                    return self.value(expression)
                case ast.Expr(ast.Constant(str())):
                    pass  # a docstring
                case _:
                    raise KeyError(ast.unparse(statement))
        return None

    def store(self, value: ir.Value, place: ast.Subscript) -> None:
        """Put a value into its place in the lanes."""
        self.builder.store(value, self._place(place))

    def value(self, expression: ast.expr) -> Any:
        """The value of an expression, a tuple of them for a tuple."""
        match expression:
            case ast.Constant(number):
                return constant(number)
            case ast.Name(name):
                return self.values[name] if name in self.values else constant(self.outside[name])
            case ast.Tuple(parts):
                return tuple(map(self.value, parts))
            case ast.Subscript():
                return self.builder.load(self._place(expression))
            case ast.UnaryOp(operator, operand):
                return self._unary(operator, self.value(operand))
            case ast.BinOp(ast.Constant(float() as base), ast.Pow(), ast.Constant(int() as exponent)):
                return constant(base**exponent)
            case ast.BinOp(left, operator, right):
                return self.binary(operator, self.value(left), self.value(right))
            case ast.BoolOp(operator, [first, *others]):
                value = self.value(first)
                for other in others:
                    value = self.binary(operator, value, self.value(other))
                return value
            case ast.Compare(left, [operator], [right]):
                return self.comparison(operator, self.value(left), self.value(right))
            case ast.IfExp(condition, yes, no):
                return self.builder.select(*map(self.value, (condition, yes, no)))
            case ast.Call(ast.Name(name), arguments):
                return self.called(self.outside[name], [*map(self.value, arguments)])
        raise KeyError(ast.unparse(expression))

    def _unary(self, operator: ast.unaryop, operand: Any) -> Any:
        if isinstance(operator, ast.USub):
            return self.builder.fneg(operand) if operand.type == FLOAT else self.builder.neg(operand)
        return self.builder.not_(operand)

    def binary(self, operator: ast.operator | ast.boolop, left: Any, right: Any) -> Any:
        """An operation on two numbers, or truth values."""
        if isinstance(operator, ast.Pow):
            return self.intrinsic("llvm.pow", [left, right])
        if left.type == FLOAT:
            return getattr(self.builder, OF_FLOATS[type(operator)])(left, right, flags=self.flags)
        return getattr(self.builder, OF_BITS[type(operator)])(left, right)

    def comparison(self, operator: ast.cmpop, left: Any, right: Any) -> Any:
        """Of nan only ≠ is true."""
        sign = COMPARISONS[type(operator)]
        if left.type != FLOAT:
            return self.builder.icmp_signed(sign, left, right)
        compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return compare(sign, left, right)

    def called(self, called: Any, arguments: Sequence[Any]) -> Any:
        """What a call gives."""
        match called:
            case Instruction(build):
                return build(self.builder, *arguments)
            case FunctionType():
                written = definition(called)
                names = (argument.arg for argument in written.args.args)
                values = dict(zip(names, arguments, strict=True))
                return Lowering(self.builder, called.__globals__, values=values).execute(written.body)
            case BuiltinFunctionType() if called in INTRINSICS:
                return self.intrinsic(INTRINSICS[called], arguments)
            case BuiltinFunctionType():
                return library(self.builder, called.__name__, FLOAT, *arguments)
        raise KeyError(called)

    def intrinsic(self, name: str, arguments: Sequence[Any]) -> Any:
        """What an instruction of floats gives."""
        return self.builder.call(self.builder.module.declare_intrinsic(name, [FLOAT]), arguments)

    def _place(self, subscript: ast.Subscript) -> Any:
        """The address of ``lanes[K + lane]``, or of such a place in another array."""
        match subscript:
            case ast.Subscript(ast.Name(array), ast.BinOp(ast.Constant(int() as row), ast.Add(), ast.Name("lane"))):
                index = self.builder.add(self.lane, INTEGER(row), flags=("nuw", "nsw"))
                return self.builder.gep(self.arrays[array], [index], inbounds=True)
        raise KeyError(ast.unparse(subscript))


def constant(number: Any) -> ir.Constant:
    """The number as it stands: an integer is none of the floats."""
    kinds = {bool: TRUTH, int: INTEGER, float: FLOAT}
    return ir.Constant(kinds[type(number)], number)


def library(builder: ir.IRBuilder, name: str, kind: ir.Type, *arguments: ir.Value) -> Any:
    """A call of a function of C's library."""
    known = builder.module.globals.get(name)
    types = ir.FunctionType(kind, [argument.type for argument in arguments])
    return builder.call(known or ir.Function(builder.module, types, name), arguments)
