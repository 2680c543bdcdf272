"""A model as values, and the code that is printed of it: what a page needs to run it and to say what theory predicts.

    code     step(θ, p), loss(θ, p), hessian(θ, p)      of the map, with the parameters p, η among them
             prediction0_value(θ₀, p), …                of every formula about where a run from θ₀ leads
             stage0_rates(φ, p), …                      of a flow that is predicted to go beside the run

Everything is an expression of `eos_sym`. Step, loss and Hessian are the programs of `numeric.compile`, which are
compared with 30-digit evaluation as they are made; so are the others, but for Lambert's W, which NumPy has not.

A `Prediction` is a number, or a number and the order of what it neglects, and says where it holds, by expressions that
are positive there. It may contain an unknown, the zero of an equation in a bracket. A `Stage` of a flow may depend on
the top eigenvector and the sharpness of its own Hessian; it is left where its `watch` becomes positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sympy import Expr, LambertW, Matrix, S, Symbol

from eos_sym import STEP_SIZE, Map
from numeric.compile import compile_function
from numeric.compile.javascript import print_functions
from numeric.compile.program import Program, straight_line

SHARPNESS = Symbol("S", positive=True)  # of a stage's Hessian, in its watch
UNKNOWN = Symbol("r", real=True)  # of a prediction that is a zero
ALONG = Symbol("t", real=True)  # the parameter of a curve


@dataclass(frozen=True)
class Slider:
    """A number that is chosen: a parameter or a coordinate of the start."""

    symbol: Symbol
    words: str
    low: float
    high: float
    value: float
    step: float


@dataclass(frozen=True)
class Preset:
    """Values that show something: numbers by the names of sliders, and ``steps``."""

    name: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """A curve in the plane that is shown, its parameter going over one of the two axes."""

    words: str
    place: tuple[Expr, Expr]
    over: Literal[0, 1]


@dataclass(frozen=True)
class Zero:
    """The zero of an equation in UNKNOWN, between two numbers at which it has different signs."""

    equation: Expr
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """What a formula says of the run that starts at a state, and the measure that it is held against.

    `value` is a number and perhaps the order of its error; `holds` has expressions that are positive where it speaks,
    each with what to say where it is not; `marks` are places in the plane, and `line` the panel with a line at the
    value.
    """

    words: str
    said: str
    value: tuple[Expr, ...]
    measure: str
    holds: tuple[tuple[Expr, str], ...] = ()
    otherwise: str = ""
    zero: Zero | None = None
    marks: tuple[tuple[Expr, Expr], ...] = ()
    line: Literal["loss", "sharpness"] | None = None


@dataclass(frozen=True)
class Stage:
    """A part of a flow: θ̇ = `pace` · `rates`, the time counted in steps.

    `enter` gives its state by that of the stage before, of the run's start for the first; `place` is where it is shown
    in the plane; `loss` and `others` are what it predicts besides the sharpness, the top eigenvalue of `hessian`.
    """

    state: tuple[Symbol, ...]
    before: tuple[Symbol, ...]
    enter: tuple[Expr, ...]
    rates: tuple[Expr, ...]
    hessian: Matrix
    place: tuple[Expr, Expr]
    loss: Expr
    others: tuple[Expr, ...] = ()
    pace: Expr = S.One
    direction: tuple[Symbol, ...] = ()
    watch: Expr | None = None
    following: int = 0


@dataclass(frozen=True)
class Compared:
    """A quantity of the flow at the last step: its sharpness, its loss, or one of its `others`; and its measure."""

    words: str
    said: str
    quantity: Literal["sharpness", "loss"] | int
    measure: str


@dataclass(frozen=True)
class Model:
    """What is run, what is shown of it, and what is predicted."""

    name: str
    title: str
    text: str  # what the model is, what is predicted and what is not, as an essay
    studies: tuple[str, ...]  # that derive what is predicted and test it
    dynamics: Map
    loss: Expr
    hessian: Matrix
    sliders: tuple[Slider, ...]
    steps: int
    presets: tuple[Preset, ...]
    plane: tuple[int, int]
    curves: tuple[Curve, ...]
    predictions: tuple[Prediction, ...]
    effective_step: Expr = STEP_SIZE  # what multiplies the gradient in a step
    edge: str = "2/η"  # 2 over that, in words
    loss_words: str = "loss"
    flow: str = ""  # what the stages are called
    unanswered: str = ""  # what is said where the flow does not begin
    stages: tuple[Stage, ...] = ()
    compared: tuple[Compared, ...] = ()

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """State and parameters."""
        return (*self.dynamics.state, *self.dynamics.parameters)

    def facts(self) -> dict[str, Any]:
        """What the page's scripts need to know besides the code."""
        return {
            "name": self.name,
            "title": self.title,
            "state": [symbol.name for symbol in self.dynamics.state],
            "parameters": [symbol.name for symbol in self.dynamics.parameters],
            "order": self.hessian.rows,
            "steps": self.steps,
            "sliders": {
                one.symbol.name: {"low": one.low, "high": one.high, "value": one.value} for one in self.sliders
            },
            "presets": [dict(one.values) for one in self.presets],
            "plane": self.plane,
            "curves": [{"words": one.words, "over": one.over} for one in self.curves],
            "predictions": [
                {
                    "words": one.words,
                    "measure": one.measure,
                    "reasons": [words for _, words in one.holds],
                    "otherwise": one.otherwise,
                    "unknown": [one.zero.low, one.zero.high] if one.zero else None,
                    "marked": bool(one.marks),
                    "line": one.line,
                }
                for one in self.predictions
            ],
            "edge": self.edge,
            "movingEdge": bool(self.effective_step.free_symbols & {*self.dynamics.state}),
            "lossWords": self.loss_words,
            "flow": self.flow,
            "unanswered": self.unanswered,
            "stages": [
                {
                    "order": one.hessian.rows,
                    "directed": bool(one.direction),
                    "watched": one.watch is not None,
                    "next": one.following,
                }
                for one in self.stages
            ],
            "compared": [
                {"words": one.words, "quantity": one.quantity, "measure": one.measure} for one in self.compared
            ],
        }

    def programs(self) -> dict[str, Program]:
        """The programs by the names that the page's scripts call them by."""
        return dict(self._programs())

    def code(self) -> str:
        """The programs as JavaScript."""
        return print_functions(self.programs())

    def _programs(self) -> Iterator[tuple[str, Program]]:
        yield "step", _program(self.dynamics.step, self.arguments)
        yield "loss", _program([self.loss], self.arguments)
        yield "hessian", _program(upper(self.hessian), self.arguments)
        yield "effective_step", _program([self.effective_step], self.arguments)
        for index, curve in enumerate(self.curves):
            yield f"curve{index}", _program(curve.place, (ALONG, *self.dynamics.parameters))
        for index, prediction in enumerate(self.predictions):
            with_zero = (*self.arguments, UNKNOWN) if prediction.zero else self.arguments
            yield f"prediction{index}_value", _program(prediction.value, with_zero)
            if prediction.holds:
                yield f"prediction{index}_holds", _program([one for one, _ in prediction.holds], self.arguments)
            if prediction.zero:
                yield f"prediction{index}_equation", _program([prediction.zero.equation], with_zero)
            if prediction.marks:
                places = [one for place in prediction.marks for one in place]
                yield f"prediction{index}_marks", _program(places, with_zero)
        for index, stage in enumerate(self.stages):
            own = (*stage.state, *self.dynamics.parameters)
            directed = (*own, *stage.direction)
            yield f"stage{index}_enter", _program(stage.enter, (*stage.before, *self.dynamics.parameters))
            yield f"stage{index}_pace", _program([stage.pace], self.arguments)
            yield f"stage{index}_rates", _program(stage.rates, directed)
            yield f"stage{index}_hessian", _program(upper(stage.hessian), own)
            yield f"stage{index}_shown", _program([*stage.place, stage.loss, *stage.others], directed)
            if stage.watch is not None:
                yield f"stage{index}_watch", _program([stage.watch], (*directed, SHARPNESS))


def upper(matrix: Matrix) -> list[Expr]:
    """The entries of the upper triangle, row by row."""
    return [matrix[i, j] for i in range(matrix.rows) for j in range(i, matrix.cols)]


def _program(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> Program:
    """The program of the expressions, compared with their values wherever NumPy can."""
    if any(one.has(LambertW, S.NaN) for one in expressions):
        return straight_line(list(expressions), arguments)
    return compile_function(list(expressions), arguments).program
