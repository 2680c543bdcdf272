"""The sharpness in a training loop of one's own
=============================================

Three lines follow the sharpness of any module through any training loop. With gradient descent it rises to 2/η and
hovers there; with Adam, the effective sharpness does, at (2 + 2β₁)/(η(1 − β₁)).
"""

# %%
# Some handwritten digits, a small network, and the loop of every PyTorch tutorial; the three lines are marked.
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

from numeric.networks.tracker import SharpnessTracker

digits = load_digits()
pixels = (digits.data - digits.data.mean(axis=0)) / digits.data.std()
inputs = torch.tensor(pixels[:200], dtype=torch.float32)
targets = nn.functional.one_hot(torch.tensor(digits.target[:200])).float()
criterion = nn.MSELoss()


def train(optimizer_of, steps):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 30), nn.Tanh(), nn.Linear(30, 10))
    optimizer = optimizer_of(model.parameters())
    tracker = SharpnessTracker(model, criterion, inputs, targets, optimizer=optimizer, every=10)  # one
    for _ in range(steps):
        tracker.step()  # two
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()
    return tracker.history  # three


# %%
# Full-batch gradient descent. The history is an xarray dataset: the eigenvalues with their bounds on their errors, the
# gradient and its projections, the loss, and what each reading cost in gradient evaluations.
eta = 2.2
descent = train(lambda parameters: torch.optim.SGD(parameters, lr=eta), steps=400)
print(descent)

# %%
# Adam divides every step by P, which is read from its state, and what counts is the largest eigenvalue of P⁻¹H.
eta_adam, beta = 0.02, 0.9
adam = train(lambda parameters: torch.optim.Adam(parameters, lr=eta_adam, betas=(beta, 0.99)), steps=300)
threshold = (2 + 2 * beta) / (eta_adam * (1 - beta))

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
descent.sharpness.plot(ax=left, marker=".", label="sharpness")
left.axhline(2 / eta, color="black", linestyle="--", label="2/η")
adam.effective_sharpness.plot(ax=right, marker=".", label="effective sharpness")
right.axhline(threshold, color="black", linestyle="--", label="38/η")
for axes, title in ((left, "gradient descent"), (right, "Adam")):
    axes.set(xlabel="step", title=title)
    axes.legend()
figure.tight_layout()

assert descent.sharpness[1] < 0.8 * 2 / eta
assert (abs(descent.sharpness[-15:] * eta / 2 - 1) < 0.1).all()
assert adam.effective_sharpness[1] < 0.6 * threshold
assert (abs(adam.effective_sharpness[-15:] / threshold - 1) < 0.1).all()
assert (descent.bound <= 1e-3 * descent.eigenvalue).all()
