"""Every public module has a page in the reference; a page lost, or a module in no room, is noticed."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_module_has_its_page_and_is_led_to(tmp_path):
    reference().write(tmp_path)
    pages = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in tmp_path.glob("*.md")}
    for package in ("eos_sym", "numeric", "analysis"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if path.name != "__init__.py" and not any(part.startswith("_") for part in parts):
                name = ".".join(parts)
                assert f".. automodule:: {name}" in pages[name]
                assert name in pages[name.rpartition(".")[0]]


def test_a_study_in_a_folder_is_told_by_its_script(tmp_path):
    pages = reference().write(tmp_path)
    assert "analysis.minimalist.__main__" in pages
    assert "analysis.__main__" not in pages
