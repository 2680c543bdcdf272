"""From text to an exact expression: the only road there is, and no code is run on the way.

    sum      = product { ("+" | "-") product }
    product  = factor  { ("*" | "/") factor }
    factor   = ("+" | "-") factor  |  power
    power    = atom [ "**" factor ]                       so -x**2 is -(x**2), and x**-2 may be written
    atom     = number  |  name  |  "pi"  |  "E"  |  function "(" sum ")"  |  "(" sum ")"
    function = exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh

A number is a decimal literal and means the rational it spells: 0.1 is 1/10, 1e-3 is 1/1000. A name means a declared
symbol, taken as a real number. What `sympy.sstr` prints for an exact result made of these, `parse` reads back.

A text is judged three times. Its characters first, so that Python's grammar, which folds look-alike letters together,
sees plain ASCII and declared names only. Then every node as written, before SymPy evaluates it, because that may take
for ever: 9**9**9, exp(10**9*log(2*x)), 96**(1/997)*96**(1/991). Then every node as built, because evaluation may leave
the real numbers, as sqrt(-1) and log(x - x) do, or the smooth functions, as sqrt(x**2) = |x| does.

To evaluate a function, SymPy asks for the sign of its argument. That takes time exponential in the depth of what it
sees, and has no bound at all for a polynomial in a positive symbol. So SymPy sees stand-ins: plain real symbols for
the declared ones, whatever else has been assumed of them, and symbols for deep sums and functions. A function of
something deep is left as written. The stand-ins are replaced at the end, when nothing is evaluated any more.
"""

import ast
import difflib
import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key

import sympy
from sympy import Add, Basic, E, Expr, I, Integer, Mul, Pow, Rational, Symbol, cos, exp, log, nan, oo, pi, sin, tan, zoo

from eos_sym.errors import BadInput

_NAMES = "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh"
FUNCTIONS: dict[str, Callable[[Expr], Expr]] = {name: getattr(sympy, name) for name in _NAMES.split()}
CONSTANTS: dict[str, Expr] = {"pi": pi, "E": E}

LONGEST_TEXT, LONGEST_NAME, LONGEST_QUOTE = 2000, 32, 20
DEEPEST = 50  # parentheses in the text, and levels of the expression
SHOWN = 4  # levels of a function or root that SymPy may see and evaluate
LARGEST, SMALLEST = 1e300, 1e-300  # constant other than 0; LARGEST also for numerators and denominators
CANCELLED = 1e-12  # a sum this small beside its terms has no digits, and no sign, that floats can vouch for
LARGEST_EXPONENT, LARGEST_DEGREE, LARGEST_DENOMINATOR = 100, 1000, 1000
SHOWN_BITS = 150  # of a number in a function that SymPy may evaluate
MOST_BITS, MOST_ROOT_BITS = 2000, 600  # of the numbers in a product, and of those under a root

_ALLOWED = f"functions: {', '.join(FUNCTIONS)}; constants: {', '.join(CONSTANTS)}"
_SPACE = " \t\r\n"
_TOKEN = re.compile(
    r"(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)(?P<glued>[\w.]?)|(?P<word>[A-Za-z_]\w*)|\*\*|/(?!/)|[-+*(), \t]",
    re.ASCII,
)
_REMEDIES = {
    "^": "powers are written **",
    "/%@": "the operators are + - * / **",
    "<>=!:": "there are no comparisons, assignments or keyword arguments",
    "&|~": "there are no logical or bit operators",
    "\"'`": "there are no strings",
    "[]{}": "there are no subscripts, lists or sets; group with ( )",
    ".": "there are no attributes; a point belongs inside a number",
    "#\n\r": "the expression is one line without comments",
}


