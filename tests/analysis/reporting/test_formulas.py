"""What essays and documents say in mathematics, as LaTeX."""

import re

import pytest

from analysis.reporting.exact import formula, formulas, matrix, symbol
from analysis.reporting.formulas import is_formula, latex
from analysis.reporting.mathml import mathml
from analysis.reporting.named import Named, Table, results


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


@pytest.mark.parametrize(
    ("written", "grow"),
    {
        r"\|g\| / \|h\|^{2}": [False] * 4,
        r"\left\|\frac{g}{h}\right\|^{2}": [True] * 2,
        r"\left(\|g\|\right)": [True, False, False, True],
        r"\lfloor x\rfloor \langle y\rangle \lvert z\rvert": [False] * 6,
        r"(x) + |y|": [False] * 4,
    }.items(),
)
def test_brackets_and_bars_grow_only_where_it_is_asked(written, grow):
    """In a browser a bar grows by itself to the height of its row: in g/‖h‖² to that of a fraction beside it."""
    found = re.findall("<mo([^>]*)>[‖|∣⟨⟩⌊⌋()]</mo>", mathml(written))
    assert ["stretchy" not in one for one in found] == grow


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
    found = {one.name: one.value for one in results({"map": {"x": "-x"}, "cycle": {"x": "1/2"}})}
    assert found["map"][0].latex == r"x \mapsto - x"
    assert found["cycle"][0].latex == r"x = \frac{1}{2}"


def test_a_derivation_keeps_its_names_and_leaves_out_what_there_is_not():
    found = results({"critical_step": "2", "nothing": None, "several": [{"kind": "flip"}], "numbers": [0.5, None]})
    assert [one.name for one in found] == ["critical step", "several", "numbers"]
    assert found[1].value == (Named("1.", (Named("kind", "flip"),)),)
    assert found[2].value == ("0.5", "none")


def test_things_of_which_the_same_is_said_are_a_table():
    found = results(
        {"losses": {"depth 2": {"beta": "12", "kind": "flip"}, "depth 4": {"beta": "1/eta", "kind": "flip"}}}
    )
    (losses,) = found
    assert losses.value == Table(
        (symbol("beta"), "kind"),
        (("depth 2", (formula("12"), "flip")), ("depth 4", (formula("1/eta"), "flip"))),
    )


def test_a_table_has_a_gap_where_nothing_is_said_of_one():
    rows = [{"sharpness": 1, "level": 2, "step": 3}, {"sharpness": 1, "level": 2, "step": None}]
    (found,) = results({"runs": rows})
    assert [cells for _, cells in found.value.rows] == [("1", "2", "3"), ("1", "2", None)]


@pytest.mark.parametrize(
    "records",
    {
        "one thing": [{"a b": 1, "c d": 2}],
        "of each another": [{"a b": 1, "c d": 2}, {"e f": 3, "g h": 4}],
        "parts of a part": [{"a b": {"c d": 1}, "e f": 2}, {"a b": {"c d": 1}, "e f": 2}],
        "too many columns": [{f"column {number}": number for number in range(7)}] * 2,
        "a formula too wide": [{"a b": " + ".join(f"x{k}" for k in range(40)), "c d": 1}] * 2,
    }.values(),
    ids=str,
)
def test_what_a_table_would_not_hold_is_one_below_the_other(records):
    (found,) = results({"runs": records})
    assert isinstance(found.value, tuple)
