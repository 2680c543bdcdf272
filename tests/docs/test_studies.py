"""The pages of the studies, of which the build of the documentation sees figures only where there are results."""

import importlib.util
from pathlib import Path

import pytest
from docutils.core import publish_doctree

PAGES = Path(__file__).parents[2] / "docs" / "studies.py"


@pytest.fixture(scope="module")
def studies():
    spec = importlib.util.spec_from_file_location("studies", PAGES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "text", ["(a) all losses, (b) how far off", "1. first", "- less", "S. Hessian", "|x| is large"]
)
def test_a_caption_is_a_paragraph_whatever_it_begins_with(studies, text):
    """Against an enumeration, which a figure's caption may not be: the build ended with an error where it was shown."""
    found = publish_doctree(studies.sentence(text), settings_overrides={"report_level": 5})
    assert [child.tagname for child in found.children] == ["paragraph"]
    assert found.astext() == text
