"""What a study consists of, and what its functions may ask for by name.

The parts of a study are functions; a function is given what its parameters name: ``options``, ``folder`` (of the
results), one of the options, or the result of a theory, measurement or experiment, each of which is worked out once.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from analysis.study.claim import Claim
    from analysis.study.options import CommonOptions

MAIN = "__main__"
DECLARED = "__declared__"  # the ``__name__`` of a module that is read as far as its options (`analysis.study.index`)


@dataclass
class Parts:
    """The functions of a study's module; `module` is its ``__name__``, `source` where its claims come from.

    A study whose options have no default values has an `example`: arguments that it is verified with.
    """

    module: str
    source: str
    example: tuple[str, ...] = ()
    theories: dict[str, Callable[..., Any]] = field(default_factory=dict)
    measurements: dict[str, Callable[..., Any]] = field(default_factory=dict)
    experiment_functions: dict[str, Callable[..., xr.Dataset]] = field(default_factory=dict)
    claim_functions: list[Callable[[Known], Iterable[Claim]]] = field(default_factory=list)
    several_experiments: Callable[..., Any] | None = None
    draw: Callable[..., Any] | None = None
    summarize: Callable[..., Any] | None = None
    kind: type[CommonOptions] | None = None
    given: CommonOptions | None = None

    @property
    def name(self) -> str:
        """What follows ``python -m analysis.``, or the name of the file that is run."""
        module = self.module
        if module == MAIN:
            running = sys.modules[MAIN]
            module = running.__spec__.name if running.__spec__ else Path(running.__file__ or MAIN).stem
        return module.removesuffix(f".{MAIN}").rpartition(".")[2]

    @property
    def headline(self) -> str:
        """What the study is about: the first line of its module's docstring."""
        module = sys.modules.get(self.module)
        return ((module and module.__doc__) or self.name).partition("\n")[0]

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """What may be asked for by name, other than the options."""
        return self.theories | self.measurements | self.experiment_functions

    def all_claims(self, known: Known) -> list[Claim]:
        """The claims, in the order of the script, on what is known."""
        return [claim for made in self.claim_functions for claim in made(known)]


class Declared(Exception):
    """What ends the reading of a study's module at its options; the study is its argument."""


class Known:
    """What the functions of a study may ask for by name: what all share, worked out at most once, and one's own."""

    def __init__(self, study: Parts, shared: dict[str, Any], own: Mapping[str, Any] | None = None) -> None:
        self.study, self.shared, self.own = study, shared, own or {}

    def with_values(self, values: Mapping[str, Any]) -> Known:
        """The same, and these values besides."""
        return Known(self.study, self.shared, values)

    def __getitem__(self, name: str) -> Any:
        """The value, or the result of the function, of this name."""
        if name in self.own:
            return self.own[name]
        self._work_out([name])
        return self.shared[name]

    def call(self, function: Callable[..., Any]) -> Any:
        """The function's answer to what its parameters name."""
        names = asked_for(function)
        self._work_out([name for name in names if name not in self.own])
        return function(**{name: self.own[name] if name in self.own else self.shared[name] for name in names})

    def _work_out(self, names: Iterable[str]) -> None:
        """Let these names be known to all, each function called from here: what it needs is known by then."""
        for name in self._in_order(names):
            function = self.study.functions.get(name)
            if function is not None:
                self.shared[name] = function(**{one: self.shared[one] for one in asked_for(function)})
            elif hasattr(self.shared.get("options"), name):
                self.shared[name] = in_floating_point(getattr(self.shared["options"], name))
            else:
                raise TypeError(f"{self.study.name}: {name} is neither option, theory, measurement nor experiment")

    def _in_order(self, names: Iterable[str]) -> Iterator[str]:
        """What is not known yet of these names and of all that they ask for, each after what it asks for."""
        for name in names:
            if name not in self.shared:
                if name in self.study.functions:
                    yield from self._in_order(asked_for(self.study.functions[name]))
                yield name

    def filled(self, text: str) -> str:
        """The text with the names in braces filled in."""
        filled: str = Formatter().vformat(text, (), self)  # type: ignore[call-overload]  # any object with names
        return filled


def asked_for(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters; those with a default are left at it."""
    return [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty]


def in_floating_point(option: Any) -> Any:
    """The option, exact numbers in floating point."""
    if isinstance(option, tuple):
        return [in_floating_point(value) for value in option]
    return float(option) if isinstance(option, Fraction) else option
