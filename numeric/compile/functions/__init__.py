"""Transcendental functions of which LLVM computes several at once, in the loop over the lanes of a kernel.

A call of the C library's functions takes 5 to 25 ns, one after the other, and keeps the whole loop from being
vectorized. Those here are written in the part of Python that `numeric.compile.lowering` puts into kernels, without
branches, of the operations of `bits`. They round as IEEE 754 says, so they give the same bits on every processor that
has fused multiply-adds. Where there are none, which `numeric.compile.machine` finds out, kernels keep the C library:
a fused multiply-add in software takes twenty times as long.

Sources: :cite:t:`muller2016elementary`; `numeric.compile.functions.minimax` for the coefficients.
"""

from numeric.compile.functions.exponential import exp
from numeric.compile.functions.hyperbolic import cosh, sinh, tanh
from numeric.compile.functions.logarithm import log, logaddexp
from numeric.compile.functions.trigonometric import LARGEST, cos, sin, tan

__all__ = ["LARGEST", "cos", "cosh", "exp", "log", "logaddexp", "sin", "sinh", "tan", "tanh"]
