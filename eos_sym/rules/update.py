"""The formula of a rule, written once for all weights: what becomes of θ and of the rule's own variables in one step.

    heavy ball    g = ∇L(θ),                            v' = βv − ηg,   θ' = θ + v'
    Nesterov      g = ∇L(θ + βv),                       v' = βv − ηg,   θ' = θ + v'
    SAM           g = ∇L(θ),   u = ∇L(θ + ρg/‖g‖),      θ' = θ − ηu

θ, the gradients and the own variables are vectors with a component for every weight, and stand here as one symbol each;
a function of them is taken component by component. `GradientAt(point)` is ∇L there, `LossAt(point)` is L, and
`Norm(vector)` is ‖·‖. The own variables start at 0. From the formula follow

    on(objective)   the map of one step on a loss, every vector spelled out weight by weight
    conjugate       the same rule in other coordinates: by the points where Nesterov takes its gradient, say
    assignments     the step as one assignment after the other, as the optimizer of a network takes it

Errors: `BadInput` for a formula with undeclared symbols, for own variables that have the name of a weight or parameter
of the loss, for a gradient at a point that jumps at kinks, and for a change of coordinates that is not inverted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sympy import Add, Expr, Function, Symbol, expand, factor_terms, simplify, solve, sqrt
from sympy.printing.latex import LatexPrinter

from eos_sym.errors import BadInput
from eos_sym.losses import Objective
from eos_sym.rules.map import Map


class GradientAt(Function):  # type: ignore[misc]  # SymPy has no types
    """∇L at a point, of a loss without a formula."""

    is_real = True

    def _latex(self, printer: LatexPrinter, exp: str | None = None) -> str:
        return _raised(rf"\nabla L\left({printer.doprint(self.args[0])}\right)", exp)


class LossAt(Function):  # type: ignore[misc]
    """L at a point, of a loss without a formula."""

    is_positive = True

    def fdiff(self, argindex: int = 1) -> Expr:
        """Its derivative, the gradient."""
        return GradientAt(self.args[argindex - 1])

    def _latex(self, printer: LatexPrinter, exp: str | None = None) -> str:
        return _raised(rf"L\left({printer.doprint(self.args[0])}\right)", exp)


class Norm(Function):  # type: ignore[misc]
    """The Euclidean norm of a vector."""

    is_nonnegative = True

    def _latex(self, printer: LatexPrinter, exp: str | None = None) -> str:
        return _raised(rf"\left\|{printer.doprint(self.args[0])}\right\|", exp)


THETA = Symbol("theta", real=True)
GRADIENT = Symbol("g", real=True)
AT_THETA: Mapping[Symbol, Expr] = MappingProxyType({GRADIENT: GradientAt(THETA)})

_Components = list[dict[Symbol, Expr]]  # of every vector, one dictionary a weight


@dataclass(frozen=True)
class Update:
    """One step: new values of θ and of the own variables, in terms of old values, gradients and parameters.

    `gradients` are named in the order they are taken in, each in terms of those before it. `numbers` are own variables
    that are one number and no vector, such as a count of steps; `scales` are parameters with a value for every weight.
    """

    step: Mapping[Symbol, Expr]
    parameters: tuple[Symbol, ...]
    gradients: Mapping[Symbol, Expr] = field(default_factory=lambda: AT_THETA)
    numbers: tuple[Symbol, ...] = ()
    scales: tuple[Symbol, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a formula that does not move θ, or that uses undeclared symbols."""
        if THETA not in self.step:
            raise BadInput("the formula does not say what becomes of theta")
        known = {*self.step, *self.parameters, *self.scales}
        for name, expression in (*self.gradients.items(), *self.step.items()):
            unknown = sorted(str(symbol) for symbol in expression.free_symbols - known - {*self.gradients})
            if unknown:
                raise BadInput(f"{', '.join(unknown)}: in the formula of {name}, but neither state nor parameter")

    @property
    def own(self) -> tuple[Symbol, ...]:
        """The vectors of the rule besides θ."""
        return tuple(name for name in self.step if name != THETA and name not in self.numbers)

    def on(self, objective: Objective) -> Map:
        """The map of one step on the objective: the weights, then the own vectors, then the own numbers."""
        components: _Components = [
            {THETA: weight}
            | {name: Symbol(f"{name.name}_{weight.name}", real=True) for name in self.own}
            | {name: Symbol(f"{name.name}_{weight.name}", positive=True) for name in self.scales}
            for weight in objective.weights
        ]
        vectors = [THETA, *self.own]
        state = [*(values[name] for name in vectors for values in components), *self.numbers]
        shared = sorted({symbol.name for symbol in state[len(components) :]} & _names(objective))
        if shared:
            raise BadInput(f"{', '.join(shared)}: a variable of the rule and of the loss; give the loss another name")
        for name, expression in self.gradients.items():
            for values, component in zip(components, _spelled(expression, components, objective), strict=True):
                values[name] = component
        step = [part for name in vectors for part in _spelled(self.step[name], components, objective)]
        step += [_spelled(self.step[name], components, objective)[0] for name in self.numbers]
        scales = [values[name] for name in self.scales for values in components]
        return Map(tuple(state), (*objective.parameters, *self.parameters, *scales), tuple(step))

    def conjugate(self, forward: Mapping[Symbol, Expr], inverse: Mapping[Symbol, Expr]) -> Update:
        """The rule in the coordinates new = forward(old), given old = inverse(new); those not named stay as they are.

        That inverse∘forward is the identity is checked, so the two move alike.
        """
        for name, expression in inverse.items():
            returned = simplify(expression.subs(forward, simultaneous=True))
            if returned != name:
                raise BadInput(f"the change of variables is not inverted: {name} comes back as {returned}")
        kept = {name: name for name in self.step if name not in inverse}
        coordinates = {name: forward.get(name, name) for name in (*forward, *kept)}
        step = {
            name: expand(expression.xreplace(dict(self.step)).xreplace(dict(inverse)))
            for name, expression in coordinates.items()
        }
        gradients = {name: expression.xreplace(dict(inverse)) for name, expression in self.gradients.items()}
        return Update(step, self.parameters, gradients, self.numbers, self.scales)

    def assignments(self) -> tuple[tuple[Symbol, Symbol, Expr], ...]:
        """(variable, its new value's name, expression) in the order to assign: the numbers, the own vectors, θ.

        A later expression has the new value of an earlier variable, with a prime to its name, for the old one, wherever
        that can be done: so the old one can mostly be written over.
        """
        found: list[tuple[Symbol, Symbol, Expr]] = []
        for name in (*self.numbers, *self.own, THETA):
            expression = self.step[name]
            for earlier, primed, assigned in found:
                expression = _with_new_value(expression, earlier, primed, assigned)
            found.append((name, Symbol(f"{name.name}'", **name.assumptions0), expression))
        return tuple(found)


def _with_new_value(expression: Expr, name: Symbol, primed: Symbol, assigned: Expr) -> Expr:
    """The expression in terms of name' = assigned instead of name, if it is found there or name' is linear in name."""
    if assigned.is_Symbol:
        return expression  # it is there already
    expression = expression.xreplace({assigned: primed})
    if name not in expression.free_symbols or not assigned.is_polynomial(name):
        return expression
    solutions = solve(assigned - primed, name)
    if len(solutions) != 1:
        return expression
    rest, dependent = expand(expression.subs(name, solutions[0])).as_independent(THETA, as_Add=True)
    return Add(factor_terms(rest), dependent)


def _raised(latex: str, exponent: str | None) -> str:
    return latex if exponent is None else rf"{latex}^{{{exponent}}}"


def _names(objective: Objective) -> set[str]:
    return {symbol.name for symbol in (*objective.weights, *objective.parameters)}


def _spelled(expression: Expr, components: _Components, objective: Objective) -> list[Expr]:
    """The components of the expression on the objective."""
    parts: dict[Expr, Sequence[Expr]] = {}
    for node in expression.atoms(GradientAt, LossAt, Norm):
        inner = _spelled(node.args[0], components, objective)
        if isinstance(node, Norm):
            parts[node] = [sqrt(sum(part**2 for part in inner))] * len(inner)
            continue
        there = dict(zip(objective.weights, inner, strict=True))
        if isinstance(node, LossAt):
            parts[node] = [objective.loss.subs(there, simultaneous=True)] * len(inner)
        else:
            try:
                parts[node] = list(objective.gradient.subs(there, simultaneous=True))
            except ValueError as error:  # SymPy compares no function by cases that has gaps
                raise BadInput(
                    "the rule takes the gradient at a point that jumps where the gradient does; choose another rule, "
                    "or a loss without kinks, such as softplus for relu"
                ) from error
    return [
        expression.xreplace(values | {node: part[index] for node, part in parts.items()})
        for index, values in enumerate(components)
    ]
