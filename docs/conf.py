"""Sphinx configuration: the guide in Markdown, the reference from docstrings, a gallery of examples that assert."""

from pathlib import Path

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


def setup(app):
    """Let |x| in a docstring be an absolute value, not the reference that reStructuredText takes it for."""
    app.connect("autodoc-process-docstring", escape_bars)


def escape_bars(_app, _what, _name, _object, _options, lines):
    """Escape the vertical bars in the lines of a docstring, in place."""
    lines[:] = [line.replace("|", r"\|") for line in lines]
