"""The edge law on networks: the runs, the midpoint identity, the end of a run, hovering, and the figure."""
