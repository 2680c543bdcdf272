"""Sphinx configuration: the guide in Markdown, the reference from docstrings, a gallery of examples that assert."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import reference

project = "Edge of stability"
author = "The edge-of-stability developers"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
html_theme = "furo"
exclude_patterns = ["_build", "examples"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_enable_extensions = ["dollarmath"]
sphinx_gallery_conf = {
    "examples_dirs": str(Path(__file__).parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
}


reference.write(Path(__file__).parent / "reference")


def setup(app):
    """Have docstrings, which are written to be read as they are, read well as reStructuredText too."""
    app.connect("autodoc-process-docstring", prepare)


def prepare(_app, what, _name, _object, _options, lines):
    """Make the indented formulas and tables of modules literal blocks, and |x| elsewhere no reference."""
    prepared, literal = [], False
    for index, line in enumerate(lines):
        indented = line.startswith("    ")
        if what == "module" and indented and not literal and not lines[index - 1].strip():
            prepared += ["::", ""]
            literal = True
        elif line.strip() and not indented:
            literal = False
        prepared.append(line if literal else line.replace("|", r"\|"))
    lines[:] = prepared
