"""From text to an exact expression: the only road there is, and no code is run on the way.

    sum      = product { ("+" | "-") product }
    product  = factor  { ("*" | "/") factor }
    factor   = ("+" | "-") factor  |  power
    power    = atom [ "**" factor ]                       so -x**2 is -(x**2), and x**-2 may be written
    atom     = number  |  name  |  "pi"  |  "E"  |  function "(" sum ")"  |  "(" sum ")"
             | ("Max" | "Min" | "max" | "min") "(" sum { "," sum } ")"
             | "Piecewise" "(" case { "," case } ")"
    case     = "(" sum "," condition ")"                  the first whose condition holds; undefined where none does
    condition = "True"  |  ("Eq" | "Ne") "(" sum "," sum ")"  |  sum { ("<" | "<=" | ">" | ">=") sum }
             | condition ("&" | "|") condition            each in parentheses, as in Python
    function = exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh erf Abs abs, and by definition
               relu sigmoid softplus silu swish gelu sign Heaviside

A number is a decimal literal and means the rational it spells: 0.1 is 1/10, 1e-3 is 1/1000. A name means a declared
symbol, taken as a real number. What `sympy.sstr` prints for an exact result made of these, `parse` reads back.

A text is judged three times. Its characters first, so that Python's grammar, which folds look-alike letters together,
sees plain ASCII and declared names only. Then every node as written, before SymPy evaluates it, because that may take
for ever: 9**9**9, exp(10**9*log(2*x)), 96**(1/997)*96**(1/991). Then every node as built, because evaluation may leave
the real numbers, as sqrt(-1) and log(x - x) do.

To evaluate a function, SymPy asks for the sign of its argument. That takes time exponential in the depth of what it
sees, and has no bound at all for a polynomial in a positive symbol. So SymPy sees stand-ins: plain real symbols for
the declared ones, whatever else has been assumed of them, and symbols for deep sums and functions. A function of
something deep is left as written. The stand-ins are replaced at the end, when nothing is evaluated any more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise

from sympy import (
    Add,
    And,
    Basic,
    E,
    Expr,
    GreaterThan,
    Integer,
    LessThan,
    Max,
    Min,
    Mul,
    Or,
    Piecewise,
    Pow,
    Rational,
    StrictGreaterThan,
    StrictLessThan,
    Symbol,
    exp,
    true,
)

from eos_sym.reading.bounds import LARGEST, SMALLEST, Judge
from eos_sym.reading.language import (
    ALLOWED,
    CASES,
    CONDITIONS,
    CONSTANTS,
    DEFINITIONS,
    FUNCTIONS,
    KINKED,
    SPACE,
    WORDS,
    ParseError,
    check_characters,
    declare,
    quote,
)

GREEK_WORD, STAND_IN = "lambda", "_lambd"  # of one length; no name begins with _
SHOWN = 4  # levels of a function or root that SymPy may see and evaluate
COMPARISONS = {ast.Lt: StrictLessThan, ast.LtE: LessThan, ast.Gt: StrictGreaterThan, ast.GtE: GreaterThan}
SHOWN_BITS = 150  # of a number in a function that SymPy may evaluate


def parse(text: str, symbols: Iterable[Symbol]) -> Expr:
    """The expression that a text denotes.

    Args:
        text: One line in the language above, of at most 2,000 characters.
        symbols: Every name the text may use; the expression contains these very objects.

    Raises:
        ParseError: If the text is outside the language, or denotes something that is not a finite real function of
            sensible size, or that evaluation takes there; if `declare` refuses the name of a symbol; if two have one.
    """
    declared: dict[str, Symbol] = {}
    for symbol in symbols:
        declare(symbol.name)
        if symbol.name in declared:
            raise ParseError(f"{quote(symbol.name)} is declared twice", text)
        declared[symbol.name] = symbol
    check_characters(text, declared)
    start = len(text) - len(text.lstrip(SPACE))
    try:
        reader = _Reader(text, start, declared)
        plain = re.sub(rf"\b{GREEK_WORD}\b", STAND_IN, text.strip(SPACE), flags=re.ASCII)
        return reader.restore(reader.read(ast.parse(plain, mode="eval").body))
    except SyntaxError as error:
        # Python gives no offset when the text ends too early.
        position = start + (error.offset or len(text.strip(SPACE)))
        raise ParseError("something is missing or out of place; write * between factors", text, position) from None
    except (MemoryError, RecursionError):
        raise ParseError("the expression is nested too deeply to be read", text) from None


def _order(a: Expr, b: Expr) -> int:
    """SymPy's order of the parts of a sum or product: a number comes first."""
    return int(b.is_Number) - int(a.is_Number) or int(Basic.compare(a, b))


