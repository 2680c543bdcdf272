"""Where gradient descent ends on ½(1 − xyzw)²
===========================================

The terminal sharpness over a grid of step sizes, from one start, against the derived law.
"""

# %%
# Derive the map on the symmetric subspace and compile it.
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from eos_sym import GradientDescent, minimalist
from numeric import compile_map, compile_sharpness

loss = minimalist()
x, y, z, w = loss.weights
reduced = GradientDescent().map(loss).restrict({z: x, w: y})

# %%
# Every step size is a run; the answer keeps the name of the grid.
step_sizes = np.geomspace(0.05, 0.19, 20)
eta = xr.DataArray(step_sizes, dims="eta", coords={"eta": step_sizes})
above = (eta**-2 - 4) ** 0.25 + 2 * eta**1.5  # the edge is at ∜(η⁻² − 4)
runs = compile_map(reduced).run({"x": above, "y": (1 + eta / 10) / above}, {"eta": eta}, steps=200_000)
gap = (2 / eta - compile_sharpness(loss, {z: x, w: y}).at_end(runs)) / eta

plt.plot(eta, gap, "o", label="measured")
plt.axhline(0.5, color="black", linestyle="--", label="derived limit 1/2")
plt.xscale("log")
plt.xlabel("step size η")
plt.ylabel("(2/η − S∞)/η")
plt.legend()
assert (runs.outcome == "converged").all()
assert abs(gap[0] - 0.5) < 0.02
