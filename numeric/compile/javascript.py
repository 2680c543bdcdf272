"""Programs as JavaScript, for a page that computes with the formulas of this program.

A straight-line program becomes an arrow function of its arguments that returns the array of its results,

    x − η x y² (x²y² − 1)        (v0, v1, v2) => {const t0 = v0*v1; …; return [v0 - t5];}

Numbers of JavaScript are float64, and every operation is rounded once, as in NumPy. So programs of sums, products,
quotients and square roots give the same bits as `numeric.compile.function`; exponentials and the like, of which every
browser has its own, are within a few units in the last place of each other.

What ``Math`` lacks is written here: `heaviside` and `logaddexp` as in NumPy, and `lambertw(z, branch)`, the real
branches 0 and −1 of Lambert's W, by Halley's iteration from the series at the branch point −1/e or from the asymptotic
one :cite:p:`corless1996lambertw`.

Errors: `UnprintableError` (`numeric.compile.printers`) for functions that neither has.
"""

from __future__ import annotations

from collections.abc import Mapping

from numeric.compile.printers import JavaScriptPrinter
from numeric.compile.program import Program

FUNCTIONS = {
    "heaviside": """
const heaviside = (x, atZero) => (x > 0 ? 1 : x < 0 ? 0 : x === 0 ? atZero : NaN);
""",
    "logaddexp": """
const logaddexp = (x, y) => (x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y))));
""",
    "lambertw": """
const lambertw = (z, branch = 0) => {
  if (z === 0) return branch ? -Infinity : z;
  const above = Math.E * z + 1; // the branch point
  if (!(above > -1e-15) || (branch && z > 0)) return NaN;
  const p = (branch ? -1 : 1) * Math.sqrt(2 * Math.max(above, 0));
  let w = -1 + p - p ** 2 / 3 + (11 * p ** 3) / 72;
  if (above > 1 || (branch && above > 0.5)) {
    const first = Math.log(Math.abs(z));
    const second = branch || z > Math.E ? Math.log(Math.abs(first)) : 0;
    w = branch || z > Math.E ? first - second + second / first : Math.log1p(z);
  }
  for (let turn = 0; turn < 50; turn++) {
    const size = Math.exp(w);
    const miss = w * size - z;
    const change = miss / (size * (w + 1) - ((w + 2) * miss) / (2 * w + 2));
    if (!Number.isFinite(change)) return w;
    w -= change;
    if (Math.abs(change) <= 1e-15 * Math.abs(w)) return w;
  }
  return w;
};
""",
}


def print_function(program: Program) -> str:
    """The program as a function."""
    printer = JavaScriptPrinter()
    arguments = ", ".join(map(str, program.arguments))
    lines = [f"const {symbol} = {printer.printed(operation)};" for symbol, operation in program.assignments]
    results = ", ".join(printer.printed(result) for result in program.results)
    return f"({arguments}) => {{{' '.join(lines)} return [{results}];}}"


def print_functions(programs: Mapping[str, Program]) -> str:
    """The programs as an object of functions by these names, with what they call that ``Math`` lacks."""
    written = ",\n".join(f"{name}: {print_function(program)}" for name, program in programs.items())
    called = [text.strip() for name, text in FUNCTIONS.items() if f"{name}(" in written]
    return "\n".join(["(() => {", *called, f"return {{\n{written}\n}};", "})()"])
