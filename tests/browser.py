"""Chromium: where it is, how it is begun, and the windows in which pages are looked at."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


def playwright():
    """Playwright's module; the test is skipped where it or Chromium is missing."""
    module = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[browser]'")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    return module


def launched(started):
    """Chromium, by a Playwright that was started."""
    return started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def barriers(page):
    """What axe finds on a page that bars people from it, as lines; the test is skipped where axe is missing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e '.[browser]'")
    unread = {"empty-table-header": {"enabled": False}}  # for axe a heading in MathML is empty
    found = axe.Axe().run(page, options={"rules": unread}).response["violations"]
    return [f"{one['help']}: {place['html'][:200]}" for one in found for place in one["nodes"]]
