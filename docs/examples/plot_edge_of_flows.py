"""When gradient flow reaches the edge
===================================

Along gradient flow on ½(1 − xyzw)² the sharpness rises through 2/η, for every step size at its own time.
"""

# %%
# The solution is a function of the time, and the crossing of every threshold is an event.
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from eos_sym import minimalist
from eos_sym.flows import gradient_flow
from numeric import compile_sharpness
from numeric.flows import Event, compile_flow

loss = minimalist()
flow, sharpness = compile_flow(gradient_flow(loss)), compile_sharpness(loss)
start, accuracy = {"x": 2.0, "y": 0.3, "z": 1.2, "w": 0.4}, {"rtol": 1e-9, "atol": 1e-11}
path = flow.solution(start, {}, until=2, **accuracy)(np.linspace(0, 2, 400))

# %%
# Thresholds broadcast like initial values and parameters. For the first step size, 2/η is above the sharpness at the
# end of the flow, and the time of the crossing is missing.
eta = xr.DataArray([0.3, 0.35, 0.4, 0.5, 0.6], dims="eta", coords={"eta": [0.3, 0.35, 0.4, 0.5, 0.6]})
run = flow.run(start, {}, times=[0, 2], events={"edge": Event(sharpness, 2 / eta, "rising")}, **accuracy)
arrival = run.crossing_time.sel(event="edge").isel(crossing=0)

plt.plot(path.time, sharpness(path, {}), label="sharpness")
plt.plot(arrival, 2 / eta, "o", label="2/η")
plt.xlabel("time")
plt.legend()
assert arrival.isnull().values.tolist() == [True, False, False, False, False]
there = run.crossing_state.sel(event="edge").isel(crossing=0, eta=slice(1, None))
np.testing.assert_allclose(sharpness(there, {}), 2 / eta[1:], rtol=1e-9)
