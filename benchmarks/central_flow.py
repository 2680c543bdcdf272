"""What the central flow of a network costs and how near it comes to training, beside its authors' own program.

    python -m benchmarks.central_flow [--original FOLDER] [--rounds 3] [--steps 600]

FOLDER is a checkout of github.com/centralflows/centralflows, which takes cvxpy and cvxopt; without it only ours is run.
Both take the same network, 8–16–16–1 with tanh, and the same data and weights, at η = .1, in one thread; the original
in single precision and with the settings it has, four steps of Euler's method for one of training, and eigenvectors
anew for each step of training. They take turns, so many rounds. Shown are the medians of the processor's time,
gradients (a product with the Hessian counted as `numeric.networks.curvature` does, third derivatives as `edge_space`),
and the mean errors of the loss and of the sharpness against what training does on the average over two steps, relative.

The original has one call to CUDA for each matrix it makes, which is left out here, and reads its data sets with a
library of its own, which is not asked for: it is given the loss as a function of the weights.
"""

from __future__ import annotations

import importlib
import io
import statistics
import sys
import time
import types
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from analysis.central_flow.problems import Problem, regression
from benchmarks.command_line import check_whole_numbers, run
from eos_sym import BadInput
from numeric.compile import Array
from numeric.networks.curvature import HessianAt
from numeric.networks.flows import central_flow, two_step_averages
from numeric.networks.flows.edge_space import FIRST
from numeric.networks.training.optimizers import GradientDescent

ETA = 0.1


@dataclass(frozen=True)
class Options:
    """What to run."""

    original: Path | None = None
    """checkout of github.com/centralflows/centralflows"""
    rounds: int = 3
    """times that each flow is run"""
    steps: int = 600
    """of training"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "rounds")
        check_whole_numbers(self, 10, "steps")


@dataclass(frozen=True)
class Run:
    """Mean loss and sharpness over step 0 … T − 1, seconds and gradients."""

    loss: Array
    sharpness: Array
    seconds: float
    gradients: float


def ours(problem: Problem) -> Run:
    """The flow of this library."""
    began = time.process_time()
    told = central_flow(*problem.module(), optimizer=problem.rule, steps=problem.steps)
    spent = time.process_time() - began
    return Run(told.mean_loss.values[:-1], told.sharpness.values[:-1], spent, float(told.evaluations))


class Original:
    """The authors' program, from a checkout of it."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "src" / "processes.py").is_file():
            raise BadInput(f"--original {folder}: no checkout of github.com/centralflows/centralflows")
        datasets = types.ModuleType("src.datasets")
        datasets.__dict__["Examples"] = object
        sys.modules["src.datasets"] = datasets
        sys.path.insert(0, str(folder))
        try:
            self.processes, self.rules, self.losses = (
                importlib.import_module(f"src.{name}") for name in ("processes", "update_rules", "loss_function")
            )
        except ModuleNotFoundError as missing:
            raise BadInput(f"--original takes {missing.name}: pip install cvxpy cvxopt") from missing
        finally:
            sys.path.remove(str(folder))

    def __call__(self, problem: Problem) -> Run:
        """Its flow."""
        flow, counts = self._flow(problem)
        losses, sharpness = [], []
        began = time.process_time()
        with redirect_stdout(io.StringIO()), patch.object(torch.Tensor, "cuda", lambda tensor: tensor):
            for _ in range(problem.steps):
                flow.prepare()
                losses.append(float(flow.loss) + float(flow.X.sum()))
                sharpness.append(float(flow.eff_eigs[0]) / problem.rule.eta)
                flow.step()
        return Run(np.array(losses), np.array(sharpness), time.process_time() - began, counts["gradients"])

    def _flow(self, problem: Problem) -> tuple[Any, dict[str, float]]:
        module, criterion, inputs, targets = problem.module()
        module, inputs, targets = module.float(), inputs.float(), targets.float()
        shapes = {name: weight.shape for name, weight in module.named_parameters()}
        weights = torch.cat([weight.detach().reshape(-1) for weight in module.parameters()])

        def loss(flat: Tensor) -> Tensor:
            parts = flat.split([shape.numel() for shape in shapes.values()])
            named = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
            return criterion(torch.func.functional_call(module, named, (inputs,)), targets)

        of_weights = self.losses.LossFunction(loss)
        rule = self.rules.GradientDescent(problem.rule.eta)
        flow = self.processes.CentralFlow(
            opt=rule,
            loss_fn=of_weights,
            w=weights,
            state=rule.initialize_state(weights),
            eig_config=self.processes.EigConfig(frequency=1),
            config=self.processes.CentralFlowConfig(),
        )
        counts = {"gradients": 0.0}
        gradient, derivative, update = of_weights.grad_and_value, of_weights.D, flow.eig_manager.solver.update

        def counted_gradient(at: Tensor) -> Any:
            counts["gradients"] += 1
            return gradient(at)

        def counted_derivative(at: Tensor, order: int = 1, *along: Tensor) -> Any:
            if order == 3:
                counts["gradients"] += FIRST
            return derivative(at, order, *along)

        def counted_update(at: Tensor, P: Any = None) -> Any:
            eigenvalues, vectors, log = update(at, P=P)
            counts["gradients"] += HessianAt.cost * float(log["matvec_count"])
            return eigenvalues, vectors, log

        of_weights.grad_and_value, of_weights.D = counted_gradient, counted_derivative
        flow.eig_manager.solver.update = counted_update
        return flow, counts


def main(options: Options) -> None:
    """Run the flows in turns and print medians and errors."""
    torch.set_num_threads(1)
    problem = regression(0, GradientDescent(ETA), options.steps)
    trained = two_step_averages(*problem.module(), optimizer=problem.rule, steps=options.steps)
    flows = {"ours": ours}
    if options.original is not None:
        flows["the original"] = Original(options.original)
    rounds = [{name: flow(problem) for name, flow in flows.items()} for _ in range(options.rounds)]
    table = Table(title=f"{options.steps} steps of gradient descent, η = {ETA:g}", title_justify="left")
    for heading in ("flow", "seconds", "gradients", "error of the loss", "error of the sharpness"):
        table.add_column(heading, justify="left" if heading == "flow" else "right")
    steps = trained.step.values
    for name in flows:
        one = rounds[0][name]
        of_loss = np.abs(one.loss[steps] / trained.loss.values - 1).mean()
        of_sharpness = np.nanmean(np.abs(one.sharpness[steps] / trained.sharpness.values - 1))
        seconds = statistics.median(each[name].seconds for each in rounds)
        table.add_row(name, f"{seconds:.1f}", f"{one.gradients:.0f}", f"{of_loss:.2%}", f"{of_sharpness:.2%}")
    Console().print(table)
    if options.original is None:
        print("The original is not run: give --original, a checkout of github.com/centralflows/centralflows.")


if __name__ == "__main__":
    run("python -m benchmarks.central_flow", Options, main)
