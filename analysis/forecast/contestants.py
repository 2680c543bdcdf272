"""Who forecasts: two expansions of a network, what came before them, and the bounds of what can be done.

    expansion of the loss       all terms of the reduced-order model, `numeric.networks.forecast.forecast`
    expansion at the cut        of what the head of the network is applied to, head and loss exact, the same
    base model                  the terms of weight 4 or less of the first
    predicted dynamics          Damian, Nichani and Lee's: one mode, of the terms in x alone the quadratic one, and a
                                constant drive −½δ²∇S⊥ in the place of ∇L⊥, δ² = 2α/β, α = −∇L·∇S⊥, β = ‖∇S⊥‖²
    linearized network          f(θ*) + J(θ − θ*) under its own loss, on the same directions
    restricted loss             the network's own loss on the same directions: not a forecast but its bound

The last two say what is lost where: what the restricted loss misses, the directions miss; what the linearized network
misses, is the motion of features. Source: :cite:t:`damian2022selfstabilization` for the predicted dynamics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.forecast.followed import FACTORS
from analysis.forecast.foretold import Foretold, Prepared
from eos_sym.self_stabilization import BASE
from numeric.compile import Array
from numeric.networks.forecast import Forecast, LossExpansion, LossModel, forecast
from numeric.networks.forecast.beside.linearized_network import LinearizedNetwork
from numeric.networks.forecast.beside.restricted_loss import RestrictedLoss
from numeric.networks.forecast.loss_expansion.model import EdgeFit
from numeric.networks.forecast.path import Model, Path
from numeric.networks.loss import FlatLoss


@dataclass(frozen=True)
class Gated(Prepared):
    """A forecast of the program, with its gates."""

    forecast: Forecast

    def trusted(self, path: Path, eta: float) -> tuple[bool, Mapping[str, float]]:
        """As the program says it."""
        trust = self.forecast.at(eta).trust
        return trust.trusted, trust.measured


@dataclass(frozen=True)
class Bound(Prepared):
    """The true loss, whose sharpness is followed along the path."""

    model: RestrictedLoss

    def sharpness(self, x: Array, z: Array) -> Array:
        """By a few Hessian products at each point."""
        return self.model.sharpness(x, z)


def forecast_of(loss: FlatLoss, eta: float, steps: int, **choices: Any) -> Forecast:
    """The program's own forecast, at the module's weights."""
    return forecast(loss.module, loss.criterion, loss.inputs, loss.targets, eta=eta, steps=steps, **choices)


def loss_expansion_of(loss: FlatLoss, eta: float, steps: int, modes: int | None = None) -> LossExpansion:
    """Of its expansions, that of the loss."""
    expansion = forecast_of(loss, eta, steps, modes=modes, expansion="loss").expansion
    assert isinstance(expansion, LossExpansion)
    return expansion


def with_model(expansion: LossExpansion, model: Model) -> Prepared:
    """Another model at the same point and on the same directions."""
    return Prepared(model, expansion.anchor, expansion.directions, expansion.bound)


def gated(found: Forecast) -> Gated:
    """The forecast's own model."""
    expansion = found.expansion
    return Gated(expansion.model, found.anchor, expansion.directions, expansion.bound, found)


@dataclass(frozen=True)
class ByLossExpansion(Foretold):
    """The expansion of the loss, of full order."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Gated:
        """As the program makes it."""
        return gated(forecast_of(loss, eta, steps, expansion="loss"))


@dataclass(frozen=True)
class ByCutExpansion(Foretold):
    """The expansion of what the loss is applied to."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Gated:
        """As the program makes it."""
        return gated(forecast_of(loss, eta, steps, expansion="cut"))


@dataclass(frozen=True)
class ByBaseModel(Foretold):
    """The terms of weight 4 or less of the expansion of the loss."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Prepared:
        """The same coefficients, as far as they go."""
        expansion = loss_expansion_of(loss, eta, steps)
        return with_model(expansion, expansion.model.of_order(BASE))


@dataclass(frozen=True)
class ByPredictedDynamics(Foretold):
    """Damian, Nichani and Lee's predicted dynamics."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Prepared:
        """Of one mode."""
        expansion = loss_expansion_of(loss, eta, steps, modes=1)
        return with_model(expansion, predicted_dynamics(expansion.model.of_order(BASE), expansion.fit))


def predicted_dynamics(base: LossModel, fit: EdgeFit) -> LossModel:
    """The base model of one mode without a₃ and a₄, and with a constant drive."""
    gradient, third = fit.across(0)[:, 0], 2 * fit.across(2)[:, 0]  # ∇L⊥ and ∇S⊥
    alpha, beta = -float(gradient @ third), float(third @ third)
    degrees = np.array([sum(e) for e in base.form.along])
    drive = base.b.copy()
    drive[0] = -alpha / beta * 2 * base.b[[sum(e) for e in base.form.linear].index(2)]
    return replace(base, a=np.where(degrees <= 2, base.a, 0.0), b=drive)


@dataclass(frozen=True)
class Bounding(Foretold):
    """A contestant that costs as much as training, or says no more with other step sizes: it is run with its own."""

    @property
    def factors(self) -> tuple[float, ...]:
        """That of training."""
        return FACTORS[:1]


@dataclass(frozen=True)
class ByLinearizedNetwork(Bounding):
    """The linearized network under its own loss."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Prepared:
        """On the directions of the expansion of the loss."""
        expansion = loss_expansion_of(loss, eta, steps)
        return with_model(expansion, LinearizedNetwork(expansion.anchor, expansion.directions))


@dataclass(frozen=True)
class ByRestrictedLoss(Bounding):
    """The network's own loss in the subspace."""

    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Bound:
        """On the directions of the expansion of the loss."""
        expansion = loss_expansion_of(loss, eta, steps)
        model = RestrictedLoss(expansion.anchor, expansion.directions)
        return Bound(model, expansion.anchor, expansion.directions, expansion.bound)


CONTESTANTS: Mapping[str, type[Foretold]] = {
    "loss": ByLossExpansion,
    "cut": ByCutExpansion,
    "base": ByBaseModel,
    "damian": ByPredictedDynamics,
    "linearized": ByLinearizedNetwork,
    "restricted": ByRestrictedLoss,
}
GATED = ("loss", "cut")  # the program's own
WORDS = {
    "loss": "expansion of the loss",
    "cut": "expansion at the cut",
    "base": "base model",
    "damian": "predicted dynamics",
    "linearized": "linearized network",
    "restricted": "true loss, restricted",
}
