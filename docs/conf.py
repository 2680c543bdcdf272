"""Sphinx configuration: the guide in Markdown, the reference from docstrings, a gallery of examples that assert."""

import sys
from importlib import import_module
from pathlib import Path

from sphinx.util.nodes import make_refnode

sys.path.insert(0, str(Path(__file__).parent))
import faults
import reference

from analysis.reporting.essay import restructured

project = "Edge of stability"
author = "The edge-of-stability developers"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
]
bibtex_bibfiles = ["../analysis/references.bib"]
bibtex_reference_style = "author_year"
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
faults.write(Path(__file__).parent / "faults.md")


def setup(app):
    """Have docstrings, which are written to be read as they are, read well as reStructuredText too."""
    app.connect("autodoc-process-docstring", prepare)
    app.connect("missing-reference", through_a_face)


def through_a_face(app, environment, node, content):
    """Link an object that is named by the face of its folder, eos_sym.edge.edge_normal_form, to where it is defined."""
    if node.get("refdomain") != "py":
        return None
    owner, _, name = node["reftarget"].rpartition(".")
    method = ""
    if owner.rpartition(".")[2][:1].isupper():
        owner, _, name, method = *owner.rpartition("."), f".{name}"
    try:
        named = getattr(import_module(owner), name)
    except (ImportError, AttributeError, ValueError):
        return None
    path = f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}{method}"
    defined = environment.domains["py"].objects.get(path)
    if defined is None:
        return None
    return make_refnode(app.builder, node["refdoc"], defined.docname, defined.node_id, content)


def prepare(_app, what, _name, _object, _options, lines):
    """Set the indented formulas and tables of modules as the report sets them; |x| is no reference."""
    if what == "module":
        lines[:] = restructured("\n".join(lines)).split("\n")
    else:
        lines[:] = [line.replace("|", r"\|") for line in lines]
