"""Period doubling at the edge of stability: the family, its cascades and attractors, and gradient descent in them."""
