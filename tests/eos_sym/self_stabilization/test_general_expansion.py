"""The general loss has the derivatives at 0 that its parameters are named by."""

from itertools import combinations_with_replacement

from sympy import Symbol, diff

from eos_sym.self_stabilization.predicted_dynamics import general_expansion


def test_every_derivative_of_the_general_loss_is_its_parameter():
    """∇S⊥ = (0, t, 0), so that L_uun = t and L_uuw = 0; ∇L = (0, −α/t, g), so that −∇L·∇S = α."""
    objective = general_expansion().objective
    named = {parameter.name: parameter for parameter in objective.parameters}

    def derivative(numbers):
        names = (objective.weights[int(number) - 1] for number in numbers)
        return diff(objective.loss, *names).subs(dict.fromkeys(objective.weights, 0))

    assert derivative("1") == 0
    assert derivative("2") == -named["alpha"] / named["t"]
    assert derivative("3") == named["g"]
    assert {pair: derivative(pair) for pair in ("11", "22", "33", "12", "13", "23")} == {
        "11": named["S"],
        "22": named["b"],
        "33": named["c"],
        **dict.fromkeys(("12", "13", "23"), 0),
    }
    for numbers in map("".join, combinations_with_replacement("123", 3)):
        known = {"112": named["t"], "113": 0}
        assert derivative(numbers) == known.get(numbers, named.get(f"T_{numbers}")), numbers
    assert derivative("1111") == named["Q"]
    assert all(isinstance(parameter, Symbol) and parameter.is_real for parameter in objective.parameters)
