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
