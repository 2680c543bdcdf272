"""A browser for pages that `analysis` makes, in which nothing may fail and nothing may be loaded."""

import pytest

from tests.browser import DESK, launched, playwright

HERE = ("file:", "data:")


@pytest.fixture(scope="module")
def browser():
    with playwright().sync_playwright() as started:
        chromium = launched(started)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, address):
    """Opens the page at the test file's `address`; at the end nothing may have failed."""
    faults, contexts = [], []

    def open_(place="", viewport=DESK, **settings):
        context = browser.new_context(viewport=viewport, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.on("request", lambda request: faults.append(request.url) if request.url[:5] not in HERE else None)
        page.goto(address + place)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []
