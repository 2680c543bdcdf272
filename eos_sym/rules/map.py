"""A map F(state; parameters): one step of an optimizer, as exact expressions.

    jacobian        DF
    iterate(k)      F∘…∘F, k times
    after(q)        q∘F, the value of a quantity after one step
    restrict        F on an invariant subspace, after proving that F keeps it
    cofactor(q)     c with q∘F = c·q, found by exact division: q is conserved if c = 1, |q| falls wherever |c| < 1
    conjugate       h∘F∘h⁻¹, the same map in other coordinates
    semiconjugate   G with h∘F = G∘h, for coordinates h that several states share, found by elimination

Errors: `BadInput` where the arguments do not fit the map; `Undecided` where no exact answer of the wanted form exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import (
    QQ,
    Expr,
    ImmutableMatrix,
    Integer,
    Poly,
    Symbol,
    div,
    expand,
    factor,
    groebner,
    simplify,
    sqrt,
)

from eos_sym.algebra import derivative, vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import aligned


@dataclass(frozen=True)
class Map:
    """One step of a discrete dynamical system; `step[i]` is the new value of `state[i]`."""

    state: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...]
    step: tuple[Expr, ...]

    def __post_init__(self) -> None:
        """Refuse a step that does not say what becomes of every state variable, or uses undeclared symbols."""
        if len(self.step) != len(self.state) or not self.state:
            raise BadInput(f"a map of {len(self.state)} state variables has {len(self.step)} steps; give one for each")
        used = set().union(*(expression.free_symbols for expression in self.step))
        unknown = sorted(str(symbol) for symbol in used - {*self.state, *self.parameters})
        if unknown:
            raise BadInput(f"{', '.join(unknown)}: in the step, but neither state nor parameter; declare it")

    @cached_property
    def substitution(self) -> dict[Symbol, Expr]:
        """{state variable: its value after one step}, for simultaneous substitution."""
        return dict(zip(self.state, self.step, strict=True))

    @cached_property
    def jacobian(self) -> ImmutableMatrix:
        """DF, the n × n matrix of ∂ step[i] / ∂ state[j]."""
        size = len(self.state)
        return ImmutableMatrix(size, size, [derivative(new, name) for new in self.step for name in self.state])

    def after(self, quantity: Expr) -> Expr:
        """The value of the quantity after one step."""
        try:
            return quantity.subs(self.substitution, simultaneous=True)
        except ValueError as error:  # SymPy compares no function by cases that has gaps
            raise Undecided("the map jumps at kinks: what comes after it has no formula in one piece") from error

    def iterate(self, count: int) -> Map:
        """The map of `count` steps, composed but not expanded."""
        if count < 1:
            raise BadInput(f"count = {count}: a map is iterated once or more")
        step = self.step
        for _ in range(count - 1):
            step = tuple(self.after(expression) for expression in step)
        return Map(self.state, self.parameters, step)

    def restrict(self, subspace: Mapping[Symbol, Expr]) -> Map:
        """The map on the subspace {variable = expression in the others}, for example {z: x, w: y}.

        The proof that the subspace is invariant is the symbolic identity: each bound variable and its expression
        agree after one step. A subspace that is not invariant is `BadInput`.
        """
        free = tuple(variable for variable in self.state if variable not in subspace)
        for variable, expression in subspace.items():
            strangers = expression.free_symbols - {*free, *self.parameters}
            if variable not in self.state or strangers:
                raise BadInput(f"{variable} = {expression}: write a state variable as an expression in the free ones")
        on_subspace = {variable: step.subs(subspace) for variable, step in self.substitution.items()}
        reduced = Map(free, self.parameters, tuple(simplify(on_subspace[variable]) for variable in free))
        for variable, expression in subspace.items():
            defect = on_subspace[variable] - reduced.after(expression)
            if not vanishes(defect):
                differ = simplify(defect)
                raise BadInput(f"{variable} = {expression} is not invariant: after one step they differ by {differ}")
        return reduced

    def cofactor(self, quantity: Expr) -> Expr:
        """The polynomial c with q∘F = c·q; `Undecided` if q does not divide q∘F."""
        quotient, remainder = div(self.after(quantity), quantity, *self.state)
        if remainder != 0:
            raise Undecided(f"{quantity} after one step is not a polynomial multiple of itself")
        return factor(quotient)

    def conjugate(self, forward: Mapping[Symbol, Expr], inverse: Mapping[Symbol, Expr]) -> Map:
        """The map in the coordinates new = forward(old), given old = inverse(new).

        That inverse∘forward is the identity is checked, so `forward` is one to one where it is defined.
        """
        for variable in self.state:
            returned = inverse[variable].subs(forward, simultaneous=True)
            if not vanishes(returned - variable):
                raise BadInput(
                    f"the change of variables is not inverted: {variable} comes back as {simplify(returned)}"
                )
        step = tuple(self.after(expression).subs(inverse, simultaneous=True) for expression in forward.values())
        return Map(tuple(forward), self.parameters, step)

    def semiconjugate(self, new: Mapping[Symbol, Expr], auxiliary: Mapping[Symbol, Expr]) -> Map:
        """The map that the quantities `new` obey among themselves, for a polynomial map.

        Each new quantity after one step is rewritten by a Gröbner basis that eliminates the state in favour of the
        new variables and of the nonnegative `auxiliary` quantities, whose squares must be polynomials in the new
        variables; they end as square roots. The result is verified by substituting back.
        """
        names = {**auxiliary, **new}
        generators = (*self.state, *names)
        relations = [name - expression for name, expression in names.items()]
        field = QQ.frac_field(*self.parameters) if self.parameters else QQ
        basis = groebner(relations, *generators, order="lex", domain=field)
        roots = {name: self._root(name, expression, new, basis) for name, expression in auxiliary.items()}
        step = []
        for expression in new.values():
            target = expand(self.after(expression))
            rewritten = basis.reduce(target)[1]
            if rewritten.free_symbols & set(self.state):
                raise Undecided(f"{expression} after one step is not a polynomial in {', '.join(map(str, names))}")
            if expand(rewritten.subs(names, simultaneous=True) - target) != 0:
                raise Undecided(f"the elimination for {expression} failed its check")
            step.append(self._collect(rewritten, tuple(auxiliary)).subs(roots))
        return Map(tuple(new), self.parameters, tuple(step))

    @staticmethod
    def _root(name: Symbol, expression: Expr, new: Mapping[Symbol, Expr], basis: groebner) -> Expr:
        """The auxiliary quantity as the square root of a polynomial in the new variables."""
        square = basis.reduce(name**2)[1]
        if not square.free_symbols <= set(new) or not expression.is_nonnegative:
            raise Undecided(f"{name} = {expression} is not the nonnegative root of a polynomial in the new variables")
        return sqrt(square)

    @staticmethod
    def _collect(expression: Expr, auxiliary: tuple[Symbol, ...]) -> Expr:
        """The expression with the coefficient of every auxiliary monomial factored, so that it reads well."""
        if not auxiliary:
            return factor(expression)
        terms = Poly(expression, *auxiliary).terms()
        monomials = (Poly({powers: 1}, *auxiliary).as_expr() * factor(coefficient) for powers, coefficient in terms)
        return sum(monomials, Integer(0))

    def _repr_latex_(self) -> str:
        return aligned((name, r"\mapsto", step) for name, step in self.substitution.items())
