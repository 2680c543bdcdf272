"""The loss of a user's module in double precision, on a copy: for what is made of differences of gradients.

In single precision little is left of such differences. Module, data and a criterion that is a module are copied, in
float64, and the copy alone is evaluated: the user's module stays as it is. Both are checked as a tracked one is. What
needs such a copy takes module and criterion apart: the criterion may depend on the weights by the outputs alone.

Errors: `BadInput` for what `numeric.networks.tracker.checks` refuses, for a criterion that uses weights itself, and for
a loss that is not computed in double precision even so.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim import Optimizer

from eos_sym import BadInput
from numeric.networks.loss import FlatLoss
from numeric.networks.loss.precision import coarsest_precision
from numeric.networks.loss.wrong_derivatives import parameters_in
from numeric.networks.tracker.checks import SAMPLE, check_evaluation, check_start
from numeric.networks.tracker.undisturbed import undisturbed


def exact_copy(loss: FlatLoss, optimizer: Optimizer | None = None) -> FlatLoss:
    """The loss, checked, in float64, of copies that are never touched."""
    check_evaluation(loss, optimizer)
    check_start(loss)
    with undisturbed(loss.whole):
        _check_apart(loss)
    module, criterion = copy.deepcopy(loss.module).double(), loss.criterion
    if isinstance(criterion, nn.Module):
        criterion = copy.deepcopy(criterion).double()
    double = loss.in_double(module, criterion)
    try:
        check_start(double)
        with undisturbed(module):
            precision = coarsest_precision(double, double.parameters)
    except BadInput as error:
        raise BadInput(f"in double precision, which is needed here: {error}; make all constants float64") from error
    if precision != torch.float64:
        raise BadInput(
            f"double precision is needed here, the loss is computed in {precision} in part: let module and criterion"
            " compute in the precision of their inputs"
        )
    return double


def _check_apart(loss: FlatLoss) -> None:
    """Refuse a criterion that uses what is trained otherwise than by the module's outputs."""
    leaves = {name: piece.detach().requires_grad_() for name, piece in loss.split(loss.parameters).items()}
    (inputs, targets), _ = next(loss.sample(SAMPLE).batches())
    own = {id(one): name for name, one in loss.named_parameters.items()}
    for leaf in parameters_in(loss.criterion(loss.outputs(leaves, inputs), targets)):
        if id(leaf) in own:
            raise BadInput(
                f"the criterion uses '{own[id(leaf)]}' itself (a penalty?): here that has to be computed in the forward"
                " pass of the module, and handed on by the criterion"
            )
