"""The cheap one of the two expansions: the loss itself, as a polynomial (`model`), and what may be wrong with it.

The lines along which the loss is expanded reach to the peak that they predict: the first ones are short, the model of
lowest order made of them, in the whole Krylov space, says how far the next ones go and what directions it moves in
(`directions`).

    kinks         misfit of the lines       what no polynomial has of the gradients on the lines, beyond second order
    sixth_order   |6 a₆ x⁶| / (x² edge)     how much of the edge the last term along the edge makes at the peak
    base          |x_base − x|/x            the peaks of the model of lowest order and of the full one differ
    leaves        ‖x‖/reach                 how far beyond the lines the peak is, or where a path ends that has none
    at_the_peak   ‖g − ∇V‖/‖g − ∇V(0)‖      the true gradient at the predicted peak, on the model's directions

Shapes: directions (p, m). Source: derived for this project.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from eos_sym import Map
from eos_sym.self_stabilization import BASE, EXPANDED
from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.directions import krylov_space, leading_directions
from numeric.networks.forecast.loss_expansion.model import EdgeFit, LossModel, driving_model, fit_edge, loss_model
from numeric.networks.forecast.path import Path, Peak, descend
from numeric.networks.forecast.rules import edge_of, formula_of

SHORT = 0.05  # reach of the first lines, in root mean squares of the weights
FAR = 10  # reaches of the last lines: no expansion holds there
DIRECTIONS = {1: (12, 16), 2: (19, 40), 3: (27, 60)}  # kept, and products, by the modes at the edge


@dataclass(frozen=True)
class LossExpansion:
    """A `LossModel` at an anchor, on these directions across the edge."""

    anchor: Anchor
    directions: Tensor
    model: LossModel
    fit: EdgeFit

    @property
    def bound(self) -> float:
        """|x_a| beyond which nothing is said."""
        return FAR * self.fit.reach

    @property
    def left_out(self) -> float:
        """The largest eigenvalue of a direction that is not in the edge."""
        return float(np.append(np.linalg.eigvalsh(self.model.C[0]), self.anchor.eigenvalues[-1]).max())

    @property
    def map(self) -> Map:
        """The rule's map of the model; `model.values` and `rule.values` are its parameters, for `compile_map`."""
        return formula_of(self.anchor.rule).on(self.model.form.objective)

    @property
    def start(self) -> dict[str, float]:
        """Where the weights are, by the names of the map's state."""
        values = np.concatenate(self.anchor.start_on(self.directions))
        return {symbol.name: float(value) for symbol, value in zip(self.map.state, values, strict=False)}

    def gates(self, path: Path, eta: float) -> dict[str, float]:
        """What was measured of the model for this path; costs one gradient, at the predicted peak."""
        rule = replace(self.anchor.rule, eta=eta)
        place = path.peak.step if path.peak else len(path.x) - 1
        x, z = path.x[place], path.z[place]
        form, size = self.model.form, float(np.linalg.norm(x))
        last = np.where([sum(e) == EXPANDED[0] for e in form.along], self.model.a, 0)
        highest = replace(self.model, a=last, b=0 * self.model.b, C=0 * self.model.C)
        base = descend(
            self.model.of_order(BASE), *self.anchor.start_on(self.directions), rule, path.wanted - 2, self.bound
        )
        return {
            "kinks": self.fit.misfit,
            "sixth_order": float(np.linalg.norm(highest.gradient(x, z)[0]) / (size * edge_of(rule))) if size else 0.0,
            "base": _difference(base.peak, path.peak),
            "leaves": size / self.fit.reach,
            "at_the_peak": self._mistaken(x, z),
        }

    def _mistaken(self, x: Array, z: Array) -> float:
        """The error of ∇V at a point, relative to how far ∇L is from where it was."""
        basis = torch.cat([self.anchor.edge, self.directions], 1)
        point = self.anchor.weights + basis @ torch.from_numpy(np.concatenate([x, z])).to(basis)
        true = (basis.T @ self.anchor.gradient_at(point)).numpy()
        here = (basis.T @ self.anchor.gradient).numpy()
        far = float(np.linalg.norm(true - here))
        return float(np.linalg.norm(true - np.concatenate(self.model.gradient(x, z)))) / far if far else 0.0


def expand_loss(anchor: Anchor, steps: int) -> LossExpansion:
    """The expansion for a forecast of so many steps."""
    kept, products = DIRECTIONS[anchor.modes]
    typical = float(anchor.loss.parameters.square().mean().sqrt())
    short = fit_edge(anchor, SHORT * (typical or 1.0))
    drivers = [short.across(1), short.across(2), short.across(3), anchor.across(anchor.gradient)[:, None]]
    basis, projected = krylov_space(anchor, torch.cat([*drivers, anchor.across(anchor.start)[:, None]], 1), products)
    base = driving_model(anchor, short, basis, projected)
    far = FAR * short.reach
    path = descend(base, *anchor.start_on(*basis), anchor.rule, steps, far)
    directions, quadratic = leading_directions(basis, projected, path.z, kept)
    del basis, drivers, short  # the most of what was kept
    anchor = replace(anchor, known=None)
    fit = fit_edge(anchor, path.peak.height if path.peak else far)
    return LossExpansion(anchor, directions, loss_model(anchor, fit, directions, quadratic), fit)


def _difference(base: Peak | None, full: Peak | None) -> float:
    """How far the peaks are apart, relative to that of the full model."""
    if base is None or full is None:
        return 0.0 if base is full else np.inf
    return abs(base.height / full.height - 1)
