"""What configures a run as JSON, so that it can be stored with the results, compared, and turned into a folder's name.

A configuration is a tree of frozen dataclasses whose leaves are numbers, texts, truth values, paths, None and tuples of
these. A dataclass becomes an object of its fields and, as "kind", its class's name, and as "code" what that class does
(`numeric.runs.code`), a tuple a list, a path its text; two runs are the same if these trees are. Numbers keep all of
their digits, and a whole one is written as an integer, so 1.0 is 1. A dataclass of something else, such as tensors,
says with a method `configuration` what stands for it.

Errors: `BadInput` for anything else: such a value could not be compared, or not be read back.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

from eos_sym import BadInput
from numeric.runs.code import code

IDENTIFIER_LENGTH = 16  # of 64 hexadecimal digits: 2⁶⁴ names, so that no two of a sweep's runs share one


def configuration(description: Any) -> dict[str, Any]:
    """The description, a dataclass, as nested dictionaries, lists, numbers and texts."""
    if not is_dataclass(description) or isinstance(description, type):
        raise BadInput(f"{description!r}: not a description of a run; give a dataclass of numbers and texts")
    kind = type(description)
    if callable(own := getattr(description, "configuration", None)):
        return {"code": code(kind), **own()}
    named = {field.name: _value(field.name, getattr(description, field.name)) for field in fields(description)}
    return {"kind": kind.__name__, "code": code(kind), **named}


def identifier(description: Any) -> str:
    """A short name of the configuration: the same for the same configuration and code, on every machine."""
    text = json.dumps(configuration(description), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:IDENTIFIER_LENGTH]


def differences(one: Any, other: Any, name: str = "") -> Iterator[str]:
    """The names of the fields in which two configurations differ, such as ``rule.eta``."""
    if isinstance(one, dict) and isinstance(other, dict) and one.get("kind") == other.get("kind"):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif one != other:
        yield name or "kind"


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, tuple):
        return [_value(name, item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return configuration(value)
    raise BadInput(f"{name} = {value!r}: give finite numbers, texts, tuples and dataclasses of these")
