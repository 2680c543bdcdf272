"""The page in a browser, where there is one: sliders move the pictures, the address keeps the view."""

import re
from itertools import pairwise

import pytest

from analysis.exploring.network import network
from analysis.exploring.normalized import normalized
from analysis.exploring.page import page
from tests.analysis.reporting.documents import FACTS
from tests.browser import DESK, PHONE, barriers

PICTURES = ("plane", "sharpness", "loss")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of two models that are soon derived."""
    file = tmp_path_factory.mktemp("page") / "explorer.html"
    file.write_text(page([normalized(), network()], FACTS), encoding="utf-8")
    return file.as_uri()


def pictures(view):
    """What is drawn: after the next frame, in which a change is."""
    view.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return [view.locator(f"#{name}").evaluate("canvas => canvas.toDataURL()") for name in PICTURES]


def cells(view, row=0):
    return view.locator(".predictions:visible tbody tr").nth(row).locator("td").all_inner_texts()


def until(view, expression):
    """Waits for something to be so; the page's policy forbids what wait_for_function does."""
    for _ in range(200):
        if view.evaluate(expression):
            return
        view.wait_for_timeout(50)
    pytest.fail(expression)


def hash_of(view, **values):
    """Waits until these values are in the address."""
    for name, value in values.items():
        until(view, f"location.hash.slice(1).split('&').includes('{name}={value}')")


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_a_slider_moves_the_pictures_and_the_table(opened, viewport):
    view = opened(viewport=viewport)
    before, said = pictures(view), cells(view, 1)
    slider = view.locator("[id='normalized--eta']")
    slider.focus()
    for _ in range(30):
        view.keyboard.press("ArrowRight")
    after = pictures(view)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert cells(view, 1) != said
    assert view.get_by_role("spinbutton", name="step size eta, as a number").input_value() == "0.08"
    hash_of(view, model="normalized", eta="0.08", steps="2500")


def test_a_number_moves_the_slider_and_nonsense_nothing(opened):
    view = opened()
    number = view.get_by_role("spinbutton", name="step size eta, as a number")
    number.fill("0.1")
    pictures(view)
    assert view.locator("[id='normalized--eta']").input_value() == "0.1"
    before = pictures(view)
    number.fill("")
    assert pictures(view) == before
    number.fill("17")
    pictures(view)
    assert view.locator("[id='normalized--eta']").input_value() == "0.5"
    number.press("Tab")
    pictures(view)
    assert number.input_value() == "0.5"


def test_the_address_restores_the_view(opened):
    view = opened("#model=network&eta=0.09&mu=0.0003&p=0.25&q=4.4&a=4.43&steps=900")
    assert view.get_by_role("radio", name="A small network").is_checked()
    shown = pictures(view), [cells(view, row) for row in range(4)]
    assert view.locator("[id='network--steps']").input_value() == "900"
    other = opened()
    assert pictures(other) != shown[0]
    other.evaluate(f"location.hash = {view.evaluate('location.hash')!r}")
    until(other, "document.querySelector('input[value=network]').checked")
    assert (pictures(other), [cells(other, row) for row in range(4)]) == shown


def test_an_address_of_nonsense_shows_what_is_possible(opened):
    view = opened("#model=nothing&eta=much&steps=-5&x=1e9")
    assert view.get_by_role("radio", name="Normalized gradient descent").is_checked()
    found = [view.locator(f"[id='normalized--{name}']").input_value() for name in ("eta", "steps", "x")]
    assert found == ["0.05", "10", "4"]


def test_an_example_sets_all_and_is_marked_until_something_changes(opened):
    view = opened("#model=network")
    button = view.get_by_role("button", name="from far below")
    button.click()
    hash_of(view, mu="0.0005", q="3.5", steps="3000")
    assert button.get_attribute("aria-pressed") == "true"
    view.get_by_role("spinbutton", name="start q, as a number").fill("3.6")
    until(view, "document.getElementById('network--preset2').ariaPressed === 'false'")


