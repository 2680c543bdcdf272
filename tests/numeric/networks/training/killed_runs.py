"""Runs that are killed, of every kind, and the configurations by which their checkpoints know them.

A server of forks that has loaded this has loaded all that the runs do, and has read their code once for all.
"""

from dataclasses import replace

import torch

from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Examples, one_hot
from numeric.networks.training.experiment import Experiment, Measure
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.optimizers import SAM, Adam, HeavyBall, WeightDecay
from numeric.runs import configuration

DATA = Examples(
    torch.randn(60, 64, generator=torch.Generator().manual_seed(2)), one_hot(torch.arange(60) % 10, 10), classes=True
)
EVERYTHING = Experiment(
    DATA,
    FullyConnected(widths=(6,)),
    Adam(0.1, epsilon=1.0),
    steps=12,
    batch_size=16,
    measure=Measure(every=4, eigenvalues=2, relative=0.01, midpoint=True, weights_every=5, batch_sharpness=2),
)
FULL_BATCH = Experiment(DATA, FullyConnected(widths=(6,)), HeavyBall(0.05, 0.9), steps=12, measure=Measure(every=4))
FLOW = Experiment(DATA, FullyConnected(widths=(6,)), GradientFlow(weights_at=(0.5, 1.0)), steps=15)
UPHILL = replace(FULL_BATCH, rule=WeightDecay(SAM(0.05, 0.1), 0.01, coupled=True), batch_size=20, micro_batch=15)
RUNS = {"mini-batches": EVERYTHING, "full batch": FULL_BATCH, "flow": FLOW, "uphill": UPHILL}
KNOWN_BY = {name: configuration(run) for name, run in RUNS.items()}
