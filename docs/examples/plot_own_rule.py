"""A loss and a rule of one's own
==============================

A rule is a class with one method, which writes the optimizer as its formula. Everything else follows from the map.
"""

# %%
# Heavy ball, θ' = θ + v', v' = βv − η∇L(θ), keeps a velocity for every weight.
from sympy import Symbol

from eos_sym import STEP_SIZE, Map, Objective


class HeavyBall:
    """Gradient descent with momentum β."""

    def map(self, objective):
        """The map of weights and velocities."""
        momentum = Symbol("momentum", positive=True)
        velocity = [Symbol(f"v_{weight.name}", real=True) for weight in objective.weights]
        moved = [momentum * v - STEP_SIZE * g for v, g in zip(velocity, objective.gradient, strict=True)]
        steps = [weight + v for weight, v in zip(objective.weights, moved, strict=True)]
        parameters = (*objective.parameters, STEP_SIZE, momentum)
        return Map((*objective.weights, *velocity), parameters, (*steps, *moved))


# %%
# On ½ λ x² it is stable up to λ = (2 + 2β)/η, Polyak's threshold.
from eos_sym.stability import stability

curvature = Symbol("curvature", positive=True)
x = Symbol("x", real=True)
loss = Objective("parabola", curvature * x**2 / 2, (x,), (curvature,))
rule = HeavyBall().map(loss)
condition = stability(rule.jacobian)
eta, momentum = rule.parameters[1:]
for factor, expected in ((0.999, "stable"), (1.001, "unstable")):
    values = {eta: 0.01, momentum: 0.9, curvature: factor * (2 + 2 * 0.9) / 0.01}
    assert condition.verdict(values) == expected

# %%
# Simulation on both sides of the threshold agrees.
import matplotlib.pyplot as plt
import xarray as xr

from numeric import compile_map

curvatures = xr.DataArray([375.0, 379.0, 381.0], dims="curvature", coords={"curvature": [375.0, 379.0, 381.0]})
runs = compile_map(rule).run(
    {"x": 1.0, "v_x": 0.0}, {"eta": 0.01, "momentum": 0.9, "curvature": curvatures}, steps=2000, record_every=1
)
abs(runs.trajectory.sel(state="x")).plot(hue="curvature", yscale="log", linewidth=0.6)
plt.ylabel("|x|")
plt.title("heavy ball on both sides of 380")
growth = abs(runs.trajectory.sel(state="x").isel(iteration=slice(-100, None))).max("iteration")
assert (growth < 1).values.tolist() == [True, True, False]
