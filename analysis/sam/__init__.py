"""SAM has an edge of its own: beside gradient descent, on quadratics, and along a valley of minima."""
