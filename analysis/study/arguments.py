"""Numbers and NAME=VALUE texts on the command line, read exactly."""

import re
from collections.abc import Sequence
from fractions import Fraction

from eos_sym.errors import BadInput

LONGEST_NUMBER = 40
NUMBER = re.compile(r"[+-]?(\d+(/\d+)?|\d*\.?\d+([eE][+-]?\d{1,2})?|\d+\.)", re.ASCII)


def number(text: str) -> Fraction:
    """An exact decimal or rational: 0.2, 1e-3, 2/8."""
    if len(text) > LONGEST_NUMBER or not NUMBER.fullmatch(text):
        raise ValueError(
            f"{text[:LONGEST_NUMBER]!r} is not a number; write a decimal such as 0.2 or a ratio such as 2/8"
        )
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"{text!r} divides by zero") from error


def assignments(option: str, texts: Sequence[str], names: Sequence[str]) -> dict[str, Fraction]:
    """The values of NAME=VALUE texts, exactly one for each of the names."""
    values: dict[str, Fraction] = {}
    wanted = " ".join(f"{name}=VALUE" for name in names)
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in names or name in values:
            fault = "given twice" if name in values else "not one of them" if equals else "not of the form NAME=VALUE"
            raise BadInput(f"{option} {text}: {fault}; write {wanted}")
        try:
            values[name] = number(value)
        except ValueError as error:
            raise BadInput(f"{option} {text}: {error}") from error
    missing = [name for name in names if name not in values]
    if missing:
        raise BadInput(f"{option}: {', '.join(missing)} missing; write {wanted}")
    return values
