"""Kernels: a straight-line program as machine code that advances 64 runs by many steps.

The runs of a kernel are *lanes*: coordinate i of lane l stands at lanes[64 i + l], the parameters follow the
coordinates. Steps are outside, lanes inside, and the number of lanes is a constant, so that LLVM computes several lanes
with one instruction, keeps enough of them under way to hide the latency of each operation, and finds all of them in the
first-level cache. Products and sums are contracted to fused multiply-adds, which round once; nothing else that would
change values is allowed: infinities, nan, signed zeros and denormal numbers are what they are in NumPy.

exp, log, sinh, cosh, tanh, sin, cos and tan are those of `numeric.compile.functions` if the processor can do them. Of
angles beyond 2³⁰ they are not: the lanes that need one are advanced after the others, with the C library's.

A *watching* kernel has one more row, to which every step adds the squares of the new coordinates. While it is less than
bound², none of them has exceeded the bound or been no number: sums of squares that are rounded do not decrease.

A *recording* kernel leaves the coordinates in the lanes alone: it reads them from the first part of a history (steps +
1, `history_rows`, 64), and writes those after every step to the next. There are an odd number of rows, because lines
whose addresses agree in their last bits, as those of eight rows would, drive each other from the cache.

A kernel is printed as the assignments of one lane (`numeric.compile.lowering`), of which LLVM makes machine code in a
few hundredths of a second (`numeric.compile.machine`).

Errors: `UnprintableError` (`numeric.compile.printers`) for a program with a function that kernels do not know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from llvmlite import ir
from sympy import cos, sin, tan

from numeric.compile import functions, scalars
from numeric.compile.function import CompiledFunction
from numeric.compile.lowering import INTEGER, Instruction, Statements, kernel_module
from numeric.compile.machine import MachineCode, has_fused_multiply_adds, machine_code
from numeric.compile.printers import ScalarPrinter
from numeric.compile.program import Program

LANES = 64
REMEMBERED = 256


def _advance(builder: ir.IRBuilder, kernel: Any, lanes: Any, steps: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [lanes.address.type, INTEGER])
    builder.call(builder.inttoptr(kernel, kind.as_pointer()), [lanes.address, steps])


def _record(builder: ir.IRBuilder, kernel: Any, lanes: Any, steps: Any, history: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [lanes.address.type, INTEGER, history.address.type])
    builder.call(builder.inttoptr(kernel, kind.as_pointer()), [lanes.address, steps, history.address])


# In a procedure: let the kernel at an address do so many steps of its lanes; or a recording one, with its history.
advance: Instruction[None] = Instruction(_advance)
advance_recorded: Instruction[None] = Instruction(_record)


def history_rows(coordinates: int) -> int:
    """How many rows there are in a part of a history for so many coordinates: as many, or one more."""
    return coordinates // 2 * 2 + 1


def print_kernel(program: Program, *, watching: bool, recording: bool = False) -> list[str]:
    """The assignments of a kernel of a program that gives the new values of its first arguments."""
    printer = ScalarPrinter()
    results = [printer.printed(result) for result in program.results]
    before, after = ("before", "after") if recording else ("lanes", "lanes")
    lines = [
        f"{symbol} = {before if index < len(results) else 'lanes'}[{LANES * index} + lane]"
        for index, symbol in enumerate(program.arguments)
    ]
    lines += [f"{symbol} = {printer.printed(operation)}" for symbol, operation in program.assignments]
    lines += [f"{after}[{LANES * index} + lane] = {result}" for index, result in enumerate(results)]
    if watching:
        watch = f"lanes[{LANES * len(program.arguments)} + lane]"
        lines.append(f"{watch} = {' + '.join([watch, *(f'{result} * {result}' for result in results)])}")
    return lines


def compile_program(program: Program, *, watching: bool, recording: bool = False, contract: bool = True) -> MachineCode:
    """The kernel of a program, from the cache if it is."""
    text = module_text(program, watching=watching, recording=recording, contract=contract)
    return machine_code(text, "kernel")


def module_text(program: Program, *, watching: bool, recording: bool = False, contract: bool = True) -> str:
    """The kernel of a program for LLVM, with the functions that this processor can do."""
    lines = print_kernel(program, watching=watching, recording=recording)
    statements, careful = Statements(lines, vars(scalars)), None
    if has_fused_multiply_adds():
        left = _angles_too_large(program)
        careful = statements if left else None
        statements = Statements([*lines, *left], {**vars(scalars), **vars(functions)})
    recorded = history_rows(len(program.results)) if recording else 0
    return kernel_module(statements, LANES, careful=careful, contract=contract, recorded=recorded)


def _angles_too_large(program: Program) -> list[str]:
    """The assignment to ``left``, if there are angles, of whether one is too large for `numeric.compile.functions`."""
    angles = {part.args[0]: None for _, value in program.assignments for part in value.atoms(sin, cos, tan)}
    sizes = [f"fabs({ScalarPrinter().printed(angle)})" for angle in angles]
    conditions = [f"((LARGEST < {size}) & ({size} < inf))" for size in sizes]
    return [f"left = {' | '.join(conditions)}"] if conditions else []


@lru_cache(maxsize=REMEMBERED)
def compile_kernel(function: CompiledFunction, *, watching: bool, recording: bool = False) -> MachineCode:
    """The kernel of a step, a function of state and parameters that gives the new state."""
    return compile_program(function.program, watching=watching, recording=recording)
