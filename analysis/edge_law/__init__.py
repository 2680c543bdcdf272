"""The edge law: the losses it is tested on, the equation of the orbits, hovering, automatic differentiation, figure."""
