"""The edge law on networks: what the sharpness is while a network is at the edge, and where it ends.

The edge law (`analysis.edge_law`) is derived at a minimum with a gap in its spectrum and without a drift; networks have
neither. What remains of it, and what takes its place, is tested on runs of small networks that cross 2/η and converge.

*The midpoint identity.* Let θ̄ be the midpoint of two steps, S_mid the sharpness there, u its eigenvector, x the
oscillation along u, q = x² and ρ the rate at which it grows. Where one eigenvalue is at the edge,

    S_mid = (1 + e^ρ)/η − Qq/6,    Q = ∇⁴L(u,u,u,u),

at every step, whatever the run does: it needs neither a split of the spectrum nor a minimum. As q → 0 it is the
multiplier of the oscillation, and the gap of a run that converges is half the rate at which q decays in the time ηt.

*Where it ends.* Two models are made at the last crossing of 2/η and followed to their rest: in function space (F) the
outputs of the network are linear across u, exact along it, and the loss is applied to them exactly; the equation with
memory (M) expands along u, and moves what is across by Gauss–Newton's matrix. Both are of a network whose drive dies
with its residuals. F can be made again every 100 steps at the weights that it has come to itself, which costs about as
much as training (`rebuilt`). A run ends when the sharpness is settled: the slowest residuals may need 10⁵ steps more
(`training.settling`). The edge law assumes that there is no drive while the oscillation dies, which a network has. Runs
that converge above 2/η are left out, and counted in the summary: these minima are unstable, and an oscillation had not
yet grown there. Which crossing is the last one is known afterwards.

*Hovering.* The oscillation at which a network stays is the one that balances the drift, q = 2α/β, if α and β are taken
in the same projection. Kicked, it comes back with the multipliers μ = 1 + ηs of s − qQ_e/3 + q Σ t_j²/(s + λ_j) = 0,
where the spectrum need not be split into slow and fast. The threshold of that equation is tested by kicks on losses
that are made for it, which know nothing of multipliers.

*Bursting.* What becomes of the oscillation where a second eigenvalue is at the edge is in the determinant of two modes,
or three. Where the central flow takes an oscillation of rank two, no two-cycle holds the edge, and the modes take
turns.

*The rate law.* A drive that decays at the rate ν while the network hovers leaves the gap ν/2; a first guess of ν is the
smallest root of Σ t_j²/(λ_j − ν) = 0.

*Bounds.* Those of F and M, and that of ηλ₂/2, are from a prototype on other runs. Those of the amplitude, of the
kicks and of what is near a cycle were set when runs of the same networks had been looked at, and that the identity
leaves less than ten times its estimate, in nine readings of ten, with these runs at hand: on them they describe more
than they test.
"""

from dataclasses import dataclass

from analysis.study import CommonOptions, Study
from eos_sym.errors import BadInput

