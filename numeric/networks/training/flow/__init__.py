"""Gradient flow of a network: its description and method, and a network on its way along it."""

from numeric.networks.training.flow.flow_training import FlowTraining, integrate_flow
from numeric.networks.training.flow.runge_kutta import REAL_LIMIT, GradientFlow, runge_kutta_step

__all__ = ["REAL_LIMIT", "FlowTraining", "GradientFlow", "integrate_flow", "runge_kutta_step"]
