"""Every public module is told in the reference once, and led to; every study has a page of its own."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from analysis.study.index import programs
from tests.analysis.reporting.documents import claim, contents, document, evidence

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docs(monkeypatch):
    """The folder of the documentation, whose modules can be imported."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield
    for name in ("pages", "reference", "studies"):
        sys.modules.pop(name, None)


def modules():
    """The public modules, but for those that are a study by themselves."""
    for package in ("eos_sym", "numeric", "analysis"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts)
            study = len(parts) == 2 and parts[0] == "analysis" and parts[1] in programs()
            if path.name != "__init__.py" and not any(part.startswith("_") for part in parts) and not study:
                yield name


def test_every_public_module_is_told_once_and_led_to(docs):
    import reference

    pages = reference.pages()
    told = Counter(name for page in pages.values() for name in re.findall(r"automodule:: (\S+)", page))
    assert [name for name in modules() if told[name] != 1] == []
    for name in pages:
        room = name.removesuffix(".rst").rpartition(".")[0]
        if room:
            assert f"<{name.removesuffix('.rst')}>`" in pages[f"{room}.rst"]


def test_the_modules_of_a_study_are_on_one_page_which_names_the_study(docs):
    import reference

    page = reference.pages()["analysis.minimalist.rst"]
    assert ".. automodule:: analysis.minimalist.theory" in page
    assert ":doc:`/studies/minimalist`" in page


def test_a_page_that_is_the_same_is_not_touched_and_one_that_is_gone_is_taken_away(docs, tmp_path):
    import pages

    pages.write(tmp_path, {"a.rst": "a", "b.rst": "b"})
    before = (tmp_path / "a.rst").stat().st_mtime_ns
    pages.write(tmp_path, {"a.rst": "a", "c.png": b"c"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.rst": b"a", "c.png": b"c"}
    assert (tmp_path / "a.rst").stat().st_mtime_ns == before


def test_the_page_of_a_study_has_what_was_found_or_says_that_nothing_was(docs):
    import studies

    one = claim("one", "refuted", evidence("refuted", 1.0, 1.5, 0.1))
    found, missing = contents(quadratic=document(one, theory={"edge": "2/eta"}), width="it was not run")
    page = studies.page(found)
    assert page.startswith("quadratic\n=========\n")
    assert "1 claim: 1 refuted" in page
    for title in ("What was derived", "Predicted against measured", "Run it again"):
        assert f"\n{title}\n{'-' * len(title)}\n" in page
    assert re.search(r"<math.*?η", page)
    assert "500 % used" in page
    page = studies.page(missing)
    assert "there were no results of this program: it was not run" in page
    assert "python -m analysis.verify --only width" in page
    assert "Predicted against measured" not in page
