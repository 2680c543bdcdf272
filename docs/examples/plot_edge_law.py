"""Where gradient descent ends on a loss of one's own
==================================================

The edge law predicts the sharpness at which gradient descent ends, from derivatives of the loss at one point.
"""

# %%
# A loss with a manifold of minima, xy = 1, and the minimum on it where the sharpness is 2/η.
from sympy import Rational

from eos_sym import Objective
from eos_sym.edge import edge_normal_form_at, minimum_at_edge

loss = Objective.from_text("log(cosh(1 - x*y))", "x y")
x, y = loss.weights
eta = Rational(1, 10)
minimum = minimum_at_edge(loss, eta, {x: 4, y: Rational(1, 4)}, {})
form = edge_normal_form_at(loss, minimum.weights, eta, slow=Rational(1, 100), at={})
form

# %%
# κ₄ is negative: gradient descent is self-stabilizing. From an excess y₀ of the sharpness it ends at y∞, given by
# Lambert's W.
assert form.kind == "self_stabilizing"
excesses = [Rational(n, 100) for n in (2, 5, 10, 20, 50, 100)]
predicted = [float(form.end(excess)) for excess in excesses]

# %%
# Simulation from minima of that excess, displaced a little, ends there too.
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from eos_sym import GradientDescent
from numeric import compile_map, compile_sharpness

edge = float(2 / eta)
sharp = np.array([edge + float(excess) for excess in excesses])  # at a minimum the sharpness is x² + y²
start = xr.DataArray(np.sqrt((sharp + np.sqrt(sharp**2 - 4)) / 2), dims="start")
runs = compile_map(GradientDescent().map(loss)).run(
    {"x": start, "y": (1 + 1e-6) / start}, {"eta": float(eta)}, steps=1_000_000
)
simulated = compile_sharpness(loss).at_end(runs) - edge

plt.plot([float(excess) for excess in excesses], predicted, "k-", label="edge law")
plt.plot([float(excess) for excess in excesses], simulated, "o", label="simulated")
plt.xscale("log")
plt.xlabel("excess of the sharpness over 2/η at entry")
plt.ylabel("at the end")
plt.legend()
assert np.allclose(simulated, predicted, rtol=0.05)
