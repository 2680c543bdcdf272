"""The loss of a user's module in double precision, on a copy: for what is made of differences of gradients.

In single precision little is left of such differences. Module, data and a criterion that is a module are copied, in
float64, and the copy alone is evaluated: the user's module stays as it is. Both are checked as a tracked one is.

Errors: `BadInput` for what `numeric.networks.tracker.checks` refuses, and for a loss that is not computed in double
precision even so.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn
from torch.optim import Optimizer

from eos_sym import BadInput
from numeric.networks.loss import FlatLoss
from numeric.networks.loss.precision import coarsest_precision
from numeric.networks.tracker.checks import check_evaluation, check_start
from numeric.networks.tracker.undisturbed import undisturbed


def exact_copy(loss: FlatLoss, optimizer: Optimizer | None = None) -> FlatLoss:
    """The loss, checked, in float64, of copies that are never touched."""
    check_evaluation(loss, optimizer)
    check_start(loss)
    module, criterion = copy.deepcopy(loss.module).double(), loss.criterion
    if isinstance(criterion, nn.Module):
        criterion = copy.deepcopy(criterion).double()
    inputs, targets = (one.double() if one.is_floating_point() else one for one in (loss.inputs, loss.targets))
    double = replace(loss, module=module, criterion=criterion, inputs=inputs, targets=targets)
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
