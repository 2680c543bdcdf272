"""Hovering at the edge of stability, from a network's weights at one moment: how far it swings, and what a kick does.

    from numeric.networks.edge import hovering_of

    here = hovering_of(model, criterion, inputs, targets, eta=0.2)
    here.balanced, here.square          q = 2α/β at which the drift is balanced, and q = x² of training
    here.damping, here.period           how fast a small kick dies out, per step, and in how many steps it comes back
    here.stable                         whether it does
    here.response(300)                  what is left of it after 0, 1 … 300 steps

Two steps of gradient descent are taken from the weights, and at their midpoint θ*, where an oscillation of period two
is averaged out, k directions are at the edge: the eigenvectors of H = ∇²L with ηλ/2 > .9, turned so that training
oscillates along the first. Derivatives along the edge and the T_ab come from gradients at nodes along short lines
(`forecast.loss_expansion.model.fit_edge`), what is across the edge from the Krylov space of H; the rest is `theory`.

Errors: `BadInput` as `descent` says, and for numbers out of range; `Undecided` where no direction is at the edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import factorial, prod

import numpy as np
import torch
from torch import Tensor, nn

from eos_sym import BadInput, Undecided
from eos_sym.self_stabilization.hovering_rates import derivative, hovering_rates
from numeric.compile import Array
from numeric.networks.edge.descent import exact_loss
from numeric.networks.edge.hovering.theory import Hovering
from numeric.networks.forecast.anchor import AT_THE_EDGE, MOST_AT_THE_EDGE, Anchor, anchor
from numeric.networks.forecast.directions import along, krylov_space
from numeric.networks.forecast.loss_expansion.expansion import SHORT
from numeric.networks.forecast.loss_expansion.model import EdgeFit, fit_edge
from numeric.networks.tracker.checks import enough_memory
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number, whole_number

PRODUCTS = 40  # of the Hessian, for each direction at the edge


def hovering_of(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    modes: int | None = None,
    products: int = PRODUCTS,
) -> Hovering:
    """The theory at the midpoint of the two steps of full-batch gradient descent that follow; the module stays.

    `modes` is the number of directions at the edge; not given, it is that of all with ηλ/2 > .9, at least one and at
    most 3. `products` with the Hessian are taken for each.
    """
    whole_number("products", products, least=1)
    if modes is not None:
        whole_number("modes", modes, least=1)
        if modes > MOST_AT_THE_EDGE:
            raise BadInput(f"modes = {modes}: must be {MOST_AT_THE_EDGE} or less")
    positive_number("eta", eta)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module), enough_memory(loss):
        return hovering_at(checked_edge(anchor(loss, eta, modes), eta), eta, products)


def checked_edge(here: Anchor, eta: float) -> Anchor:
    """The anchor, if it has a direction at the edge: below, what oscillates is on its way to rest."""
    largest = eta * float(here.eigenvalues[0]) / 2
    if not largest > AT_THE_EDGE:
        raise Undecided(
            f"the sharpness is at {largest:.3g} of 2/eta: nothing hovers below {AT_THE_EDGE:g}; read a network that "
            "has come to its edge"
        )
    return here


def hovering_at(here: Anchor, eta: float, products: int = PRODUCTS) -> Hovering:
    """The theory at an anchor, its directions at the edge turned so that the first of them oscillates."""
    k, oscillation = here.modes, _alternation(here, eta)
    turned = torch.from_numpy(_frame(oscillation, here)).to(here.edge)
    here = replace(here, edge=here.edge @ turned, image=here.image @ turned)
    typical = float(here.loss.parameters.square().mean().sqrt())
    fit = fit_edge(here, SHORT * (typical or 1.0))
    driving = torch.stack([torch.stack([_driver(here, fit, a, b) for b in range(k)]) for a in range(k)])
    basis, curvature = krylov_space(here, driving[0].T, products * k)
    return Hovering(
        eta=eta,
        eigenvalues=here.eigenvalues,
        derivatives=tuple(_along_the_edge(here, fit, eta)[symbol.name] for symbol in hovering_rates(k).symbols),
        slopes=along(basis, driving[0].T).T.numpy(),
        curvature=curvature,
        force=along(basis, here.gradient).numpy(),
        drives=(driving @ here.gradient).numpy(),
        couplings=torch.einsum("abp,cdp->abcd", driving, driving).numpy(),
        square=float(oscillation @ oscillation),
    )


def _driver(here: Anchor, fit: EdgeFit, a: int, b: int) -> Tensor:
    """T_ab⊥, (p,)."""
    e = tuple((c == a) + (c == b) for c in range(here.modes))
    return here.across(fit.b[fit.form.linear.index(e)] * prod(map(factorial, e)))


def _alternation(here: Anchor, eta: float) -> Array:
    """u_a·(2θ₁ − θ₀ − θ₂)/4 = u_a·(θ₁ − θ*), (k,)."""
    first = here.start - eta * here.gradient_at(here.weights + here.start)
    return np.asarray((here.edge.T @ first).numpy())


def _frame(oscillation: Array, here: Anchor) -> Array:
    """Coordinates at the edge, (k, k): the oscillation is along the first, H is diagonal on the others."""
    size = np.linalg.norm(oscillation)
    first = oscillation / size if size else np.eye(here.modes)[0]
    others = np.linalg.svd(first[None])[2][1:].T
    curved = (here.edge.T @ here.image).numpy()
    vectors = np.linalg.eigh(others.T @ curved @ others)[1]
    return np.column_stack([first, others @ vectors[:, ::-1]])


def _along_the_edge(here: Anchor, fit: EdgeFit, eta: float) -> dict[str, float]:
    """The derivatives of the loss along the edge by the names of their symbols, those of second order over 2/η."""
    found = {}
    for e, value in zip(fit.form.along, fit.a, strict=True):
        places = [a + 1 for a, power in enumerate(e) for _ in range(power)]
        if len(places) in (2, 3, 4):
            over = 2 / eta if len(places) == 2 and places[0] == places[1] else 0.0
            found[derivative(*places).name] = float(value) * prod(map(factorial, e)) - over
    return found
