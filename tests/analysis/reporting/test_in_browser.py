"""The page in a browser, where there is one: what a click, a key and a narrow window do, and that nothing fails."""

import re
from itertools import pairwise

import pytest

from analysis.study.figure import FILES, draw_and_save
from tests.analysis.reporting.documents import claim, document, evidence, page_of
from tests.analysis.reporting.test_page import drawn
from tests.browser import DESK, PHONE, barriers

LONG = "W" * 120 + " " + "x" * 300


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with a figure, formulas wider than a phone, and words that nothing breaks."""
    folder = tmp_path_factory.mktemp("page")
    draw_and_save(drawn, folder, "Sharpness.")
    files = [str(folder / name) for name in FILES]
    wide = " + ".join(f"x{number}**2/eta" for number in range(60))
    claims = [
        claim("b", "supported", statement="the sharpness hovers; it is so", source="Cohen et al. 2021"),
        claim("a", "refuted", evidence("refuted", wide, LONG, None), opened=True, channels=("symbolic",)),
        claim("c", "proved", statement=f"a long one: {LONG}", source=LONG, channels=("symbolic", "autograd")),
    ]
    losses = {f"depth {depth}": {"beta": "1/eta", "kind": "flip"} for depth in (2, 4)}
    studies = {
        "shallow": document(*claims, theory={"loss": wide, LONG: [["x", wide]], "losses": losses}, files=files),
        "quadratic": document(claim("z", "undecided", channels=())),
        "width": "it was not run",
    }
    (folder / "page.html").write_text(page_of(**studies), encoding="utf-8")
    return (folder / "page.html").as_uri()


def shown(page):
    return page.locator("#table tbody tr:visible").evaluate_all("rows => rows.map(row => row.dataset.status)")


def test_formulas_are_set_in_the_font_that_the_page_holds(opened):
    page = opened()
    page.locator("math").first.wait_for(state="attached")
    fonts = page.evaluate(
        "document.fonts.ready.then(all => [...all].map(one => [one.family.replaceAll('\"', ''), one.status]))"
    )
    assert fonts == [["STIX Two Math", "loaded"]]


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_a_click_on_a_status_shows_those_claims_alone(viewport, opened):
    page = opened(viewport=viewport)
    page.get_by_role("checkbox", name="refuted").check()
    assert shown(page) == ["refuted"]
    assert page.get_by_role("status").inner_text() == "1 of 4 claims"
    page.get_by_role("checkbox", name="proved").check()
    assert shown(page) == ["refuted", "proved"]
    page.get_by_role("checkbox", name="autograd").check()
    assert shown(page) == ["proved"]
    page.get_by_role("button", name="Show all").click()
    page.locator("#shown", has_text=re.compile("^4 claims$")).wait_for()  # evaluating a text is what the page forbids
    assert len(shown(page)) == 4


def test_words_study_and_source_filter_too(opened):
    page = opened()
    page.get_by_role("searchbox").fill("HOVERS cohen")
    assert shown(page) == ["supported"]
    page.get_by_role("searchbox").fill("nothing of the kind")
    assert shown(page) == []
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="Study").select_option("quadratic")
    assert shown(page) == ["undecided"]
    page.get_by_role("combobox", name="Study").select_option("all")
    page.get_by_role("combobox", name="Source").select_option("a paper")
    assert shown(page) == ["refuted", "undecided"]


def test_on_a_phone_a_tap_sorts(opened):
    page = opened(viewport=PHONE)
    page.locator("#table thead").get_by_text("Status").click()
    assert shown(page) == ["proved", "supported", "refuted", "undecided"]


def test_the_keyboard_sorts_and_the_heading_says_how(opened):
    page = opened()
    heading = page.get_by_role("columnheader", name="Status")
    assert heading.get_attribute("aria-sort") == "none"
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown(page) == ["proved", "supported", "refuted", "undecided"]
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"
    assert shown(page) == ["undecided", "refuted", "supported", "proved"]
    page.get_by_role("columnheader", name="Study").get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "none"
    assert shown(page)[0] == "undecided"


def test_the_tab_key_reaches_everything_and_shows_where_it_is(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the claims"
    seen = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("(one => one.id || one.name || one.tagName)(document.activeElement)"))
        ring = "(one => getComputedStyle(one.type === 'checkbox' ? one.closest('label') : one).outlineStyle)"
        assert page.evaluate(f"{ring}(document.activeElement)") != "none"
    assert {"theme", "status", "channel", "words", "study", "source", "SUMMARY", "BUTTON"} <= seen


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_nothing_is_wider_than_the_window(viewport, opened):
    """Against a formula, a table or a word that makes the page scroll sideways; unfolded, too."""
    page = opened(viewport=viewport)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_link_to_a_claim_unfolds_it(opened):
    page = opened()
    page.locator("#table").get_by_role("link", name="the sharpness hovers").click()
    place = page.locator("[id='shallow.b']")
    page.locator("[id='shallow.b'][open]").wait_for()
    assert place.get_by_role("table").first.is_visible()
    assert opened("#shallow.a").locator("[id='shallow.a']").get_attribute("open") is not None


def test_a_figure_is_enlarged_and_put_back(opened):
    page = opened()
    button = page.get_by_role("button", name="Enlarge the figure")
    small = button.get_by_role("img")
    assert small.evaluate("image => image.complete && image.naturalWidth") > 100
    assert small.get_attribute("alt").startswith("Sharpness. (a) sharpness: λ_1 < & against step")
    button.press("Enter")
    dialog = page.get_by_role("dialog")
    large = dialog.get_by_role("img").bounding_box()
    assert small.bounding_box()["width"] < large["width"] < DESK["width"]
    assert large["height"] < DESK["height"]
    dialog.get_by_role("img").click()
    assert dialog.get_by_role("img").bounding_box()["width"] > 2 * large["width"]
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_light_and_dark_follow_the_system_until_somebody_chooses(opened):
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(color_scheme=scheme) for scheme in ("light", "dark"))
    colours = light.evaluate(background), dark.evaluate(background)
    assert colours[0] != colours[1]
    dark.get_by_role("button", name="Light or dark").click()
    assert dark.evaluate(background) == colours[0]
    dark.reload()
    assert dark.evaluate(background) == colours[0]


def test_on_paper_everything_is_unfolded_and_folded_again_after(opened):
    page = opened()
    folded = page.locator("details:not([open])").count()
    assert folded > 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded
    assert page.pdf().startswith(b"%PDF")


def test_without_scripts_everything_can_be_read(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#table tbody tr").count() == 4
    page.locator("[id='shallow.b'] > summary").click()
    assert page.locator("[id='shallow.b'] table").first.is_visible()


def test_headings_go_down_one_level_at_a_time(opened):
    levels = opened().locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_nothing_bars_anybody_from_it(opened, viewport, scheme):
    """By axe: names, roles, contrasts, what the keys reach; with everything unfolded."""
    page = opened(viewport=viewport, color_scheme=scheme)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate("dispatchEvent(new Event('resize'))")
    assert barriers(page) == []
