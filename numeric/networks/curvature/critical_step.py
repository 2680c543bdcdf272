"""The critical step size η_c by forward passes alone: how far along a direction d the loss does not rise.

    f(η) = L(θ − η d) − L(θ),     f(η) ≤ 0 at `lower`,  f(η) > 0 at `upper`,     λ_c = 2/η_c

is a measure of curvature that needs no second derivative, so that it may be had of fused attention, of compiled and
quantized modules, and of networks of any size. It is another quantity than the sharpness. On a quadratic, along the
gradient g,

    η_c = 2 ‖g‖²/(g·Hg),        λ_c = g·Hg/‖g‖² = Σ λᵢ (uᵢ·g)²/‖g‖² ≤ λ₁,

the mean of the eigenvalues weighted by the gradient; along the update of an optimizer, d = P⁻¹ m, it is d·Hd/(g·d).

*The search.* φ(η) = f(η)/η is −g·d at 0, a straight line where the loss is a quadratic on it, and 0 at η_c. So the
first pass, at a guess, and the slope tell where φ vanishes, and two more passes, `relative` apart around that place,
have it between them. Where the loss is no quadratic the line is drawn anew through the ends of what has η_c between
them, and that is halved where the line gains little. Without the slope one more pass takes its place.

`critical_step_along` evaluates a network's loss in place, with other weights in its module for the time of a pass, and
asks for nothing but its value; a module that notes what it evaluates is to be `undisturbed` meanwhile.

A line may be crossed more than once, and what is found is a crossing near the guess, not always the first one. Of a
function in float32 f is known to about eps·L: where this is more than `relative` of the depth of f, the status says so.

    status   converged; rounding, as above; unfinished, after `most_passes`; unbounded, the loss does not rise at any
             step up to 2^20 guesses, and `upper` is infinite; ascending, it rises at every step down to 2^−20 of it,
             and `lower` is 0

Units: a forward pass is about a third of a gradient. Errors: `BadInput` for a guess, a precision, a number of passes
or a loss at 0 that is none, and for a direction that is not finite or not of θ's shape. Source:
:cite:t:`kalra2026critical`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.loss import BatchedLoss
from numeric.values import non_negative_number, positive_number, real_number, whole_number

FARTHEST = 2.0**20  # of the guess, to either side
LEAP = 16.0  # how far beyond what was seen a line is believed
ROUNDINGS = 4  # how far off a value of a loss is, relative to it, in those of its numbers
LEAST_GAIN = 0.5  # what two passes shrink the bracket to, in its logarithm, or it is halved


@dataclass(frozen=True)
class CriticalStep:
    """The largest step found that does not raise the loss, and the least one beyond it that does."""

    lower: float
    upper: float
    passes: int
    status: str

    @property
    def step(self) -> float:
        """η_c, the geometric mean of the two; infinite where the loss does not rise, 0 where it does at once."""
        return math.inf if self.status == "unbounded" else math.sqrt(self.lower * self.upper)

    @property
    def sharpness(self) -> float:
        """λ_c = 2/η_c; 0 where the loss does not rise, infinite where it does at once."""
        return 2 / self.step if self.step else math.inf


def critical_step(
    value: Callable[[float], float],
    *,
    start: float,
    guess: float,
    slope: float | None = None,
    relative: float = 0.05,
    rounding: float = 0.0,
    most_passes: int = 40,
) -> CriticalStep:
    """The critical step of `value`, η ↦ L(θ − η d), whose value at 0 is `start`; `slope` is g·d, if that is known.

    `rounding` is the error of a value of the loss relative to `start`: 1e-7 or so of one computed in float32.
    """
    guess = positive_number("guess", guess)
    relative = positive_number("relative", relative, most=1.0)
    rounding = non_negative_number("rounding", rounding)
    whole_number("most_passes", most_passes, least=3)
    if not math.isfinite(start := real_number("start", start)):
        raise BadInput(f"start = {start}: must be finite, the loss at η = 0")
    search = _Search(value, start, guess, None if slope is None else float(slope), 1 + relative)
    while search.passes < most_passes:
        if search.low and search.high / search.low <= (1 + relative) * (1 + 1e-12):
            depth = search.deepest
            return search.found("converged" if rounding * abs(start) <= relative * depth else "rounding")
        if search.low > FARTHEST * guess:
            return search.found("unbounded")
        if search.high < guess / FARTHEST:
            return search.found("ascending")
        search.look(search.next_step())
    return search.found("unfinished")


def critical_step_along(
    loss: BatchedLoss,
    direction: Tensor,
    *,
    guess: float,
    start: float | None = None,
    slope: float | None = None,
    relative: float = 0.05,
) -> CriticalStep:
    """The critical step of a loss from the module's weights along −direction, (p,).

    `start` is the loss there, which is trusted; without it, that is one pass more.
    """
    weights = loss.parameters
    if not isinstance(direction, Tensor) or direction.shape != weights.shape or not direction.isfinite().all():
        kind = f"of shape {(*direction.shape,)}" if isinstance(direction, Tensor) else type(direction).__name__
        raise BadInput(f"direction: {kind}; must be a tensor, finite, of shape {(*weights.shape,)}")

    def value(eta: float) -> float:
        return float(loss.value(weights - eta * direction))

    rounding = ROUNDINGS * torch.finfo(weights.dtype).eps
    if start is not None:
        return critical_step(value, start=start, guess=guess, slope=slope, relative=relative, rounding=rounding)
    found = critical_step(value, start=value(0.0), guess=guess, slope=slope, relative=relative, rounding=rounding)
    return replace(found, passes=found.passes + 1)


class _Search:
    """What is known of φ: (low, φ(low)) below the crossing, (high, φ(high)) beyond it, and the point before them."""

    def __init__(
        self, value: Callable[[float], float], start: float, guess: float, slope: float | None, ratio: float
    ) -> None:
        self.value, self.start, self.guess, self.ratio = value, start, guess, ratio
        self.low, self.high = 0.0, math.inf
        self.at_low, self.at_high = (math.nan if slope is None else -slope), math.nan
        self.before: tuple[float, float] | None = None  # the last low, from which a line goes beyond the present one
        self.deepest = 0.0  # the largest fall seen
        self.passes = 0
        self.widths: list[float] = []  # logarithms of high/low, where both are known

    def look(self, step: float) -> None:
        """One forward pass."""
        fall = self.value(step) - self.start
        self.passes += 1
        if fall <= 0:
            self.before = self.low, self.at_low
            self.low, self.at_low = step, fall / step
            self.deepest = max(self.deepest, -fall)
        else:  # not a number, too
            self.high, self.at_high = step, fall / step
        if self.low and self.high < math.inf:
            self.widths.append(math.log(self.high / self.low))

    def next_step(self) -> float:
        """Where to look next: on one side of where the line crosses, then on the other, `ratio` apart."""
        if not self.passes:
            return self.guess
        crossing = self.crossing()
        if not self.widths:  # η_c is on one side of all that was seen: further and further away from that
            least = min(1.5 * 2.0 ** (self.passes - 2), LEAP)
            if self.high == math.inf:
                return min(max(crossing * math.sqrt(self.ratio), least * self.low), LEAP * self.low)
            return max(min(crossing / math.sqrt(self.ratio), self.high / least), self.high / LEAP)
        slow = len(self.widths) > 2 and self.widths[-1] > LEAST_GAIN * self.widths[-3]
        if slow or not self.low < crossing < self.high:
            return math.sqrt(self.low * self.high)
        below, beyond = self.high / self.ratio, self.low * self.ratio
        if below <= crossing * math.sqrt(self.ratio):
            return below
        if beyond >= crossing / math.sqrt(self.ratio):
            return beyond
        return crossing * math.sqrt(self.ratio)

    def crossing(self) -> float:
        """Where the line through two known points of φ vanishes; far away where it does not rise, or is not known."""
        if self.high < math.inf:
            here, there = (self.low, self.at_low), (self.high, self.at_high)
            otherwise = self.high / 2
        else:
            here, there = self.before or (0.0, math.nan), (self.low, self.at_low)
            otherwise = 2 * self.low
        rise = (there[1] - here[1]) / (there[0] - here[0])
        if not 0 < rise < math.inf:
            return otherwise
        return here[0] - here[1] / rise

    def found(self, status: str) -> CriticalStep:
        """The answer as it stands."""
        return CriticalStep(self.low, self.high, self.passes, status)