def test_what_escapes_is_said_and_what_is_not_predicted_too(opened):
    view = opened("#model=network")
    view.get_by_role("button", name="diverges").click()
    until(view, "document.getElementById('ended').dataset.outcome === 'escaped'")
    assert view.locator("#ended").inner_text().startswith("Escapes: after 6 steps")
    assert cells(view) == ["the start is beyond the edge, where the central flow does not begin", "—", "—"]
    until(view, "document.getElementById('said').textContent.startsWith('Escapes')")


def test_the_edge_is_drawn_where_a_run_escapes_before_it_has_a_sharpness_to_be_drawn(opened):
    view = opened("#model=network&eta=0.5&p=2&q=8&a=6")
    until(view, "document.getElementById('ended').dataset.outcome === 'escaped'")
    assert "outside of the picture" not in view.locator("#sharpness--legend").inner_text()


def test_the_sharpness_is_said_beside_the_edge_of_the_rule(opened):
    """That of normalized gradient descent is at 2‖∇L‖/η and far from 2/η = 40."""
    told = re.search(r"at sharpness ([\d.]+) beside 2‖∇L‖/η = ([\d.]+)\.$", opened().locator("#ended").inner_text())
    assert float(told[1]) == pytest.approx(float(told[2]), rel=0.05)
    assert opened("#model=network").locator("#ended").inner_text().endswith(" beside 2/η = 20.")


def test_predicted_and_measured_stand_beside_each_other(opened):
    view = opened("#model=network")
    predicted, measured, apart = cells(view)
    assert predicted == "20"
    assert abs(float(measured) / 20 - 1) < 0.001
    assert re.fullmatch(r"[\d.]+ %", apart)


def test_the_pointer_reads_a_step(opened):
    view = opened("#model=network&steps=1000")
    box = view.locator("#loss").bounding_box()
    view.locator("#loss").hover(position={"x": box["width"] / 2, "y": 40})
    step = int(re.match(r"Step (\d+): loss [\d.]+.*, sharpness [\d.]+, p = ", view.locator("#reading").inner_text())[1])
    assert 400 < step < 600
    view.mouse.move(0, 0)
    assert view.locator("#reading").inner_text() == ""


def test_light_and_dark_are_drawn_in_their_own_colours(opened):
    view = opened(color_scheme="light")
    light = pictures(view)
    view.get_by_role("button", name="Light or dark").click()
    dark = pictures(view)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert pictures(opened(color_scheme="dark")) == dark


@pytest.mark.parametrize("viewport", [PHONE, DESK])
@pytest.mark.parametrize("model", ["normalized", "network"])
def test_nothing_is_wider_than_the_window(opened, viewport, model):
    view = opened(f"#model={model}", viewport=viewport)
    assert view.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_tab_key_reaches_models_sliders_and_examples(opened):
    view = opened()
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.textContent") == "Skip to the sliders"
    seen = set()
    for _ in range(16):
        view.keyboard.press("Tab")
        seen.add(view.evaluate("(one => one.id || one.name || one.tagName)(document.activeElement)"))
    assert {"theme", "model", "normalized--preset0", "normalized--eta", "normalized--x", "normalized--steps"} <= seen


def test_everything_that_is_moved_has_a_name(opened):
    view = opened()
    for role in ("slider", "spinbutton", "radio", "button", "img"):
        named = view.get_by_role(role).evaluate_all(
            "all => all.map(one => one.ariaLabel || one.textContent || one.labels?.[0]?.textContent || '')"
        )
        assert named
        assert all(one.strip() for one in named)


def test_without_scripts_what_the_models_are_can_be_read(opened):
    view = opened(java_script_enabled=False)
    for model in ("Normalized gradient descent", "A small network"):
        assert view.get_by_role("heading", name=model, exact=True).is_visible()
    assert view.locator("noscript p").is_visible()


def test_headings_go_down_one_level_at_a_time(opened):
    levels = opened().locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
@pytest.mark.parametrize("model", ["normalized", "network"])
def test_nothing_bars_anybody_from_it(opened, viewport, scheme, model):
    """By axe: names, roles, contrasts, what the keys reach."""
    view = opened(f"#model={model}", viewport=viewport, color_scheme=scheme)
    pictures(view)
    assert barriers(view) == []
