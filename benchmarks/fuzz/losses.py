"""Random problems: a loss as text, its weights, a rule, and values for the rule's parameters.

Five kinds of loss, of one or two weights with small coefficients:

    polynomial      of even degree, with positive pure powers most of the time
    squares         sums of squares of polynomials of low degree
    exponential     sums of exponentials of linear forms and squares, logistic losses, wells 1 − exp(−q)
    activation      (a φ(w) − t)²/2 and (φ(k x) − t)²/2 for an activation φ
    degenerate      higher even powers, products, functions of such, whose minima are flat or cross

each of which may be scaled by powers of 10 and moved by a constant.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eos_sym import parse
from eos_sym.reading import declare

ACTIVATIONS = (
    "tanh({0})", "1/(1 + exp(-{0}))", "log(1 + exp({0}))", "sin({0})", "atan({0})", "exp({0})", "({0})**2",
    "({0})/(1 + exp(-{0}))", "({0})/sqrt(1 + ({0})**2)", "({0})**3",
)  # fmt: skip
RULES = ("gradient_descent", "gradient_descent", "heavy_ball", "nesterov", "sam_unnormalized", "normalized_gd")
STEP_SIZES = ("1/100", "1/10", "1/3", "1", "3/2", "5/2")


@dataclass(frozen=True)
class RandomProblem:
    """What is typed: a loss, its weights, a rule, and values."""

    loss: str
    weights: tuple[str, ...]
    rule: str
    at: Mapping[str, str]

    def __str__(self) -> str:
        values = " ".join(f"{name}={value}" for name, value in self.at.items())
        return f'"{self.loss}" --weights {" ".join(self.weights)} --rule {self.rule} --at {values}'


def random_problem(seed: int, number: int) -> RandomProblem:
    """The problem of this number, the same one whenever it is asked for."""
    draw = random.Random(f"{seed} {number}")
    weights: tuple[str, ...] = ()
    while not weights:  # they may cancel
        named = draw.choice((("x",), ("x", "y"), ("x", "y")))
        loss = draw.choice(KINDS)(draw, named)
        weights = tuple(sorted(symbol.name for symbol in parse(loss, map(declare, named)).free_symbols))
    if draw.random() < 0.2:
        loss = draw.choice(("10*({0})", "1000*({0})", "({0})/10", "({0})/1000")).format(loss)
    if draw.random() < 0.1:
        loss = f"{loss} + {draw.choice((1, 3, 100000))}"
    rule = draw.choice(RULES)
    at = {"eta": draw.choice(STEP_SIZES)}
    if rule in ("heavy_ball", "nesterov"):
        at["momentum"] = draw.choice(("1/2", "9/10"))
    if rule == "sam_unnormalized":
        at["rho"] = draw.choice(("1/20", "1/2"))
    return RandomProblem(loss, weights, rule, at)


def _coefficient(draw: random.Random) -> str:
    return draw.choice(("1", "2", "3", "-1", "-2", "1/2", "-1/2", "0.3", "5"))


def _linear(draw: random.Random, weights: tuple[str, ...]) -> str:
    terms = [f"({_coefficient(draw)})*{name}" for name in weights]
    return " + ".join([*terms, f"({_coefficient(draw)})"] if draw.random() < 0.7 else terms)


def _low_polynomial(draw: random.Random, weights: tuple[str, ...]) -> str:
    first, last = weights[0], weights[-1]
    term = draw.choice((f"{first}*{last}", f"{first}**2", f"{last}", f"{first}**2*{last}", f"{first}**3"))
    return f"({_coefficient(draw)})*{term} + {_linear(draw, weights)}"


def _polynomial(draw: random.Random, weights: tuple[str, ...]) -> str:
    degree = draw.choice((2, 4, 4, 6))
    pure = [f"{draw.choice(('1', '1', '2', '1/4', '-1'))}*{name}**{degree}" for name in weights]
    lower = [
        f"({_coefficient(draw)})*" + "*".join(f"{name}**{draw.randint(0, degree // 2)}" for name in weights)
        for _ in range(draw.randint(0, 3))
    ]
    return " + ".join(f"({term})" for term in (*pure, *lower))


def _squares(draw: random.Random, weights: tuple[str, ...]) -> str:
    count = draw.choice((1, 2, 2, 3))
    return " + ".join(f"({_low_polynomial(draw, weights)})**2" for _ in range(count)) + _touch(draw, weights)


def _touch(draw: random.Random, weights: tuple[str, ...]) -> str:
    return f" + {weights[-1]}**2/10" if draw.random() < 0.2 else ""


def _exponential(draw: random.Random, weights: tuple[str, ...]) -> str:
    squares = " + ".join(f"{name}**2" for name in weights)
    form = draw.choice(("exp({0}) + exp({1})", "log(1 + exp({0}))", "log(1 + exp({0})) + log(1 + exp({1}))"))
    sum_of = form.format(_linear(draw, weights), _linear(draw, weights))
    well = f"1 - exp(-{squares.replace(' + ', ' - ')})"
    return draw.choice((f"{sum_of} + ({squares})/10", sum_of, well, f"exp({squares})"))


def _activation(draw: random.Random, weights: tuple[str, ...]) -> str:
    target = draw.choice(("1/2", "1", "0", "-1/3", "2"))
    inner = draw.choice(("{0}", "2*{0}", "10*{0}", "{0} - 1")).format(weights[-1])
    unit = draw.choice(ACTIVATIONS).format(inner)
    outer = f"{weights[0]}*" if len(weights) == 2 else ""
    return f"({outer}{unit} - ({target}))**2/2"


def _degenerate(draw: random.Random, weights: tuple[str, ...]) -> str:
    first, last = weights[0], weights[-1]
    return draw.choice(
        (
            f"{first}**4/4 + {last}**2/2", f"({first}*{last})**2/2", f"({first} - 1)**4 + {last}**6",
            f"({first}**2*{last} - 1)**4", f"log(cosh({first}*{last} - 1))", f"({first}**2 - {last}**2)**2/4",
            f"({first}**2 + {last}**2 - 1)**2/4", f"({first}**2 + {last}**2)**2", f"sqrt(1 + ({first}*{last})**2)",
            f"(1 + {first}**2)*{last}**2/2", f"1 - cos({first}) + {last}**2", f"({first} + {last})**4",
        )
    )  # fmt: skip


KINDS: tuple[Callable[[random.Random, tuple[str, ...]], str], ...] = (
    _polynomial, _squares, _exponential, _activation, _degenerate,
)  # fmt: skip
