"""The runs: two rules, two momentum coefficients, two edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import xarray as xr
from sympy import solve

from analysis.progress import Advance
from analysis.training import TrainingOptions, train
from eos_sym.rules import MOMENTUM, STEP_SIZE
from eos_sym.rules import optimizers as rules
from eos_sym.stability import critical_sharpness
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov, Rule
from numeric.runs import combine

NAME = "momentum_network"
FORMULAS: Mapping[str, rules.Rule] = {"heavy_ball": rules.HeavyBall(), "nesterov": rules.Nesterov()}
RULES: Mapping[str, Callable[[float, float], Rule]] = {"heavy_ball": HeavyBall, "nesterov": Nesterov}
MOMENTA = (0.5, 0.9)
QUICK_EDGES, FULL_EDGES = (5.5, 6.5), (60.0, 100.0)
QUICK = Experiment(
    data=Digits(examples=400),
    network=FullyConnected((50, 50)),
    rule=GradientDescent(1.0),  # in its place comes each of the rules
    steps=500,
    measure=Measure(every=8),
)
FULL = replace(QUICK, network=FullyConnected((200, 200)), steps=10_000, measure=Measure(every=50))


def step_size(name: str, momentum: float, edge: float) -> float:
    """The step size at which this rule has its critical sharpness there."""
    (solution,) = solve(critical_sharpness(FORMULAS[name]) - edge, STEP_SIZE)
    return float(solution.subs(MOMENTUM, momentum))


def runs(options: TrainingOptions, progress: Advance) -> xr.Dataset:
    """The histories along (rule, momentum, edge); the edges are those aimed at, and ascend."""
    quick = options.preset == "quick"
    base = QUICK if quick else replace(FULL, data=options.cifar())
    edges = QUICK_EDGES if quick else FULL_EDGES
    experiments = [
        replace(base, rule=RULES[name](step_size(name, momentum, edge), momentum), seed=options.seed)
        for name in RULES
        for momentum in MOMENTA
        for edge in edges
    ]
    histories = train(NAME, options, experiments, progress)
    histories = [history.assign(ending=history.attrs["ending"]) for history in histories]
    return combine(histories, {"rule": list(RULES), "momentum": MOMENTA, "edge": edges})