class _Reader:
    """Builds SymPy's nodes from Python's syntax tree."""

    def __init__(self, text: str, start: int, declared: dict[str, Symbol]) -> None:
        self.text, self.start = text, start
        self.meaning: dict[Expr, Expr] = {Symbol(name, real=True): declared[name] for name in declared}
        self.hidden: dict[Expr, Symbol] = {}
        self.judge = Judge(text)
        self.definition: tuple[Expr, int] | None = None  # its u, and the place of its call, while one is read

    def place(self, node: ast.expr) -> int:
        """Where the operator of a sum, product or power stands, and where anything else begins; counted from 1."""
        if self.definition:
            return self.definition[1]
        if not isinstance(node, ast.BinOp | ast.Compare):
            return self.start + node.col_offset + 1
        # Between the operands there are only parentheses, spaces and the operator.
        offset = self.start + (node.left.end_col_offset or 0)
        return offset + len(re.split(r"[-+*/&|<>]", self.text[offset:], maxsplit=1)[0]) + 1

    def read(self, node: ast.expr) -> Expr:
        """The expression of a syntax tree, as deep as the text has parentheses: chains do not recurse."""
        place = self.place(node)
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.build(Add, self.terms(node), place)
            case ast.BinOp(op=ast.Mult() | ast.Div()) | ast.UnaryOp():
                return self.build(Mul, self.factors(node), place)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                # Asked of the text, too: x**2**3 would be built as the harmless x**8.
                if any(isinstance(part, ast.Pow) for part in ast.walk(right)):
                    raise self.judge.error("an exponent contains no power; towers of powers are not read", place)
                return self.power(self.read(left), self.read(right), place)
            case ast.Constant(value=True):
                raise self.judge.error("True is a condition, and those stand in Piecewise only", place)
            case ast.Constant(value=value) if self.definition:
                return Integer(value)
            case ast.Constant():
                return self.number(self.text[place - 1 : self.start + (node.end_col_offset or 0)], place)
            case ast.Name(id=name) if name in WORDS:
                raise self.judge.error(f"{name} is a function; write {name}(...)", place)
            case ast.Name() if self.definition:
                return self.definition[0]
            case ast.Name(id=name):
                return CONSTANTS.get(name) or Symbol(GREEK_WORD if name == STAND_IN else name, real=True)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name == CASES:
                return self.cases(arguments, place)
            case ast.Call(func=ast.Name(id=name), args=arguments) if KINKED.get(name) in (Max, Min):
                if any(isinstance(argument, ast.Starred) for argument in arguments) or not arguments:
                    raise self.judge.error(f"{name} takes one or more arguments", place)
                return self.build(KINKED[name], [self.read(argument) for argument in arguments], place)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in (*FUNCTIONS, *KINKED, *DEFINITIONS):
                if len(arguments) != 1 or isinstance(arguments[0], ast.Starred):
                    raise self.judge.error(f"{name} takes exactly one argument", place)
                argument = self.read(arguments[0])
                if name in DEFINITIONS:
                    return self.defined(name, argument, place)
                if name in KINKED:
                    return self.build(KINKED[name], [argument], place)
                if name == "sqrt":
                    return self.power(argument, Rational(1, 2), place)
                return self.build(FUNCTIONS[name], [argument], place)
            case ast.Call(func=ast.Name(id=name)) if name in CONDITIONS:
                raise self.judge.error(f"{name} is a condition, and those stand in Piecewise only", place)
            case ast.Compare():
                raise self.judge.error("comparisons are conditions, and those stand in Piecewise only", place)
            case ast.BoolOp() | ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                raise self.judge.error("& and | join conditions, and those stand in Piecewise only", place)
            case ast.Call():
                raise self.judge.error(f"only functions are called, and factors are joined by *; {ALLOWED}", place)
        raise self.judge.error("there are no tuples; a comma means nothing here", place)

    def defined(self, name: str, argument: Expr, place: int) -> Expr:
        """A function that is defined in the language itself, of an expression."""
        around, self.definition = self.definition, (argument, place)
        try:
            return self.read(ast.parse(DEFINITIONS[name], mode="eval").body)
        finally:
            self.definition = around

    def cases(self, nodes: Sequence[ast.expr], place: int) -> Expr:
        """A function by cases, each a pair of a value and a condition."""
        pairs = []
        for node in nodes:
            if not (isinstance(node, ast.Tuple) and len(node.elts) == 2):
                raise self.judge.error("Piecewise takes pairs (value, condition), as in (0, True)", place)
            value, condition = node.elts
            pairs.append((self.read(value), self.condition(condition)))
        if not pairs:
            raise self.judge.error("Piecewise takes pairs (value, condition)", place)
        built = Piecewise(*pairs)
        self.judge.inspect(built, place)
        return built

    def condition(self, node: ast.expr) -> Basic:
        """What is true or false of the names."""
        place = self.place(node)
        match node:
            case ast.Constant(value=True):
                return true
            case ast.Compare(left=left, ops=operators, comparators=others):
                sides = [self.compared(side) for side in (left, *others)]
                kinds = [COMPARISONS.get(type(operator)) for operator in operators]
                if None in kinds:
                    raise self.judge.error("comparisons are < <= > >=, Eq(a, b) and Ne(a, b)", place)
                return And(*(kind(*pair) for kind, pair in zip(kinds, pairwise(sides), strict=True) if kind))
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as operator, right=right):
                joined = And if isinstance(operator, ast.BitAnd) else Or
                return joined(self.condition(left), self.condition(right))
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in CONDITIONS and len(arguments) == 2:
                return CONDITIONS[name](*map(self.compared, arguments))
        raise self.judge.error("a condition is True, or a comparison such as x > 0, joined by & and |", place)

    def compared(self, node: ast.expr) -> Expr:
        """A side of a comparison, of which SymPy sees no more than of the argument of a function.

        Where a side is by cases, SymPy would solve its conditions, which may fail and has no bound.
        """
        expression, place = self.read(node), self.place(node)
        facts = self.judge.inspect(expression, place)
        if facts.cases:
            problem = "a condition compares no Piecewise, sign or Heaviside; write their cases with & and |"
            raise self.judge.error(problem, place)
        return expression if facts.depth < SHOWN else self.hide(expression)

    def number(self, literal: str, place: int) -> Expr:
        """The rational that a literal spells, not the float that Python takes it for."""
        if not re.match(r"[0.]*[1-9]", literal):
            return Integer(0)
        # Only what passes here has so few digits that its power of ten may be written out.
        if not SMALLEST <= float(literal) <= LARGEST:
            raise self.judge.error(f"a number other than 0 lies between {SMALLEST:g} and {LARGEST:g}", place)
        number = Rational(Fraction(literal))
        self.judge.inspect(number, place)
        return number

    def terms(self, node: ast.expr) -> list[Expr]:
        """The terms of a sum, which leans to the left in the syntax tree."""
        terms: list[Expr] = []
        chain: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            chain.append(node)
            node = node.left
        terms.append(self.read(node))
        for link in reversed(chain):
            term = self.read(link.right)
            negative = isinstance(link.op, ast.Sub)
            terms.append(self.build(Mul, [Integer(-1), term], self.place(link)) if negative else term)
        return terms

    def factors(self, node: ast.expr) -> list[Expr]:
        """The factors of a product, quotient or negative, through all its parentheses.

        One at a time, SymPy would distribute the number in -(x + y)*z and x/(2*(y + z)), and never print it so again.
        """
        sign = 1
        factors: list[Expr] = []
        pending: list[tuple[ast.expr, int | None]] = [(node, None)]  # with the place of the / that divides by it
        while pending:
            part, divided = pending.pop()
            match part:
                case ast.BinOp(left=left, op=ast.Mult(), right=right):
                    pending += [(right, divided), (left, divided)]
                case ast.BinOp(left=left, op=ast.Div(), right=right):
                    pending += [(right, None if divided else self.place(part)), (left, divided)]
                case ast.UnaryOp(op=operator, operand=operand):
                    sign = -sign if isinstance(operator, ast.USub) else sign
                    pending.append((operand, divided))
                case _:
                    factor = self.read(part)
                    factors.append(self.power(factor, Integer(-1), divided) if divided else factor)
        return factors if sign == 1 else [Integer(-1), *factors]

    def power(self, base: Expr, exponent: Expr, place: int) -> Expr:
        below, above = self.judge.inspect(base, place).value, self.judge.inspect(exponent, place).value
        if below == 0 and (above is None or above < 0):
            raise self.judge.error(
                "this divides by zero, or may do so" if above is None else "this divides by zero", place
            )
        return self.build(exp, [exponent], place) if base is E else self.build(Pow, [base, exponent], place)

    def build(self, head: Callable[..., Expr], arguments: Sequence[Expr], place: int) -> Expr:
        """A node, judged before and after SymPy builds it; a function of too much for SymPy is left as written."""
        facts = self.judge.before_building(head, arguments, place)
        simple = facts.depth <= SHOWN and self.judge.facts[arguments[0]].bits <= SHOWN_BITS
        evaluate = simple or head in (Add, Mul, Pow)
        try:
            if head is Pow and not arguments[1].is_Integer:
                arguments = [self.stand_in(argument) for argument in arguments]
            built = head(*arguments, evaluate=evaluate)
        except Exception as error:  # of any kind: SymPy 1.14 raises ValueError for sqrt(10**89 + 40)
            raise self.judge.error("SymPy fails to evaluate this; write it in another way", place) from error
        if isinstance(built, Mul) and head is not Mul:  # of numbers under roots, which SymPy would join when read again
            built = Mul(*built.args)
        self.judge.inspect(built, place)
        return built if evaluate else self.hide(built)

    def stand_in(self, expression: Expr) -> Expr:
        """The expression with symbols for its sums that are too deep for SymPy to see."""
        if self.judge.facts[expression].depth < SHOWN or isinstance(expression, Symbol):
            return expression
        if isinstance(expression, Mul | Pow):
            return expression.func(*(self.stand_in(argument) for argument in expression.args))
        return self.hide(expression)

    def hide(self, expression: Expr) -> Symbol:
        if expression not in self.hidden:
            symbol = Symbol(f"#{len(self.hidden)}", real=True)
            self.hidden[expression], self.meaning[symbol] = symbol, expression
            self.judge.facts[symbol] = self.judge.facts[expression]
        return self.hidden[expression]

    def restore(self, expression: Expr) -> Expr:
        """The expression without stand-ins: its parts come into SymPy's order, but nothing is evaluated anew."""
        if expression in self.meaning:
            meaning = self.meaning[expression]
            return meaning if isinstance(meaning, Symbol) else self.restore(meaning)
        if not expression.args:
            return expression
        if isinstance(expression, Piecewise):
            pairs = [(self.restore(value), self.restored(condition)) for value, condition in expression.args]
            return Piecewise(*pairs, evaluate=False)
        arguments = [self.restore(argument) for argument in expression.args]
        if isinstance(expression, Add | Mul):
            arguments.sort(key=cmp_to_key(_order))
        return expression.func(*arguments, evaluate=False)

    def restored(self, condition: Basic) -> Basic:
        """The same for a condition."""
        if not condition.args:
            return condition
        parts = (self.restore(part) if isinstance(part, Expr) else self.restored(part) for part in condition.args)
        return condition.func(*parts, evaluate=False)
