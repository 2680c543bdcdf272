"""Architectures: each a frozen description whose `build()` gives a network for the examples at hand."""

from numeric.networks.architectures.architecture import Architecture
from numeric.networks.architectures.convolutional import Convolutional
from numeric.networks.architectures.deep_linear import DeepLinear, DeepLinearNetwork
from numeric.networks.architectures.fully_connected import FullyConnected
from numeric.networks.architectures.initialization import NormalFanIn, NormalFanOut, UniformFanIn, XavierNormal
from numeric.networks.architectures.normalization import BatchNorm, LayerNorm
from numeric.networks.architectures.residual import Residual
from numeric.networks.architectures.scalar_chain import scalar_chain
from numeric.networks.architectures.transformer import Transformer
from numeric.networks.architectures.vgg import Vgg

__all__ = [
    "Architecture",
    "BatchNorm",
    "Convolutional",
    "DeepLinear",
    "DeepLinearNetwork",
    "FullyConnected",
    "LayerNorm",
    "NormalFanIn",
    "NormalFanOut",
    "Residual",
    "Transformer",
    "UniformFanIn",
    "Vgg",
    "XavierNormal",
    "scalar_chain",
]
