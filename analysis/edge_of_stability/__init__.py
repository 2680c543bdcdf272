"""Networks at the edge of stability: ``python -m analysis.edge_of_stability``."""
