"""How far progressive sharpening goes along the gradient flow, as one factor varies: what five analyses share.

Networks are trained along the gradient flow θ̇ = −∇L(θ), where no step size limits the sharpness S, from several random
starts for each value of the factor, up to a goal: an accuracy, or a loss. There

    sharpening    S(end)/S(0): by how much the sharpness at the goal exceeds the one at the start
    change        |log S(end)/S(0)|: how far it has moved, in either direction

The same seed stands for the same random numbers at every value of the factor, so the runs of one seed make a series,
and trends are tested within series. One run of each factor is repeated by gradient descent with a step size far below
2/S: another method of integration, which has to find the same sharpness at the same time.
"""

from analysis.training.sharpening.claims import trend
from analysis.training.sharpening.factor import Factor, SharpeningOptions, flow
from analysis.training.sharpening.measures import change, sharpening
from analysis.training.sharpening.study import study

__all__ = ["Factor", "SharpeningOptions", "change", "flow", "sharpening", "study", "trend"]
