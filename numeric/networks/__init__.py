"""Networks in torch, their training, and their curvature through automatic differentiation.

    data, architectures   frozen descriptions that load examples and build networks
    loss                  the loss as a function of one vector of weights
    curvature             Hessian products, top eigenpairs with bounds, derivatives along directions
    tracker               the sharpness through a training loop of the user's own
    edge_step             a step size that follows the sharpness, in such a loop
    training              training runs as values, with checkpoints that survive kill -9
    flows                 what foretells the average of training at the edge of stability

What is used from here is imported as it is used (see ``__init__.pyi``), and torch with it.

Errors: `ModuleNotFoundError`, with the remedy, where torch is not installed.
"""

from importlib.util import find_spec

import lazy_loader

if find_spec("torch") is None:
    raise ModuleNotFoundError(
        "No module named 'torch', of which numeric.networks is made: pip install torch safetensors scikit-learn",
        name="torch",
    )

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
