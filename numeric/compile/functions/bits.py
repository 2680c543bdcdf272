"""The bits of numbers, and single instructions for them that Python lacks; for `numeric.compile.lowering`.

A float is ±2ᵉ m with 1 ≤ m < 2: a bit for the sign, 11 for e + 1023, and 52 for m − 1. Adding 2⁵² + 2⁵¹ to a number
below 2⁵¹ rounds it to a whole one, which the last bits of the sum then are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from llvmlite import ir

from numeric.compile.lowering import FLOAT, INTEGER, Instruction

ROUNDING = 2.0**52 + 2.0**51
BIASED = ROUNDING + 1023.0
SIGN = -(2**63)


def _copysign(builder: ir.IRBuilder, size: ir.Value, sign: ir.Value) -> ir.Value:
    kind = ir.FunctionType(FLOAT, [FLOAT, FLOAT])
    return builder.call(builder.module.declare_intrinsic("llvm.copysign", [FLOAT], kind), [size, sign])


fused: Instruction[float] = Instruction(ir.IRBuilder.fma)  # first · second + third, rounded once
with_sign: Instruction[float] = Instruction(_copysign)  # the size of the first number, the sign of the second
bits_of: Instruction[int] = Instruction(lambda builder, number: builder.bitcast(number, INTEGER))
of_bits: Instruction[float] = Instruction(lambda builder, bits: builder.bitcast(bits, FLOAT))
first_bits: Instruction[int] = Instruction(lambda builder, bits: builder.lshr(bits, INTEGER(52)))  # 12 of them


def polynomial(coefficients: Sequence[float]) -> Instruction[float]:
    """The polynomial with these coefficients, from the constant on, in fused multiply-adds.

    By Estrin's scheme, (c₀ + c₁x) + (c₂ + c₃x) x² + …, and again in x²: Horner's rule waits for every operation.
    """

    def evaluate(builder: ir.IRBuilder, power: ir.Value) -> ir.Value:
        terms: list[ir.Value] = [FLOAT(coefficient) for coefficient in coefficients]
        while len(terms) > 1:
            pairs = [builder.fma(above, power, below) for below, above in pairwise(terms)][::2]
            terms = pairs + terms[2 * len(pairs) :]
            power = builder.fmul(power, power)
        return terms[0]

    return Instruction(evaluate)


def power_of_two(exponent: float) -> float:
    """2ⁿ for a whole number −1022 ≤ n ≤ 1023; infinite for 1024."""
    return of_bits(bits_of(exponent + BIASED) << 52)


def quotient(first: float, first_rest: float, second: float, second_rest: float) -> float:
    """The quotient of two sums of two floats each, of which the second is small, from one division and its residual."""
    numerator, denominator = first + first_rest, second + second_rest
    numerator_rest = (first - numerator) + first_rest
    denominator_rest = (second - denominator) + second_rest
    inverse = 1.0 / denominator
    value = numerator * inverse
    residual = fused(-value, denominator, numerator) + fused(-value, denominator_rest, numerator_rest)
    return fused(residual, inverse, value)
