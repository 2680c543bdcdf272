"""What essays and documents say in mathematics, as LaTeX."""

import pytest

from analysis.reporting.exact import Named, derivation, formula, formulas, matrix
from analysis.reporting.formulas import is_formula, latex


@pytest.mark.parametrize(
    ("line", "expected"),
    {
        "S∞ = 2/η": r"S_{\infty } = 2/\eta",
        "t_j²/(λ_j − ν)": r"t_{j}^{2}/(\lambda _{j} - \nu )",
        "½x²∇S": r"\tfrac{1}{2}x^{2}\nabla S",
        "e^{−ντ}": r"e^{-\nu \tau}",
        "θ_{t − m/2}": r"\theta _{t - m/2}",
        "2⁻ᵐ": "2^{-m}",
        "√(1 + √5)/2": r"\sqrt{1 + \sqrt{5}}/2",
        "ẏ = S̄": r"\dot{y} = \bar{S}",
        "∇³L(u,u,u)": r"\nabla ^{3}L(u,u,u)",
        "ln x,   then  y → ∞": r"\ln  x,\quad \text{ then }\quad y \rightarrow  \infty",
        "f = min{x², 1}": r"f = \min \{x^{2}, 1\}",
        "S_mid of xyzw and xSu": r"S_{\mathrm{mid}} \text{ of } xyzw \text{ and } xSu",
    }.items(),
)
def test_a_line_is_set_as_it_is_written(line, expected):
    assert latex(line) == expected


def test_a_sign_that_is_not_known_is_named():
    with pytest.raises(ValueError, match="☃"):
        latex("x = ☃")


def test_mathematics_is_told_from_words():
    assert [is_formula(text) for text in ("√5 − 1", "1/8", "heavy ball", "the minimum z = 1", "1.30", "x ☃ = 1")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "2/eta - eta/2": r"\frac{2}{\eta} - \frac{\eta}{2}",
        "lambda1": r"\lambda_{1}",
        "1, x**2": r"1,\quad x^{2}",
        "(2*momentum + 2)/eta": r"\frac{2 \,\text{momentum}\, + 2}{\eta}",
        "self_stabilizing": None,
        "self-stabilizing": None,
        "kept/lost": None,
        "converged, diverged": None,
        "2, 4, none": None,
        "3 of 4": None,
        "< 0.05": None,
        "": None,
        "__import__('os')": None,
    }.items(),
)
def test_exact_results_are_told_from_words(text, expected):
    found = formula(text)
    assert (found and found.latex) == expected


def test_a_comma_inside_a_function_divides_nothing():
    assert len(formulas("Max(x, y), 1")) == 2


def test_a_sum_begins_without_a_minus_where_it_can():
    assert formula("-x*y + 1").latex == "1 - x y"
    assert formula("-x - 1").latex == "- x - 1"


def test_a_matrix_has_rows_of_formulas_of_one_length():
    assert r"\begin{matrix}0 & 1\\\eta & 2\end{matrix}" in matrix([["0", "1"], ["eta", "2"]]).latex
    assert matrix([["0"], ["1", "2"]]) is None
    assert matrix([["no number"]]) is None


def test_a_map_is_told_from_values_by_what_depends_on_itself():
    """Against x = −x, which is not what a map says."""
    found = {one.name: one.value for one in derivation({"map": {"x": "-x"}, "cycle": {"x": "1/2"}})}
    assert found["map"][0].latex == r"x \mapsto - x"
    assert found["cycle"][0].latex == r"x = \frac{1}{2}"


def test_a_derivation_keeps_its_names_and_leaves_out_what_there_is_not():
    found = derivation({"critical_step": "2", "nothing": None, "several": [{"kind": "flip"}], "numbers": [0.5, None]})
    assert [one.name for one in found] == ["critical step", "several", "numbers"]
    assert found[1].value == (Named("1.", (Named("kind", "flip"),)),)
    assert found[2].value == ("0.5", "none")