class ParseError(BadInput):
    """Why a text is not an expression: one line that names the place, quotes it and says what is allowed.

    Attributes:
        problem: What is wrong, and what is allowed.
        text: What was to be read.
        position: The character of the text it concerns, counted from 1; None if there is no single one.
    """

    def __init__(self, problem: str, text: str, position: int | None = None) -> None:
        super().__init__(problem, text, position)
        self.problem, self.text, self.position = problem, text, position

    def __str__(self) -> str:
        if self.position is None:
            return self.problem
        return f"at character {self.position}, {_quote(self.text[self.position - 1 :])}: {self.problem}"


def _quote(text: str) -> str:
    """The beginning of a text, in ASCII and on one line."""
    length = LONGEST_QUOTE
    while len(quoted := ascii(text[:length])) > LONGEST_QUOTE + 2:
        length -= 1
    return quoted


def declare(name: str, **assumptions: bool) -> Symbol:
    """The symbol of that name under those assumptions, provided that `parse` can read the name."""
    if len(name) > LONGEST_NAME:
        raise ParseError(f"the name {_quote(name)}... is longer than {LONGEST_NAME} characters", name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ParseError(f"{_quote(name)} is no name: those are a letter A-Z or a-z, then letters, digits, _", name)
    if keyword.iskeyword(name):
        raise ParseError(f"{_quote(name)} cannot be a name: it is a reserved word of Python", name)
    if name in FUNCTIONS or name in CONSTANTS:
        raise ParseError(f"{_quote(name)} cannot be a name: it already has a meaning; {_ALLOWED}", name)
    return Symbol(name, **assumptions)


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
            raise ParseError(f"{_quote(symbol.name)} is declared twice", text)
        declared[symbol.name] = symbol
    _check_characters(text, declared)
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        reader = _Reader(text, start, declared)
        return reader.restore(reader.read(ast.parse(text.strip(_SPACE), mode="eval").body))
    except SyntaxError as error:
        # Python gives no offset when the text ends too early.
        position = start + (error.offset or len(text.strip(_SPACE)))
        raise ParseError("something is missing or out of place; write * between factors", text, position) from None
    except (MemoryError, RecursionError):
        raise ParseError("the expression is nested too deeply to be read", text) from None


def _check_characters(text: str, declared: Iterable[str]) -> None:
    """Let only tokens of the language and matched parentheses pass."""

    def error(problem: str) -> ParseError:
        return ParseError(problem, text, place + 1)

    if len(text) > LONGEST_TEXT:
        raise ParseError(f"the text has {len(text)} characters; at most {LONGEST_TEXT} are read", text)
    place, end = len(text) - len(text.lstrip(_SPACE)), len(text.rstrip(_SPACE))
    if place >= end:
        raise ParseError("the text is empty; an expression was expected", text)
    known = [*declared, *FUNCTIONS, *CONSTANTS]
    opened: list[int] = []
    while place < end:
        token, character = _TOKEN.match(text, place, end), text[place]
        if not character.isascii():
            title = unicodedata.name(character, "unnamed")
            raise error(f"U+{ord(character):04X} ({title}) is not an ASCII character, and only those are read")
        if token is None:
            remedies = (remedy for characters, remedy in _REMEDIES.items() if character in characters)
            raise error(next(remedies, "this character means nothing here; the operators are + - * / **"))
        word = token["word"]
        if token["glued"]:
            raise error("a number is written like 12, 0.5 or 1e-3 (not 0x10, 1_000 or 2j), and followed by an operator")
        if word and keyword.iskeyword(word):
            raise error("this is a reserved word of Python, which means nothing here")
        if word and word not in known:
            folded = {name.lower(): name for name in known}
            close = difflib.get_close_matches(word[:LONGEST_NAME].lower(), folded, 1)
            question = f"did you mean {folded[close[0]]}? " if close else ""
            names = ", ".join(declared) or "none"
            raise error(f"{_quote(word)} is not known; {question}declared names: {names}; {_ALLOWED}")
        if token[0] == "(":
            opened.append(place)
            if len(opened) > DEEPEST:
                raise error(f"parentheses are nested deeper than {DEEPEST} levels")
        if token[0] == ")" and not opened:
            raise error("this parenthesis was never opened")
        if token[0] == ")":
            opened.pop()
        place = token.end()
    if opened:
        place = opened[-1]
        raise error("this parenthesis is never closed")


@dataclass(frozen=True)
class _Facts:
    """What decides whether an expression may be built upon."""

    value: float | None  # None if names occur in it
    depth: int = 0
    degree: float = 0  # nested powers multiplied out
    bits: int = 0  # of the numbers that SymPy would multiply together
    root: int = 1  # a common denominator of the exponents that SymPy would add together
    tower: bool = False  # a power, an exponential or a logarithm occurs in it, so it cannot be an exponent


def _total(*terms: float) -> float:
    total = math.fsum(terms)
    return 0.0 if abs(total) <= CANCELLED * max(map(abs, terms)) else total


def _order(a: Expr, b: Expr) -> int:
    """SymPy's order of the parts of a sum or product: a number comes first."""
    return int(b.is_Number) - int(a.is_Number) or int(Basic.compare(a, b))


def _exponents(head: Callable[..., Expr], arguments: Sequence[Expr]) -> list[Expr]:
    """The parts of a node that SymPy may turn into exponents: it evaluates exp(c*log(b)) to b**c."""
    if head is Pow:
        return [arguments[1]]
    exponents: list[Expr] = []
    for term in Add.make_args(arguments[0]) if head is exp else ():
        coefficient, rest = term.as_coeff_Mul()
        logarithms = [factor for factor in Mul.make_args(rest) if factor.has(log)]
        exponents += logarithms
        if any(isinstance(factor, Add | log) for factor in logarithms):
            exponents.append(coefficient)
    return exponents


_VALUES: dict[Callable[..., Expr], Callable[..., float]] = {
    function: getattr(math, name) for name, function in FUNCTIONS.items() if name != "sqrt"
} | {Add: _total, Mul: lambda *factors: math.prod(factors), Pow: math.pow}


class _Reader:
    """Builds SymPy's nodes from Python's syntax tree."""

    def __init__(self, text: str, start: int, declared: dict[str, Symbol]) -> None:
        self.text, self.start = text, start
        self.meaning: dict[Expr, Expr] = {Symbol(name, real=True): declared[name] for name in declared}
        self.hidden: dict[Expr, Symbol] = {}
        self.facts: dict[Expr, _Facts] = {}

    def error(self, problem: str, place: int) -> ParseError:
        return ParseError(problem, self.text, place)

    def place(self, node: ast.expr) -> int:
        """Where the operator of a sum, product or power stands, and where anything else begins; counted from 1."""
        if not isinstance(node, ast.BinOp):
            return self.start + node.col_offset + 1
        # Between the operands there are only parentheses, spaces and the operator.
        offset = self.start + (node.left.end_col_offset or 0)
        return offset + len(re.split(r"[-+*/]", self.text[offset:], maxsplit=1)[0]) + 1

    def read(self, node: ast.expr) -> Expr:
        """The expression of a syntax tree, as deep as the text has parentheses: chains do not recurse."""
        place = self.place(node)
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.build(Add, self.terms(node), place)
            case ast.BinOp(op=ast.Mult() | ast.Div()) | ast.UnaryOp():
                return self.build(Mul, self.factors(node), place)
            case ast.BinOp(left=left, right=right):
                # Asked of the text, too: x**2**3 would be built as the harmless x**8.
                if any(isinstance(part, ast.Pow) for part in ast.walk(right)):
                    raise self.error("an exponent contains no power; towers of powers are not read", place)
                return self.power(self.read(left), self.read(right), place)
            case ast.Constant():
                return self.number(self.text[place - 1 : self.start + (node.end_col_offset or 0)], place)
            case ast.Name(id=name) if name in FUNCTIONS:
                raise self.error(f"{name} is a function; write {name}(...)", place)
            case ast.Name(id=name):
                return CONSTANTS.get(name) or Symbol(name, real=True)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if name in FUNCTIONS:
                if len(arguments) != 1 or keywords or isinstance(arguments[0], ast.Starred):
                    raise self.error(f"{name} takes exactly one argument", place)
                argument = self.read(arguments[0])
                if name == "sqrt":
                    return self.power(argument, Rational(1, 2), place)
                return self.build(FUNCTIONS[name], [argument], place)
            case ast.Call():
                raise self.error(f"only functions are called, and factors are joined by *; {_ALLOWED}", place)
        raise self.error("there are no tuples; a comma means nothing here", place)

    def number(self, literal: str, place: int) -> Expr:
        """The rational that a literal spells, not the float that Python takes it for."""
        if not re.match(r"[0.]*[1-9]", literal):
            return Integer(0)
        # Only what passes here has so few digits that its power of ten may be written out.
        if not SMALLEST <= float(literal) <= LARGEST:
            raise self.error(f"a number other than 0 lies between {SMALLEST:g} and {LARGEST:g}", place)
        number = Rational(Fraction(literal))
        self.inspect(number, place)
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
        below, above = self.inspect(base, place).value, self.inspect(exponent, place).value
        if below == 0 and (above is None or above < 0):
            raise self.error("this divides by zero, or may do so" if above is None else "this divides by zero", place)
        return self.build(exp, [exponent], place) if base is E else self.build(Pow, [base, exponent], place)

    def build(self, head: Callable[..., Expr], arguments: Sequence[Expr], place: int) -> Expr:
        """A node, judged before and after SymPy builds it; a function of too much for SymPy is left as written."""
        facts = self.judge(head, arguments, place)
        simple = facts.depth <= SHOWN and self.facts[arguments[0]].bits <= SHOWN_BITS
        evaluate = simple or head in (Add, Mul, Pow)
        try:
            if head is Pow and not arguments[1].is_Integer:
                arguments = [self.stand_in(argument) for argument in arguments]
            built = head(*arguments, evaluate=evaluate)
        except Exception as error:  # of any kind: SymPy 1.14 raises ValueError for sqrt(10**89 + 40)
            raise self.error("SymPy fails to evaluate this; write it in another way", place) from error
        self.inspect(built, place)
        return built if evaluate else self.hide(built)

    def stand_in(self, expression: Expr) -> Expr:
        """The expression with symbols for its sums that are too deep for SymPy to see."""
        if self.facts[expression].depth < SHOWN or isinstance(expression, Symbol):
            return expression
        if isinstance(expression, Mul | Pow):
            return expression.func(*(self.stand_in(argument) for argument in expression.args))
        return self.hide(expression)

    def hide(self, expression: Expr) -> Symbol:
        if expression not in self.hidden:
            symbol = Symbol(f"#{len(self.hidden)}", real=True)
            self.hidden[expression], self.meaning[symbol] = symbol, expression
            self.facts[symbol] = self.facts[expression]
        return self.hidden[expression]

    def restore(self, expression: Expr) -> Expr:
        """The expression without stand-ins: its parts come into SymPy's order, but nothing is evaluated anew."""
        if expression in self.meaning:
            meaning = self.meaning[expression]
            return meaning if isinstance(meaning, Symbol) else self.restore(meaning)
        if not expression.args:
            return expression
        arguments = [self.restore(argument) for argument in expression.args]
        if isinstance(expression, Add | Mul):
            arguments.sort(key=cmp_to_key(_order))
        return expression.func(*arguments, evaluate=False)

    def inspect(self, expression: Expr, place: int) -> _Facts:
        """The facts about an expression as it stands; every part of it has to belong to the language."""
        if expression in self.facts:
            return self.facts[expression]
        if isinstance(expression, Rational):
            p, q = abs(expression.p), expression.q
            if max(p, q) > LARGEST:
                raise self.error(f"this takes a numerator or denominator beyond {LARGEST:g}", place)
            facts = _Facts(expression.p / q, bits=p.bit_length() + q.bit_length())
        elif expression in (pi, E):
            facts = _Facts(float(expression))
        elif isinstance(expression, Symbol):
            facts = _Facts(None, degree=1)
        elif expression.func in _VALUES:
            facts = self.judge(expression.func, expression.args, place)
            if facts.value == 0:
                raise self.error("this constant is so small, or cancels so closely, that it may be zero", place)
        elif expression is I:
            raise self.error("this is not a real number", place)
        elif expression in (oo, -oo, zoo, nan):
            raise self.error("this is not finite", place)
        else:
            raise self.error(f"this evaluates to {expression.func.__name__}(...), not to {_ALLOWED}", place)
        self.facts[expression] = facts
        return facts

    def judge(self, head: Callable[..., Expr], arguments: Sequence[Expr], place: int) -> _Facts:
        """The facts about a node, whether or not SymPy has built it, from the facts about its parts."""
        parts = [self.inspect(argument, place) for argument in arguments]
        degree = max(part.degree for part in parts)
        bits, root, tower = 0, 1, any(part.tower for part in parts)
        exponents = _exponents(head, arguments)
        if head is Mul:
            degree = sum(part.degree for part in parts)
            bits = sum(part.bits for part in parts)
            root = math.lcm(*(part.root for part in parts))
        elif head is Pow:
            base, exponent = parts
            if exponent.tower:
                raise self.error("an exponent contains no power, exponential or logarithm; use exp(...)", place)
            if abs(exponent.value or 0) > LARGEST_EXPONENT:
                raise self.error(f"exponents lie between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}", place)
            if base.bits > MOST_ROOT_BITS and not arguments[1].is_Integer:
                raise self.error("the number under this root has too many digits", place)
            degree = base.degree * abs(exponent.value or 1)
            bits, root = base.bits, base.root * self.denominator(exponents, place)
            tower = tower or abs(exponent.value or 0) not in (1, 0.5)
        elif head is not Add:
            degree, tower, root = min(degree, 1), tower or head in (exp, log), self.denominator(exponents, place)
        depth = 1 + max(part.depth for part in parts)
        for excess, problem in (
            (depth > DEEPEST, f"the expression is nested deeper than {DEEPEST} levels"),
            (degree > LARGEST_DEGREE, f"powers are nested to a total degree beyond {LARGEST_DEGREE}"),
            (bits > MOST_BITS, "the numbers multiplied here have too many digits"),
            (root > LARGEST_DENOMINATOR, f"the exponents here have no common denominator up to {LARGEST_DENOMINATOR}"),
        ):
            if excess:
                raise self.error(problem, place)
        values = [part.value for part in parts if part.value is not None]
        value = self.value(head, values, place) if len(values) == len(parts) else None
        return _Facts(value, depth, degree, bits, root, tower)

    def value(self, head: Callable[..., Expr], values: list[float], place: int) -> float:
        """The value of a constant in floating point."""
        if head in (sin, cos, tan) and abs(values[0]) * CANCELLED > 1:
            raise self.error(f"an angle lies between -{1 / CANCELLED:g} and {1 / CANCELLED:g}", place)
        try:
            value = _VALUES[head](*values)
        except (ValueError, OverflowError):
            raise self.error("this is not a finite real number", place) from None
        if value and not SMALLEST <= abs(value) <= LARGEST:
            raise self.error(f"a constant other than 0 lies between {SMALLEST:g} and {LARGEST:g} in size", place)
        return value

    def denominator(self, exponents: list[Expr], place: int) -> int:
        """A common denominator of the numbers in exponents, each of which has to be of moderate size."""
        numbers = [number for exponent in exponents for number in exponent.atoms(Rational)]
        if any(abs(number) > LARGEST_EXPONENT for number in numbers):
            raise self.error(f"numbers in an exponent lie between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}", place)
        return math.lcm(*(number.q for number in numbers))
