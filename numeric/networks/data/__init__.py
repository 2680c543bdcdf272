"""Data sets: each a frozen description whose `load()` gives the same examples every time."""

from numeric.networks.data.chebyshev import Chebyshev
from numeric.networks.data.cifar import Cifar10, CifarPair
from numeric.networks.data.digits import Digits
from numeric.networks.data.examples import DataSet, Examples, one_hot
from numeric.networks.data.gather import gather
from numeric.networks.data.held_out import held_out
from numeric.networks.data.mnist import Mnist
from numeric.networks.data.principal_axes import principal_axes
from numeric.networks.data.spectrum import Spectrum, power_law

__all__ = [
    "Chebyshev",
    "Cifar10",
    "CifarPair",
    "DataSet",
    "Digits",
    "Examples",
    "Mnist",
    "Spectrum",
    "gather",
    "held_out",
    "one_hot",
    "power_law",
    "principal_axes",
]
