"""Basins of two losses: their theory, runs of planes of starts, proofs, and how uncertain the ends are."""
