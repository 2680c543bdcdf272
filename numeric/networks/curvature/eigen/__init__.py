"""The algebraically largest eigenvalues of a symmetric operator that moves a little between readings."""

from numeric.networks.curvature.eigen.reading import STATUSES, Operator, Reading, not_finite
from numeric.networks.curvature.eigen.top import MOST_RELATIVE, TopEigenpairs

__all__ = ["MOST_RELATIVE", "STATUSES", "Operator", "Reading", "TopEigenpairs", "not_finite"]
