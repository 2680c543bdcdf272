"""A step size that follows the sharpness
======================================

`EdgeStep` keeps the step size at a fraction of the optimizer's own edge: below one the sharpness rises and the step
size falls with it; above one the run is held beyond the edge, and goes to where the loss is flatter.
"""

# %%
# Some handwritten digits and a small network; the three lines that make the step size follow are marked.
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

from numeric.networks import EdgeStep, SharpnessTracker

digits = load_digits()
pixels = (digits.data - digits.data.mean(axis=0)) / digits.data.std()
inputs = torch.tensor(pixels[:100], dtype=torch.float64)
targets = nn.functional.one_hot(torch.tensor(digits.target[:100])).double()
criterion = nn.MSELoss()


def train(fraction, steps=200, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 20), nn.Tanh(), nn.Linear(20, 10)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **options)
    tracker = SharpnessTracker(model, criterion, inputs, targets, optimizer=optimizer, every=5, relative=1e-2)  # one
    edge_step = EdgeStep(tracker, fraction=fraction)  # two
    for _ in range(steps):
        edge_step.zero_grad()
        criterion(model(inputs), targets).backward()
        edge_step.step()  # three
    return edge_step.history


# %%
# Three fractions of gradient descent's edge, 2/S. The history has the step size of every step beside the readings.
runs = {fraction: train(fraction) for fraction in (0.5, 0.9, 1.2)}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for fraction, history in runs.items():
    history.full_loss.plot(ax=axes[0], label=f"fraction {fraction}")
    history.sharpness.plot(ax=axes[1])
    history.step_size.plot(ax=axes[2])
for panel, title in zip(axes, ("loss", "sharpness", "step size"), strict=True):
    panel.set(title=title, xlabel="step", ylabel="")
axes[0].set_yscale("log")
axes[0].legend()
figure.tight_layout()

for fraction, history in runs.items():
    kept = history.step_size.sel(step=history.reading) * history.sharpness / 2
    assert abs(kept - fraction).max() < 1e-9
assert (runs[0.9].full_loss.diff("reading") < 0).all()
assert runs[0.9].sharpness[-1] > runs[0.9].sharpness[0]
assert runs[1.2].sharpness[-1] < runs[1.2].sharpness[0]

# %%
# With momentum the edge is (2 + 2β)/S, and the step size is taken from that.
momentum = train(0.9, steps=40, momentum=0.8)
kept = momentum.step_size.sel(step=momentum.reading) * momentum.sharpness / (2 + 2 * 0.8)
assert abs(kept - 0.9).max() < 1e-9

# %%
# What following costs: the gradient evaluations of all readings, beside one for each step.
for fraction, history in runs.items():
    print(f"fraction {fraction}: {float(history.evaluations.sum() / history.sizes['step']):.2f} a step")
