"""The whole spectrum of a network's curvature, from products with vectors: of any `Operator`.

    operators   a matrix that is given, blocks of one, what it is across directions, its other end
    lanczos     a Krylov space of one vector, as forecasts use it too
    measure     the spectral measure of a vector, with bounds; the kernel k(t)
    density     the density of the spectrum, by stochastic Lanczos quadrature
    xtrace     trace, trace of the square, diagonal, traces of blocks, with standard errors
    extremes    the largest and the least eigenvalues, and the largest of blocks, with bounds

The Hessian is `HessianAt`, the Gauss–Newton matrix, which for cross-entropy is the Fisher matrix, `GaussNewtonAt`, and
P⁻¹H of an optimizer `Preconditioned`, all of `numeric.networks.curvature`. Density, traces and diagonal of the last are
those of P⁻¹H; what gradients do under it, as in k(t) = T·(I − ηP⁻¹H)ᵗ P⁻¹T, is the spectral measure of P^{-½}T.
"""

from numeric.networks.curvature.spectrum.density import spectral_density
from numeric.networks.curvature.spectrum.extremes import blocks, extreme_eigenvalues
from numeric.networks.curvature.spectrum.lanczos import Lanczos
from numeric.networks.curvature.spectrum.measure import SpectralMeasure, spectral_measure
from numeric.networks.curvature.spectrum.operators import Across, Block, Flipped, layer, parameter_places
from numeric.networks.curvature.spectrum.xtrace import XTrace

__all__ = [
    "Across",
    "Block",
    "Flipped",
    "Lanczos",
    "SpectralMeasure",
    "XTrace",
    "blocks",
    "extreme_eigenvalues",
    "layer",
    "parameter_places",
    "spectral_density",
    "spectral_measure",
]
