"""The page of faults has a row for every mark, of every kind; a mark that says too little is refused."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def faults():
    spec = importlib.util.spec_from_file_location("faults", ROOT / "docs" / "faults.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_mark_is_a_row_and_every_kind_has_some(faults, tmp_path):
    found = faults.write(tmp_path / "faults.md")
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")]
    assert len(found) == sum(len(re.findall(r"^@pytest\.mark\.fault\(", text, flags=re.MULTILINE)) for text in texts)
    assert {row.kind for row in found} == {*faults.KINDS}
    page = (tmp_path / "faults.md").read_text(encoding="utf-8")
    for row in found:
        assert page.count(f"* - {row.tried}\n  - {row.happens}\n  - ") == 1
        assert f"(`{row.file.removeprefix('tests/')}`)" in page


@pytest.mark.parametrize("mark", ['"killed", "a run"', '"kiled", "a run", "it goes on"', '"killed", a, "it goes on"'])
def test_a_mark_that_says_too_little_is_refused(faults, mark):
    with pytest.raises(ValueError, match="a fault is a kind"):
        faults._said(ast.parse(f"fault({mark})", mode="eval").body, "a file")