study = Study(__name__, source="derived here; cf. Gan 2026a, 2026b")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Small networks that cross 2/η and converge: their sharpness on the way and in the end, against the theory."""

    workers: int | None = None
    """how many batches of runs are trained at a time; as many as there are cores if not given"""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")


from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from analysis.edge_law_network.ending.decay import decay, rate_law
from analysis.edge_law_network.ending.errors import better_made_again, foretold, law_misses, outcomes, table, trust
from analysis.edge_law_network.figure import draw
from analysis.edge_law_network.hovering.bursts import hover_or_burst, ranks, two_modes
from analysis.edge_law_network.hovering.kicks import amplitudes, answers, kicks
from analysis.edge_law_network.hovering.one_mode import one_mode
from analysis.edge_law_network.hovering.windows import hovering
from analysis.edge_law_network.midpoints import identity_holds
from analysis.edge_law_network.runs import Read, combined, joined, planned, readings, work_off
from analysis.edge_law_network.training.descents import Descents
from analysis.study import Pieces

study.measurement(planned)


@study.measurement
def histories(planned: tuple[Descents, ...], folder: Path, options: Options) -> Mapping[Descents, xr.Dataset]:
    """The batches of runs, with the weights that were kept."""
    return work_off(planned, folder, options.workers)


@study.measurement
def read(histories: Mapping[Descents, xr.Dataset], folder: Path, options: Options) -> Mapping[Read, xr.Dataset]:
    """What the theory says of them."""
    return work_off(readings(histories, options), folder, options.workers)


@study.experiment
def training(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """What was recorded of all runs."""
    return combined(histories)


@study.experiment
def midpoints(read: Mapping[Read, xr.Dataset]) -> xr.Dataset:
    """Both sides of the midpoint identity along all runs that reach their edge."""
    return joined(read, "reading")


@study.experiment
def ends(read: Mapping[Read, xr.Dataset]) -> xr.Dataset:
    """Where the runs end that cross and converge, and what is said of that."""
    return joined(read, "run")


for experiment in (hovering, one_mode, two_modes, decay):
    study.experiment(experiment)
study.measurement(kicks)


@study.claim(
    "where one mode is at the edge of a network and the estimated error is small, S_mid = (1 + e^ρ)/η − Qq/6; what is "
    "left is less than ten times its estimate in nine readings of ten; the rate of two steps, "
    "½ ln|x_{{t+1}}/x_{{t−1}}|, is that of half a step earlier, and leaves more; so does the first order in ρ",
    open=True,
)
def midpoint_identity(midpoints: xr.Dataset) -> Pieces:
    """Both sides of the identity along the runs."""
    return identity_holds(midpoints)


@study.claim(
    "of runs that end below 2/η, where from the last crossing on the oscillation stays below .05 and the excess below "
    "15 %, F foretells the gap within 10 % in the median, with a correlation of .9 or more; so M foretells it",
    open=True,
)
def terminal_sharpness(ends: xr.Dataset) -> Pieces:
    """Median errors and correlations of the two models."""
    return foretold(ends)


@study.claim(
    "of the same runs, F made again every 100 steps, at the weights that it has come to itself, foretells the gap with "
    "a smaller error than F; it takes as many gradients as training or more",
    open=True,
)
def made_again(ends: xr.Dataset) -> Pieces:
    """The error over that of F, and the cost over that of training."""
    return better_made_again(ends)


@study.claim(
    "of runs that end below 2/η, where from the last crossing on the oscillation stays below .05 and the excess below "
    "15 %, the edge law's limit is too deep; it and the law with Lambert's W foretell the gap less well than F",
    open=True,
)
def edge_law(ends: xr.Dataset) -> Pieces:
    """The law beside the model, on the same runs."""
    return law_misses(ends)


@study.claim(
    "M and F say when to believe F of runs that end below 2/η: where they agree within a tenth its median error is at "
    "most a tenth; where they differ it is larger",
    open=True,
)
def agreement_is_trust(ends: xr.Dataset) -> Pieces:
    """The error of F on either side."""
    return trust(ends)


@study.claim(
    "networks that hover swing by q = 2α/β with α and β in the same projection, of all directions; of the slow ones "
    "alone, ηλ up to 0.1 … 0.003, as well; mixed, α of all and β of the slow ones, it is too large",
    open=True,
)
def amplitude(hovering: xr.Dataset) -> Pieces:
    """Measured against balanced oscillations."""
    return amplitudes(hovering)


@study.claim(
    "a kick of 10 % that excites one pair of multipliers dies out with the damping and period of "
    "s − qQ_e/3 + q Σ t_j²/(s + λ_j) = 0 or, of several modes, det[sI − D + qG(s)] = 0, within 15 % in the median, and "
    "in some kick of ten runs or more; the whole answer is the predicted one, nothing fitted, within 30 % in the "
    "median; with a split of the spectrum both are further off",
    open=True,
)
def answer(kicks: xr.Dataset) -> Pieces:
    """Damped cosines through the answers against the multipliers."""
    return answers(kicks)


@study.claim(
    "which windows at the edge burst and which hover is told by det[sI − D + qG(s)] = 0, and by ηλ₂/2, more often than "
    "by what most do; the former tells more of them than "
    "ηλ₂/2 < 0.985 does, and so is better than that; with one mode the threshold Q* and Ω are those at which kicks "
    "begin to grow and turn, and say what the multipliers say",
    open=True,
)
def bursting(hovering: xr.Dataset, one_mode: xr.Dataset) -> Pieces:
    """Both criteria on the same windows, and kicks at the threshold of one mode."""
    return hover_or_burst(hovering, one_mode)


@study.claim(
    "where the central flow takes an oscillation of rank two, gradient descent on a loss of two modes bursts, and its "
    "time average is that covariance, where rank one does, it hovers; networks burst more often there; always",
    open=True,
)
def rank(hovering: xr.Dataset, two_modes: xr.Dataset) -> Pieces:
    """The loss of two modes, and the windows with two eigenvalues at the edge."""
    return ranks(hovering, two_modes)


@study.claim(
    "the gap of a run that converges below 2/η is half the smallest root of Σ t_j²/(λ_j − ν) = 0, or 3β/(2|κ₄|) if "
    "that is less; the rate at which its oscillation no longer follows the drive is a worse guess; so is the limit "
    "formula of the edge law",
    open=True,
)
def rate(decay: xr.Dataset) -> Pieces:
    """Three guesses of the gap."""
    return rate_law(decay)


@study.summary
def summary(training: xr.Dataset, ends: xr.Dataset) -> Mapping[str, Any]:
    """What came of the runs, and the errors by the later peak."""
    return {**outcomes(training, ends), **table(ends)}


@study.figure
def figure(
    midpoints: xr.Dataset, ends: xr.Dataset, hovering: xr.Dataset, two_modes: xr.Dataset, decay: xr.Dataset
) -> Figure:
    """The midpoint identity, what it leaves, gaps foretold and by the edge law; hovering; the rate law."""
    return draw(midpoints, ends, hovering, two_modes, decay)


if __name__ == "__main__":
    study.main()
