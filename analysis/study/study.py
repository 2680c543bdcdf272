"""A study as one script: decorated functions, each given what its parameters name.

    study = Study(__name__, source=":cite:t:`cohen2021edge`, appendix B")

    @study.options                    the dataclass of the options; run as a program, the command line is read here,
                                      so that what follows is imported only for good input
    @study.theory                     what is derived: a mapping, or an object with `as_report`, printed by its names
    @study.measurement                anything else that several functions need, worked out when the first one asks
    @study.experiment                 -> Dataset, the group of that name in data.nc
    @study.experiments                -> a mapping of names to such functions, where they depend on the options; those
                                      that raise `Undecided` are left out, and the reason is printed
    @study.claim(statement, source)   yields evidence (`analysis.study.evidence`)
    @study.claims                     yields `Claim`s, where they depend on the options or on what was found
    @study.summary                    what came of the runs, in a few numbers, printed beside the theory
    @study.figure                     -> Figure

A parameter is named ``options``, ``folder`` (of the results), as an option (its numbers are floating-point ones), or as
the function whose result it is to be: theory, measurement or experiment. Each is worked out once. In a claim's
statement, source and id the names in braces are filled in likewise: for `claim("{rule} is stable up to {derived.edge}",
rule=RULES)` there is one claim for every rule, whose function is given the `rule`, and the theory `derived` is asked
for its `edge`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.study.parts import DECLARED, MAIN, Declared, Known, Parts

if TYPE_CHECKING:
    from analysis.study.claim import Claim
    from analysis.study.options import CommonOptions

Function = TypeVar("Function", bound=Callable[..., Any])
OBJECTS = 50_000  # new ones between two searches for garbage, of which there is little: SymPy keeps what it finds
Options = TypeVar("Options", bound="type[CommonOptions]")


class Study(Parts):
    """The parts of a study, collected by decorators from the functions of its module."""

    def options(self, kind: Options) -> Options:
        """The dataclass of the options; where the module is the program, the command line is read now."""
        from analysis.study.endings import plain_exception
        from analysis.study.options import read_command_line

        self.kind = kind
        if self.module == DECLARED:
            raise Declared(self)
        if self.module == MAIN:
            sys.excepthook = plain_exception
            self.given = read_command_line(self.name, kind)
            gc.disable()  # what is imported next is no garbage, and looking for some takes a fifth of the time
        return kind

    def theory(self, function: Function) -> Function:
        """What is derived, before any experiment."""
        self.theories[function.__name__] = function
        return function

    def measurement(self, function: Function) -> Function:
        """What several functions need; worked out once, when it is asked for."""
        self.measurements[function.__name__] = function
        return function

    def experiment(self, function: Function) -> Function:
        """One dataset of simulations or training runs."""
        self.experiment_functions[function.__name__] = function
        return function

    def experiments(self, function: Function) -> Function:
        """A mapping of names to functions, each of which gives a dataset; the others see the datasets by name."""
        self.several_experiments = function
        return function

    def claim(
        self,
        statement: str,
        source: str | None = None,
        *,
        id: str | None = None,  # noqa: A002, what the contract calls it
        open: bool = False,  # noqa: A002, what the contract calls it
        **each: Iterable[Any],
    ) -> Callable[[Function], Function]:
        """One claim, named by its function; with `name=values` one for every value, or combination of values."""

        def add(function: Function) -> Function:
            def made(known: Known) -> Iterator[Claim]:
                from analysis.study.claim import Claim

                for values in product(*each.values()):
                    one = known.with_values(dict(zip(each, values, strict=True)))
                    label = one.filled(id) if id else "_".join([function.__name__, *map(str, values)])
                    yield Claim(
                        label,
                        one.filled(statement),
                        one.filled(source or self.source),
                        partial(one.call, function),
                        open,
                    )

            self.claim_functions.append(made)
            return function

        return add

    def claims(self, function: Function) -> Function:
        """Claims that depend on the options or on what was found."""
        self.claim_functions.append(lambda known: known.call(function))
        return function

    def figure(self, function: Function) -> Function:
        """The figure."""
        self.draw = function
        return function

    def summary(self, function: Function) -> Function:
        """What came of the runs, as a mapping."""
        self.summarize = function
        return function

    def main(self) -> None:
        """Work the study off with the options of the command line, those of all studies if it has none, and exit."""
        from analysis.study.options import CommonOptions, read_command_line
        from analysis.study.work import work_off_and_exit

        options = self.given or read_command_line(self.name, self.kind or CommonOptions)
        if self.module == MAIN:
            gc.freeze()
            gc.set_threshold(OBJECTS)
            gc.enable()
        work_off_and_exit(self, options)
