"""The theory of gradient descent at the edge of stability, derived from a loss formula with SymPy.

    text → Objective → Map → Orbit → StabilityCondition, EdgeNormalForm

    reading, algebra      what the rest stands on: text to expression, and what SymPy lacks
    losses, rules         a loss; an optimizer as a formula, and the map that it makes of the loss
    stability, orbits     multipliers and conditions; fixed points and two-cycles
    edge, flows,          normal forms at S = 2/η; gradient flow, limit flows and the central flow;
    self_stabilization    the cycle of self-stabilization

The names a theorist begins with come from here; they are imported as they are used (see ``__init__.pyi``):

>>> from eos_sym import GradientDescent, Objective, critical_sharpness, fixed_points
>>> critical_sharpness(GradientDescent())
2/eta
>>> loss = Objective.from_text("(x**2 - 1)**2/4", "x")
>>> [orbit.points for orbit in fixed_points(GradientDescent().map(loss)).orbits]
[({x: 1},), ({x: 0},), ({x: -1},)]
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
