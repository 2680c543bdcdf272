"""An oscillation that hovers at the edge.

theory      how far it swings, and the multipliers of perturbations
threshold   how much fourth derivative it stands
reading     both at a network's own weights
"""

from numeric.networks.edge.hovering.reading import hovering_at, hovering_of
from numeric.networks.edge.hovering.theory import Hovering, Split
from numeric.networks.edge.hovering.threshold import Threshold, hovering_threshold

__all__ = ["Hovering", "Split", "Threshold", "hovering_at", "hovering_of", "hovering_threshold"]
