"""The models of the explorer, in the order in which it offers them."""

from __future__ import annotations

from functools import cache

from analysis.exploring.model import Model
from analysis.exploring.network import network
from analysis.exploring.normalized import normalized
from analysis.exploring.products import degree_two_model, minimalist
from analysis.exploring.unit import unit
from analysis.exploring.valley import self_stabilization


@cache
def models() -> tuple[Model, ...]:
    """All of them, derived once."""
    return minimalist(), degree_two_model(), self_stabilization(), normalized(), network(), unit()
