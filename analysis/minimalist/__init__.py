"""The minimalist example, ½(1 − xyzw)²: theory, two-cycles, compiled dynamics, a torch network and the figure."""
