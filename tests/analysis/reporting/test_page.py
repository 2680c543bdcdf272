"""The page says what the documents say, no more and no less, whatever words are in them, and loads nothing."""

import re
from collections import Counter
from xml.etree import ElementTree

import html5lib
import pytest

from analysis.reporting.content import LARGEST_SVG, picture
from analysis.reporting.essay import essay_html, restructured
from analysis.reporting.page import measured
from analysis.study import new_figure
from analysis.study.figure import FILES, draw_and_save
from analysis.study.index import essay, programs
from tests.analysis.reporting.documents import HOSTILE, claim, document, evidence, page_of

LOADING = {"src", "srcset", "data", "action", "formaction", "poster", "background", "code", "archive", "ping"}


def parsed(html):
    """The tree of a page that is HTML without an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(html)


def text(element):
    return " ".join("".join(element.itertext()).split())


def rows(tree):
    return [one for one in tree.iter("tr") if "data-status" in one.attrib]


@pytest.fixture(scope="module")
def three():
    """Eight claims, one of each status and more."""
    return page_of(
        quadratic=document(
            claim("one", "proved"), claim("two", "refuted", opened=True), theory={"edge": "2/eta", "map": {"x": "-x"}}
        ),
        minimalist=document(
            claim("one", "proved", channels=("symbolic", "autograd")), claim("many", "undecided", channels=())
        ),
        width="it was not run",
    )


def test_every_claim_is_in_the_table_once_and_leads_to_its_place(three):
    tree = parsed(three)
    places = Counter(one.attrib["id"] for one in tree.iter() if "id" in one.attrib)
    assert set(places.values()) == {1}
    assert [row.attrib["data-study"] for row in rows(tree)] == ["quadratic", "quadratic", "minimalist", "minimalist"]
    for row, place in zip(
        rows(tree), ("quadratic.one", "quadratic.two", "minimalist.one", "minimalist.many"), strict=True
    ):
        assert places[place] == 1
        assert [one.attrib["href"] for one in row.iter("a")] == [f"#{place}", f"#{row.attrib['data-study']}"]
    inside = {one.attrib["href"][1:] for one in tree.iter("a") if one.attrib.get("href", "").startswith("#")}
    assert {one for one in inside if one in programs()} <= {*places} | {*programs()}


def test_two_claims_of_one_name_have_two_places():
    tree = parsed(page_of(quadratic=document(claim("a b"), claim("a-b"))))
    assert [one.attrib["id"] for one in tree.iter("details") if one.attrib.get("class") == "claim"] == [
        "quadratic.a-b",
        "quadratic.a-b-2",
    ]


def test_the_counts_are_those_of_the_documents(three):
    tiles = [text(one) for one in parsed(three).iter("label") if one.attrib.get("class", "").startswith("tile")]
    assert tiles == ["2 ∎ proved", "0 ✓ supported", "1 ✗ refuted 1 of them open predictions", "1 ? undecided"]
    assert Counter(row.attrib["data-status"] for row in rows(parsed(three))) == {
        "proved": 2,
        "refuted": 1,
        "undecided": 1,
    }


def test_a_study_without_results_says_why_and_how_to_have_them(three):
    article = next(one for one in parsed(three).iter("article") if one.attrib["id"] == "width")
    said = text(article)
    assert "No results are shown: it was not run. python -m analysis.verify --only width makes them." in said
    assert "proved" not in said
    assert "Predicted against measured" not in said


def test_nothing_is_loaded_and_no_other_script_runs(three):
    """A link may lead to a paper; nothing else leaves the page."""
    for one in parsed(three).iter():
        for name, value in one.attrib.items():
            leaves = re.match(r"\s*(https?:|//|file:|javascript:)", value)
            if one.tag == "a" and name == "href":
                assert not leaves or value.startswith("https://")
            elif name in {*LOADING, "href"}:
                assert value.startswith("data:")
            assert not name.startswith("on")
    assert "default-src 'none'" in three
    assert not re.search(r"@import|url\((?!data:)", three)


@pytest.mark.parametrize("field", ["statement", "source", "quantity", "expected", "error", "theory", "id"])
def test_what_studies_say_is_text_and_never_markup(field):
    piece = evidence(expected=HOSTILE if field == "expected" else 1.0, quantity=HOSTILE if field == "quantity" else "a")
    statement = HOSTILE if field == "statement" else "it is so"
    one = claim(
        HOSTILE if field == "id" else "one",
        "supported",
        piece | {"part": statement},
        statement=statement,
        source=HOSTILE if field == "source" else "a paper",
    )
    found = document(one, theory={HOSTILE: HOSTILE} if field == "theory" else {})
    html = page_of(quadratic=found, width=HOSTILE if field == "error" else "it was not run")
    tree = parsed(html)
    assert len([*tree.iter("script")]) == 1
    assert not [one for one in tree.iter("img") if one.attrib.get("src") == "x"]
    assert text(tree).count(" ".join(HOSTILE.split())) >= 1


def test_what_was_not_measured_is_a_dash_and_what_is_no_number_is_said():
    pieces = evidence("undecided", None, "too few runs", None), evidence("refuted", 1.0, "nan", 0.1)
    tree = parsed(page_of(quadratic=document(claim("one", "refuted", *pieces))))
    cells = [[text(cell) for cell in row] for table in tree.iter("table") for row in table.iter("tr")]
    assert ["a level", "simulation", "—", "too few runs", "—", "? undecided"] in cells
    assert ["a level", "simulation", "1", "nan", "0.1", "✗ refuted"] in cells


@pytest.mark.parametrize(
    ("value", "expected"),
    {
        "< 1e-06": "&lt; 1 × 10<sup>−6</sup>",
        "-2.5e+12": "−2.5 × 10<sup>12</sup>",
        "-0.5 to -0.1": "−0.5 to −0.1",
        "two-cycle, 3e": "two-cycle, 3e",
        "": '<span class="none">—</span>',
    }.items(),
)
def test_numbers_are_written_as_people_write_them(value, expected):
    assert measured(value) == expected


def test_the_share_of_the_tolerance_is_what_the_numbers_give():
    pieces = evidence(observed=1.04), evidence("refuted", observed=9.0, tolerance=0.01)
    html = text(parsed(page_of(quadratic=document(claim("one", "refuted", *pieces)))))
    assert "40 % used" in html
    assert "more than 1000 % used" in html


def test_evidence_stands_with_the_part_of_which_it_speaks():
    pieces = [
        evidence(part="a", quantity="of a"),
        evidence(part="b", quantity="of b"),
        evidence(part=None, quantity="?"),
    ]
    tree = parsed(page_of(quadratic=document(claim("one", "supported", *pieces, statement="a; b"))))
    place = next(one for one in tree.iter("details") if one.attrib.get("id") == "quadratic.one")
    said = [text(one) for one in place.iter() if one.tag in ("h4",) or one.attrib.get("scope") == "row"]
    assert said == ["✓ supported a", "of a", "✓ supported b", "of b", "of the whole statement", "?"]


def test_formulas_are_mathematics_that_is_well_formed():
    theory = {
        "edge": "2/eta",
        "map": {"x": "x*(1 - eta*x**2)"},
        "matrix": [["1", "x"], ["0", "1"]],
        "log": "log(cosh(x))",
    }
    html = page_of(bifurcation=document(claim("one"), theory=theory), parabola=document(claim("one")))
    found = re.findall("<math.*?</math>", html, flags=re.DOTALL)
    assert len(found) > 10
    for one in found:
        root = ElementTree.fromstring(one)
        assert {element.tag.partition("}")[0] for element in root.iter()} == {"{http://www.w3.org/1998/Math/MathML"}
    assert "η" in html


@pytest.mark.parametrize("name", programs())
def test_every_essay_is_set_without_a_remark(name):
    written = essay_html(essay(programs()[name]))
    parsed(f"<!doctype html><title>essay</title>{written}")
    assert "system-message" not in written
    assert ":cite:" not in written


def test_what_is_indented_is_set_by_what_it_is():
    assert restructured("a\n\n    x = y²\n\nb") == "a\n\n\n.. math:: x = y^{2}\n\n\nb"
    assert "list-table" in restructured("a\n\n    K      what\n    1      a two-cycle\n\nb")
    assert "::\n\n    python -m" in restructured('a\n\n    python -m analysis.derive "x"\n')


def test_a_key_that_is_not_in_the_bibliography_is_named():
    with pytest.raises(ValueError, match="nobody1900"):
        essay_html("By :cite:t:`nobody1900`.")


def drawn():
    figure = new_figure(7.0, 2.0)
    axes = figure.subplots()
    axes.plot(range(5000), label=r"$\eta = 1$")
    axes.set(title="(a) sharpness", xlabel="step", ylabel=r"$\lambda_1$ < &")
    axes.legend()
    return figure


def test_a_figure_says_what_it_shows(tmp_path):
    draw_and_save(drawn, tmp_path, "Sharpness & <loss>.")
    files = [str(tmp_path / name) for name in FILES]
    found = picture(files)
    assert (found.kind, found.caption) == ("svg+xml", "Sharpness & <loss>.")
    assert found.described == "(a) sharpness: λ_1 < & against step (η = 1)"
    assert b"data:image/png" in found.content  # its five thousand points
    html = page_of(quadratic=document(claim("one"), files=files))
    assert next(one.attrib["alt"] for one in parsed(html).iter("img")) == f"{found.caption} {found.described}"


def test_a_figure_with_too_many_lines_is_shown_in_pixels(tmp_path):
    draw_and_save(drawn, tmp_path, "Sharpness.")
    place = tmp_path / "figure.svg"
    place.write_text(place.read_text().replace("</svg>", f"<!--{'x' * LARGEST_SVG}--></svg>"))
    assert picture([str(tmp_path / name) for name in FILES]).kind == "png"
    assert picture([]) is None
