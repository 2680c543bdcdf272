"""The sharpness through training, in a loop of the user's own: `SharpnessTracker`.

`given` looks at what a tracker is made with; `checks` refuses losses that are no function of the weights, with
`repeats` those that change when they are evaluated again, with `derivatives` those that torch does not know the
derivatives of, with `composition` those that are not made up by their batches; `undisturbed` evaluates a module in the
middle of training so that training goes on as if nothing had happened. `reader` takes a reading, the critical step of
which is that of `critical`. `history` keeps the readings, beside which `rule_at_step` puts the optimizer's own edge,
and `picture` draws them.
"""

from numeric.networks.tracker.checks import check_evaluation, enough_memory
from numeric.networks.tracker.given import checked_loss
from numeric.networks.tracker.tracker import SharpnessTracker
from numeric.networks.tracker.undisturbed import undisturbed

__all__ = ["SharpnessTracker", "check_evaluation", "checked_loss", "enough_memory", "undisturbed"]
