"""The problem that a user typed: a loss, rules, values of parameters, and points, all exact and checked.

Every name in the loss that is neither a weight nor a function or constant of the language is a parameter, real, and
positive where that is said. A rule brings its own parameters, such as the step size ``eta``, and state variables, such
as velocities, which start at 0.

Errors: `BadInput` for whatever of this does not fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sympy import Expr, Pow, Rational, Symbol, acos, acosh, asin, atanh, pi, sstr, tan

from analysis.study.arguments import assignments, number
from eos_sym import BadInput, Map, Objective, Undecided
from eos_sym.algebra import is_positive_everywhere, point_where_positive
from eos_sym.reading import names_in
from eos_sym.reasons import brief
from eos_sym.rules import MOMENTUM, RULES

Point = Mapping[Symbol, Rational]
POSITIVE_FOR: dict[Any, Callable[[Expr], tuple[Expr, ...]]] = {  # what has to be positive for f(u) to be smooth
    acosh: lambda u: (u - 1,),
    **dict.fromkeys((asin, acos, atanh), lambda u: (1 - u, 1 + u)),
    tan: lambda u: (pi / 2 - u, pi / 2 + u),
}
TAU = Rational(1, 100)  # directions with η|λ| well below it count as slow


@dataclass(frozen=True)
class Problem:
    """The objective, the names of the rules, the values given, where to look and to start, and τ of the edge law."""

    objective: Objective
    rules: tuple[str, ...]
    at: Point
    near: Point | None
    start: Point | None
    tau: Rational = TAU

    @cached_property
    def maps(self) -> dict[str, Map]:
        """The map of every rule."""
        return {name: RULES[name].map(self.objective) for name in self.rules}

    @cached_property
    def with_values(self) -> Problem:
        """The same with what is given of the loss's own parameters put in."""
        given = {symbol: self.at[symbol] for symbol in self.objective.parameters if symbol in self.at}
        if not given:
            return self
        left = tuple(symbol for symbol in self.objective.parameters if symbol not in given)
        objective = Objective(self.objective.name, self.objective.loss.subs(given), self.objective.weights, left)
        return replace(self, objective=objective)

    def values(self, parameters: Sequence[Symbol], purpose: str) -> dict[Symbol, Rational]:
        """The values of the parameters, all of which the purpose needs."""
        missing = [symbol.name for symbol in parameters if symbol not in self.at]
        if missing:
            wanted = " ".join(f"{name}=VALUE" for name in missing)
            raise BadInput(f"{', '.join(missing)}: without a value, which {purpose} needs; add --at {wanted}")
        return {symbol: self.at[symbol] for symbol in parameters}


def read_problem(
    loss: str,
    weights: Sequence[str],
    rules: Sequence[str],
    at: Sequence[str],
    near: Sequence[str],
    start: Sequence[str],
    positive: Sequence[str] = (),
) -> Problem:
    """The problem of the texts on the command line."""
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown or not rules or len(set(rules)) < len(rules):
        raise BadInput(f"--rule {' '.join(rules)}: give one or more, each once, of {', '.join(RULES)}")
    if not weights:
        raise BadInput("--weights: the loss has no weights; name at least one of the symbols in it")
    parameters = [name for name in names_in(loss) if name not in weights]
    for name in positive:
        if name not in parameters:
            raise BadInput(f"--positive {name}: no parameter of the loss, which has {', '.join(parameters) or 'none'}")
    objective = Objective.from_text(loss, weights, parameters, name="the loss", positive=positive)
    problem = Problem(
        objective, tuple(rules), {}, _point("--near", near, objective), _point("--start", start, objective)
    )
    _check_names(problem)
    values = _values(problem, at)
    return Problem(objective, problem.rules, values, problem.near, problem.start)


def _point(option: str, texts: Sequence[str], objective: Objective) -> dict[Symbol, Rational] | None:
    if not texts:
        return None
    given = assignments(option, texts, [weight.name for weight in objective.weights])
    return {weight: Rational(given[weight.name]) for weight in objective.weights}


def _values(problem: Problem, texts: Sequence[str]) -> dict[Symbol, Rational]:
    """The values of --at; a parameter without one stays a symbol."""
    symbols = {symbol.name: symbol for dynamics in problem.maps.values() for symbol in dynamics.parameters}
    values: dict[Symbol, Rational] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        known = ", ".join(symbols)
        if not equals or name not in symbols:
            raise BadInput(f"--at {text}: write NAME=VALUE with a parameter of the loss or the rule: {known}")
        if symbols[name] in values:
            raise BadInput(f"--at {text}: {name} is given twice; give each value once")
        try:
            values[symbols[name]] = Rational(number(value))
        except ValueError as error:
            raise BadInput(f"--at {text}: {error}") from error
        if symbols[name].is_positive and values[symbols[name]] <= 0:
            raise BadInput(f"--at {text}: {name} must be positive")
        if symbols[name] == MOMENTUM and values[MOMENTUM] >= 1:
            raise BadInput(f"--at {text}: the momentum coefficient must be below 1")
    return values


def _check_names(problem: Problem) -> None:
    """Refuse a loss that uses a name of the rule, such as eta."""
    weights, parameters = problem.objective.weights, problem.objective.parameters
    taken = {symbol.name for symbol in (*weights, *parameters)}
    for rule in problem.rules:
        alone = [RULES[rule].map(Objective("alone", weight**2, (weight,))) for weight in weights]
        own = {symbol.name for dynamics in alone for symbol in (*dynamics.state[1:], *dynamics.parameters)}
        if clash := sorted(taken & own):
            raise BadInput(f"{', '.join(clash)}: in the loss, but the name of a variable of {rule}; rename it")


def refusal(problem: Problem) -> BadInput | None:
    """Of poles, and losses that are not defined on an open set, as far as the parameters with values tell."""
    objective = problem.objective
    domain = [condition.subs(problem.at) for condition in objective.domain]
    with suppress(Undecided):
        if point_where_positive(domain, objective.weights) is None:
            return BadInput(f"the loss is defined nowhere: {brief(domain)} would have to be positive")
    weights = {*objective.weights}
    for part in sorted(objective.loss.subs(problem.at).atoms(Pow, *POSITIVE_FOR), key=str):
        if part.free_symbols & weights and part.free_symbols <= weights and not _is_defined(part):
            return BadInput(
                f"{sstr(part)}: not known to be defined and continuous for all weights; write the loss so that it is "
                "defined everywhere, for example with exp(u) or 1 + u**2 for what has to be positive"
            )
    return None


def _is_defined(part: Expr) -> bool:
    if isinstance(part, Pow):
        if part.exp.is_nonnegative and (part.exp.is_integer or part.base.is_nonnegative):
            return True
        signs = (part.base, -part.base) if part.exp.is_integer else (part.base,)
        return bool(part.base.is_nonzero and part.exp.is_integer) or any(map(is_positive_everywhere, signs))
    return all(map(is_positive_everywhere, POSITIVE_FOR[part.func](part.args[0])))
