"""Proofs, in ball arithmetic, that a start escapes or stays bounded for ever.

The orbit is enclosed by balls of `BITS` bits until it is proved to lie where it does not return from, or in a set that
is kept; both are derived in `analysis.basins.theory`.

    no return    gP ≥ (4/3)(x² + y²)
    degree 2     the filled ellipse h(x² + y²) − h²(xy − 1) ≤ 4
    degree 4     a box |P| ≤ p, |D| ≤ d, D = x² − y², with |P'| ≤ p and g² ≤ 2 for all of its points: then |D'| ≤ |D|

The boxes are certified by subdivision: P in `CELLS` intervals, the square s between 2|P| and √(d² + 4P²).
Step sizes and starts are the rationals that the floats are. Rounding in a simulation is what the proofs have no part
in: of a chaotic orbit the simulated one is another than the exact one after about 40 steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
import xarray as xr
from flint import arb, ctx

from analysis.basins.ends import BESIDE, CODES, Losses
from numeric.compile import Array

BITS = 1024
STEPS = 2000  # after which nothing is proved of a start
CELLS = 100
HALVINGS = 12
HEIGHTS = [1 + 0.05 * index for index in range(1, 25)]  # p of the boxes


@dataclass(frozen=True)
class Proofs:
    """The proofs for one loss at its own step size."""

    degree: int
    step_size: float

    def _pull(self, product: arb) -> arb:
        slope = product - 1 if self.degree == 2 else product * (product * product - 1)
        return arb(self.step_size) * slope

    def outcome(self, x: float, y: float, steps: int = STEPS) -> str:
        """``diverged`` or ``bounded``, whichever is proved within so many steps, or ``undecided``."""
        with ctx.workprec(BITS):
            first, second = arb(x), arb(y)
            for _ in range(steps):
                product, square = first * second, first * first + second * second
                pull = self._pull(product)
                if 3 * pull * product >= 4 * square:
                    return "diverged"
                if self._kept(product, square, first * first - second * second):
                    return "bounded"
                first, second = first - pull * second, second - pull * first
        return "undecided"

    def inside(self, x: float, y: float) -> bool:
        """Whether the start is proved to be in the filled ellipse of degree 2."""
        with ctx.workprec(BITS):
            first, second = arb(x), arb(y)
            return self._kept(first * second, first * first + second * second, first * first - second * second)

    def outcomes(self, x: Array, y: Array, steps: int = STEPS) -> list[str]:
        """The same for many starts."""
        return [self.outcome(*start, steps) for start in zip(x.tolist(), y.tolist(), strict=True)]

    def _kept(self, product: arb, square: arb, imbalance: arb) -> bool:
        if self.degree == 2:
            h = arb(self.step_size)
            return bool(h * square - h * h * (product - 1) <= 4)
        return any(abs(product) <= height and abs(imbalance) <= width for height, width in self.boxes)

    @cached_property
    def boxes(self) -> list[tuple[float, float]]:
        """(p, d) of certified boxes at degree 4, the widest found for each height."""
        widest = [(height, _largest(partial(self.keeps, height), 8 / self.step_size)) for height in HEIGHTS]
        return [(height, width) for height, width in widest if width > 0]

    def keeps(self, height: float, width: float) -> bool:
        """Whether the box |P| ≤ height, |D| ≤ width is proved to be kept; by symmetry P ≥ 0 is enough."""
        for index in range(CELLS):
            product = (arb(index) / CELLS).union(arb(index + 1) / CELLS) * arb(height)
            low, high = 2 * arb(height) * index / CELLS, 2 * arb(height) * (index + 1) / CELLS
            square = low.union((arb(width) ** 2 + high**2).sqrt())
            pull = self._pull(product)
            if not (pull * pull <= 2 and abs(product * (1 + pull * pull) - pull * square) <= height):
                return False
        return True


def _largest(holds: Callable[[float], bool], high: float) -> float:
    """The largest argument for which a condition holds that fails from some argument on, by bisection; 0 if none."""
    low = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def proved(losses: Losses, degree: int, at_a: Array, at_b: Array) -> list[str]:
    """What is proved of starts (a, b)."""
    start = losses.start_at(degree, xr.DataArray(at_a, dims="start"), xr.DataArray(at_b, dims="start"))
    return Proofs(degree, losses.step_size(degree)).outcomes(start["x"].values, start["y"].values)


def proved_starts(losses: Losses, seed: int, window: xr.Dataset, count: int) -> tuple[list[str], list[str]]:
    """What is proved and what was simulated at random starts of a window of one degree."""
    generator = np.random.default_rng(seed)
    rows, columns = (generator.integers(0, window.sizes[name], count) for name in ("row", "column"))
    diverged = window.outcome.values[rows, columns] == CODES["diverged"]
    proofs = proved(losses, int(window.degree), window.a0.values[columns], window.b0.values[rows])
    return proofs, np.where(diverged, "diverged", "bounded").tolist()


def proved_alternations(losses: Losses, line: xr.Dataset) -> tuple[int, int]:
    """How often bounded and diverging starts alternate along a line, proved; and how many starts are unproved."""
    proofs = proved(losses, int(line.degree), np.full(line.sizes["row"], line.a0.item()), line.b0.values)
    known = [outcome for outcome in proofs if outcome != "undecided"]
    return sum(first != second for first, second in pairwise(known)), len(proofs) - len(known)


def proved_outside(losses: Losses, seed: int, plane: xr.Dataset, count: int) -> list[str]:
    """What is proved of so many random starts of the square outside the ellipse of degree 2, however they ended."""
    proofs, generator = Proofs(2, losses.step_size(2)), np.random.default_rng(seed)
    found: list[str] = []
    while len(found) < count:
        x, y = (float(generator.choice(plane[name].values)) for name in ("x0", "y0"))
        if not proofs.inside(x, y):
            found.append(proofs.outcome(x, y))
    return found


def proved_beside_the_cycles(losses: Losses) -> str:
    """What is proved on y = x beside the two-cycles x ↦ −x of degrees 2 and 4, within them and beyond."""
    found = []
    for degree in (2, 4):
        point, proofs = losses.cycle_point(degree), Proofs(degree, losses.step_size(degree))
        found += [proofs.outcome(place, place) for place in (point * (1 - BESIDE), point * (1 + BESIDE))]
    return ", ".join(found)
