"""A torch optimizer that takes the steps of a rule's formula.

    optimizer = FormulaOptimizer(model.parameters(), SharpnessAwareMinimization(True).update, {"eta": 0.1, "rho": 0.05})
    optimizer.step(evaluate)

`step` is given a function as torch's own optimizers are: one that evaluates the loss where the parameters are, leaves
the gradient in them, and returns the loss. It is called first, at θ, and again at every other point at which the rule
takes a gradient; the gradient at θ is in the parameters afterwards. A rule that takes none elsewhere and does not read
the loss needs no function: it steps along the gradients that the parameters hold. Buffers, such as the means of batch
normalization, take part in every evaluation.

The step size is ``lr`` of the one parameter group, as schedulers expect, and the own variables of the rule are in the
optimizer's state, by names of one's choice: with those of torch.optim a ``state_dict`` of torch's optimizer is
understood. A parameter without a gradient stays where it is.

Errors: `BadInput` for parameters without a value, for groups of parameters, and for what `program` and `points` refuse.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from sympy import Expr
from torch import Tensor, nn

from eos_sym import BadInput
from eos_sym.rules import STEP_SIZE, THETA, Update
from numeric.networks.training.optimizers.numbers import evaluator
from numeric.networks.training.optimizers.program import CLOSURE, GRADIENT, LOSS, Program, Registers


class FormulaOptimizer(torch.optim.Optimizer):
    """θ and the own variables, each as the formula says; `preconditioner` is its P, if it has one that varies."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        update: Update,
        values: Mapping[str, float],
        *,
        stored_as: Mapping[str, str] | None = None,
        preconditioner: Expr | None = None,
    ) -> None:
        missing = sorted({parameter.name for parameter in update.parameters} - values.keys())
        if missing:
            raise BadInput(f"{', '.join(missing)}: a parameter of the rule without a value; give one")
        self.update, self._program = update, Program(update)
        self._values = {name: float(value) for name, value in values.items()}
        names = {own.name: own.name for own in update.own} | {number.name: number.name for number in update.numbers}
        self._stored_as = names | dict(stored_as or {})
        self._own = [own.name for own in update.own]
        self._preconditioner = None if preconditioner is None else evaluator(preconditioner)
        super().__init__(parameters, {"lr": self._values[STEP_SIZE.name]})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take the parameters, all at once."""
        if self.param_groups:
            raise BadInput("groups of parameters: a formula has one step size; give the parameters themselves")
        inspect.unwrap(torch.optim.Optimizer.add_param_group)(self, param_group)  # its wrapper imports the compiler

    @property
    def elsewhere(self) -> bool:
        """Whether the rule takes gradients at other points, so that `step` needs a function that evaluates them."""
        return self._program.elsewhere

    @property
    def values(self) -> dict[str, float]:
        """The rule's parameters as they are now, by name."""
        return {**self._values, STEP_SIZE.name: float(self.param_groups[0]["lr"])}

    @property
    def preconditions(self) -> bool:
        """Whether the rule has a P that varies."""
        return self._preconditioner is not None

    def diagonal(self, parameter: Tensor) -> Tensor | None:
        """P of the last step for this parameter, if there was one."""
        state = self.state.get(parameter)
        if self._preconditioner is None or not state:
            return None
        own: Registers = {name: state[stored] for name, stored in self._stored_as.items()}
        own |= {name: float(own[name]) for name in self._program.numbers}
        found: Tensor = self._preconditioner(self._values | own)
        return found

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step along the gradients that the parameters hold, or that the function leaves in them."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if loss is None and self._program.needs_loss:
            raise BadInput("the rule needs the loss: give step() a function that returns the loss")
        (group,) = self.param_groups
        moving = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not moving:
            return loss
        states = [self.state[parameter] or self._begin(parameter) for parameter in moving] if self._stored_as else []
        values: Registers = {**self._values, STEP_SIZE.name: group["lr"], THETA.name: moving, CLOSURE: closure}
        values[GRADIENT.name] = [parameter.grad for parameter in moving]
        values[LOSS.name] = None if loss is None else loss.detach()
        for name in self._own:
            stored = self._stored_as[name]
            values[name] = [state[stored] for state in states]
        for name in self._program.numbers:
            values[name] = float(states[0][self._stored_as[name]])
        for operation in self._program.operations:
            operation(values)
        for name, new in self._program.numbers.items():
            for state in states:
                state[self._stored_as[name]].fill_(values[new])
        return loss

    def _begin(self, parameter: Tensor) -> dict[str, Tensor]:
        """The own variables at the start, 0."""
        state: dict[str, Tensor] = self.state[parameter]
        state |= {self._stored_as[name]: torch.zeros_like(parameter) for name in self._own}
        state |= {self._stored_as[name]: torch.tensor(0.0) for name in self._program.numbers}
        return state
