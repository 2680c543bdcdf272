"""A picture of training, from a DataLoader
==========================================

The loop of every tutorial, with mini-batches from a ``DataLoader``, and a tracker in it: its picture has the loss of
all the data, the sharpness beside the edge that the optimizer's step size has, the critical sharpness by forward
passes, and what of the gradient is along the top eigenvectors.
"""

# %%
# Some handwritten digits in batches, and a small network. The tracker takes the loader that training takes: what it
# reads is the loss of all batches, one in memory at a time, and training sees the same order as without it.
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from numeric.networks.tracker import SharpnessTracker

digits = load_digits()
pixels = torch.tensor((digits.data - digits.data.mean(axis=0)) / digits.data.std(), dtype=torch.float32)
targets = nn.functional.one_hot(torch.tensor(digits.target)).float()
loader = DataLoader(TensorDataset(pixels[:200], targets[:200]), batch_size=100, shuffle=True)
criterion = nn.MSELoss()

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 30), nn.Tanh(), nn.Linear(30, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=2.2)
tracker = SharpnessTracker(
    model, criterion, data=loader, optimizer=optimizer, every=10, eigenvalues=2, relative=1e-2, critical_step=True
)

# %%
# An epoch has two steps. Readings are taken at every tenth, at two-step midpoints, as an even ``every`` would see one
# phase of the oscillation at the edge alone; the critical step is of the iterates.
for _ in range(150):
    for inputs, labels in loader:
        tracker.step()
        optimizer.zero_grad()
        criterion(model(inputs), labels).backward()
        optimizer.step()
print(tracker.line)
figure = tracker.plot()

# %%
# The critical sharpness is another quantity than the sharpness: on a quadratic the mean of all eigenvalues, weighted by
# the gradient. Here it is about half of the edge before the sharpness comes there, as mini-batches shake the weights
# along the top eigenvectors; in the same run by the full batch it is a hundredth. At the edge, where the oscillation
# makes most of the gradient, it comes to nine tenths of the edge, and by the full batch to the edge.
history = tracker.history
level = history.critical_sharpness / history.edge
before, after = level.sel(reading=slice(0, 60)), level.sel(reading=slice(200, None))
print(f"of the edge: {float(before.median()):.2f} before, {float(after.median()):.2f} at it")

assert float((history.sharpness / history.edge)[0]) < 0.85
assert abs(float((history.sharpness / history.edge)[-10:].mean()) - 1) < 0.1
assert float(before.median()) < 0.7 < float(after.median()) < 1.1
assert (history.critical_status == "converged").all()
