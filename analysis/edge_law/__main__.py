"""``python -m analysis.edge_law``: the edge law derived for six losses, and tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from analysis.claim import Claim
from analysis.cli import CommonOptions, Study, main
from analysis.edge_law.cases import cases
from analysis.edge_law.claims import claims_about_coefficients, claims_about_ends
from analysis.edge_law.claims_about_hovering import claims_about_hovering, hovering_at_the_edge
from analysis.edge_law.experiments import THRESHOLD, ends, escape, hovering, orbits, table, threshold
from analysis.edge_law.figures import draw
from eos_sym import product
from eos_sym.edge import EdgeNormalForm, edge_normal_form, leading_margins

POINTS = {"quick": 7, "full": 25}  # starts per loss
SLOWEST = {"quick": 3e-4, "full": 1e-4}  # ηy₀; a run takes about 25/(ηy₀) iterations
DEPTHS = (2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Where gradient descent ends after entering the edge of stability: the law against simulation."""


def analyse(options: Options) -> Study:
    """Derive the law for every loss, run both, and compare."""
    forms = {depth: closed_form(depth) for depth in DEPTHS}
    losses = cases()

    def both_sides(progress: Callable[[int], object]) -> xr.Dataset:
        cycles = [hovering_at_the_edge(threshold=True, lane=lane) for lane in range(len(THRESHOLD["c"]))]
        at = {
            "s": np.array([float(cycle.sharpness_on_floor) for cycle in cycles]),
            "u": np.sqrt([float(cycle.amplitude_squared) for cycle in cycles]),
        }
        return threshold(at, progress)

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        return [
            *claims_about_coefficients(forms, losses),
            *claims_about_ends(losses, data),
            *claims_about_hovering(data["hovering"], data["threshold"]),
        ]

    points, slowest = POINTS[options.preset], SLOWEST[options.preset]
    return Study(
        theory={
            "products": {f"depth {depth}": _as_report(form) for depth, form in forms.items()},
            "losses": {case.name: _as_report(case.form) | {"eta": case.step_size} for case in losses},
            "hovering_margins": leading_margins(),
        },
        experiments={
            "ends": partial(ends, losses, points, slowest),
            "table": table,
            "orbits": partial(orbits, losses[-1]),
            "escape": escape,
            "hovering": hovering,
            "threshold": both_sides,
        },
        claims=claims,
        figure=lambda data: draw(losses, data),
    )


def closed_form(depth: int) -> EdgeNormalForm:
    """The normal form of ½(1 − x₁…x_d)² in η, at the minima x, 1/x, x, … with sharpness 2/η."""
    loss = product(depth)
    first = loss.weights[0]
    curve = {weight: first if index % 2 == 0 else 1 / first for index, weight in enumerate(loss.weights)}
    return edge_normal_form(loss, {w: curve[w] for w in loss.weights[1:-1]}).in_step_size()


def _as_report(form: EdgeNormalForm) -> dict[str, Any]:
    values = {"beta": form.beta, "quartic": form.quartic, "terminal_sharpness": form.terminal_sharpness}
    numbers = {name: float(value) if value.is_number else value for name, value in values.items()}
    return {**numbers, "kind": form.kind}


if __name__ == "__main__":
    main("edge_law", Options, analyse)
