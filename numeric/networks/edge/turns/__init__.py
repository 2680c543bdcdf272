"""Self-stabilization turn by turn: the trajectory about which gradient descent turns, and what is predicted of that.

coefficients         u, S, ∇S, α, β, δ, ε and Q
constrained          the trajectory along the edge
predicted_dynamics   the turns about it, beside gradient descent
assumptions          where what they assume fails
"""

from numeric.networks.edge.turns.coefficients import EdgeCoefficients, EdgeReader
from numeric.networks.edge.turns.constrained import ConstrainedTrajectory
from numeric.networks.edge.turns.predicted_dynamics import beside_descent, self_stabilization

__all__ = ["ConstrainedTrajectory", "EdgeCoefficients", "EdgeReader", "beside_descent", "self_stabilization"]
