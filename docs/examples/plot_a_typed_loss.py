"""From a typed loss to its theory in five minutes
===============================================

Type a loss. Its minima, the step size up to which gradient descent is stable at each, what happens beyond, and where
training ends follow: exactly first, and then in a simulation that knows nothing of the theory.
"""

# %%
# **The loss.** It is text in the notation of Python (:doc:`/losses`), read by a grammar that evaluates no code. The
# derivatives are exact.
from sympy import Rational, pprint, simplify

from eos_sym import STEP_SIZE, GradientDescent, Objective

loss = Objective.from_text("log(cosh(1 - x*y))", "x y")
x, y = loss.weights
pprint(loss.gradient)

# %%
# **The minima.** They are a curve, xy = 1, and that they are the global minima is proved.
minima = loss.minima
print(minima)
assert minima.are_global
assert minima.equations == (x * y - 1,)

# %%
# **Stability.** Gradient descent is the map θ ↦ θ − η∇L(θ). On the curve one multiplier is 1, along it; the other must
# be above −1, and so the step size below 2 over the sharpness.
from eos_sym.stability import stability

condition = stability(GradientDescent().map(loss).jacobian.subs(minima.chart))
pprint(condition.critical_value(STEP_SIZE))
assert condition.neutral == 1
assert simplify(condition.critical_value(STEP_SIZE) - 2 / (x**2 + 1 / x**2)) == 0

# %%
# **The edge.** At the step size 1/10 there is one minimum on this branch where the sharpness is just 2/η = 20. What
# decides what happens there are derivatives of the loss up to the fourth, in two numbers: β, the square of the
# sharpness's gradient along the curve, and κ₄, the quartic term across it.
from eos_sym.edge import edge_normal_form_at, minimum_at_edge

eta = Rational(1, 10)
minimum = minimum_at_edge(loss, eta, {x: 4, y: Rational(1, 4)}, {})
form = edge_normal_form_at(loss, minimum.weights, eta, slow=Rational(1, 100), at={})
print(f"{form.kind}: β = {float(form.beta):.4g}, κ₄ = {float(form.quartic):.4g}")
assert form.kind == "self_stabilizing"

# %%
# **The end.** κ₄ is negative: gradient descent is self-stabilizing. If the sharpness has an excess y₀ over 2/η at
# entry, the oscillation that grows brings it down, and training ends at y∞, given by Lambert's W.
excesses = [Rational(n, 100) for n in (2, 5, 10, 20, 50, 100)]
predicted = [float(form.end(excess)) for excess in excesses]

# %%
# **The test.** The same loss, compiled and iterated from minima of that excess, displaced by a millionth.
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

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

# %%
# **All of it at once**, with two-cycles, other rules and a figure, is a command::
#
#     python -m analysis.derive "log(cosh(1 - x*y))" --weights x y --at eta=1/10 \
#         --near x=4 y=0.25 --start x=4.5 y=0.22 --steps 100000
#
# Next: :doc:`/theory/edge_law` derives the law, :doc:`plot_own_rule` has a rule of one's own, and
# :doc:`plot_sharpness_tracker` takes the question to a network.
