"""``python -m analysis.gradient_flow``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Study, main
from analysis.gradient_flow.claims import claims
from analysis.gradient_flow.experiments import NAME, descents, first_order, flows, pairs
from analysis.gradient_flow.figures import draw
from analysis.gradient_flow.theory import first_order_on_quadratic, solved_first_order
from analysis.training import StepSizeOptions
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Gradient descent beside the gradient flow from the same weights, with tanh and with ReLU.

    A quarter of the least step size is trained with as well, for comparison.
    """


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    runs = pairs(options, options.eta)
    return Study(
        theory={
            "critical_sharpness": critical_sharpness(GradientDescent()),
            "first_order": "GD − flow = η d + O(η²),  ḋ = −H d − ½ H ∇L,  d(0) = 0",
            "first_order_on_a_quadratic": first_order_on_quadratic(),
        },
        experiments={
            "training": lambda progress: descents(options, runs, progress),
            "flow": lambda progress: flows(options, runs),
            "first_order": lambda progress: first_order(options, runs, progress),
        },
        claims=lambda data: claims(
            data["training"], data["flow"], data["first_order"], first_order_on_quadratic(), solved_first_order()
        ),
        figure=lambda data: draw(data["training"], data["flow"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
