"""What each architecture learns with each criterion: with which step sizes, and for how long at most.

The quick preset has scikit-learn's digits, with a share of labels drawn at random; the full preset CIFAR-10, the
paper's networks, and step sizes given by their edges 2/η.
"""

from collections.abc import Mapping
from dataclasses import replace

from analysis.training import StepSizeOptions
from numeric.networks.architectures import Architecture, Convolutional, FullyConnected, Transformer
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent

RULE = GradientDescent(1.0)  # each run has a step size of its own
GOAL = Stop(accuracy=0.99)  # the paper's "training to completion"


def digits(network: Architecture, examples: int, noise: float, steps: int, every: int) -> Experiment:
    """A run that learns so many digits; the sharpness is read every so many steps, at two-step midpoints."""
    measure = Measure(every, relative=2e-2, midpoint=True, weights_every=every)
    return Experiment(Digits(examples, noise=noise), network, RULE, steps, stop=GOAL, measure=measure)


CONVOLUTIONAL = Convolutional((8, 8), pooling="average")
TRANSFORMER = Transformer(16, layers=1, patch=4)
QUICK = {
    ("fully_connected", "mse"): (digits(FullyConnected((50, 50)), 200, 0.5, 800, 16), (0.2, 0.3, 0.5)),
    ("fully_connected", "cross_entropy"): (digits(FullyConnected((30, 30)), 600, 0.5, 800, 16), (0.25, 0.4, 0.8)),
    ("convolutional", "mse"): (digits(CONVOLUTIONAL, 150, 0.3, 520, 16), (0.36, 0.45)),
    ("convolutional", "cross_entropy"): (digits(CONVOLUTIONAL, 150, 1.0, 600, 10), (1.0, 1.6)),
    ("transformer", "mse"): (digits(TRANSFORMER, 64, 0.5, 600, 20), (0.05, 0.06)),
    ("transformer", "cross_entropy"): (digits(TRANSFORMER, 64, 0.5, 500, 10), (0.04, 0.08)),
}
FULL_NETWORKS: Mapping[str, Architecture] = {
    "fully_connected": FullyConnected((200, 200)),
    "convolutional": Convolutional((32, 32)),
    "transformer": Transformer(64, heads=4, layers=2, patch=4),
}
FULL_EDGES = {
    ("fully_connected", "mse"): (60, 100, 200),
    ("fully_connected", "cross_entropy"): (30, 60, 100),
    ("convolutional", "mse"): (60, 100, 200),
    ("convolutional", "cross_entropy"): (30, 60, 100),
    ("transformer", "mse"): (150, 200, 300),
    ("transformer", "cross_entropy"): (100, 200, 300),
}
FULL_STEPS = 100_000
MICRO_BATCH = 1000  # of the 5,000 images


def experiments(options: StepSizeOptions, architecture: str, criterion: str) -> list[Experiment]:
    """The runs of this architecture with this criterion, by ascending step size."""
    if options.preset == "quick":
        base, etas = QUICK[architecture, criterion]
    else:
        network = FULL_NETWORKS[architecture]
        measure = Measure(100, midpoint=True, weights_every=FULL_STEPS // 10)
        base = Experiment(
            options.cifar(), network, RULE, FULL_STEPS, micro_batch=MICRO_BATCH, stop=GOAL, measure=measure
        )
        etas = tuple(2 / edge for edge in FULL_EDGES[architecture, criterion])
    base = replace(base, loss=criterion, seed=options.seed)
    return [replace(base, rule=GradientDescent(eta)) for eta in sorted(map(float, options.eta or etas))]
