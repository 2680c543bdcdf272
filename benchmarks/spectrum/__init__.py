"""Density and trace of a network's Hessian at equal products: ours, and those of others."""
