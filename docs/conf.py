"""Sphinx configuration: the guide in Markdown, studies, the reference from docstrings, examples that assert.

A page loads nothing from the network: formulas are MathML, as in the report.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx.domains.python import PyXRefRole
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import faults
import pages
import reference
import studies

from analysis.reporting.essay import restructured
from analysis.reporting.font import font_face
from analysis.reporting.mathml import mathml

project = "Edge of stability"
author = project_copyright = "The edge-of-stability developers"
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
html_title = project
html_math_renderer = "mathml"
TEMPLATES = "../analysis/reporting/templates"
html_static_path = [
    *(f"{TEMPLATES}/{name}" for name in ("look.css", "parts.css", "scrolled.js")),
    "static/page.css",
    "static/font.css",
]
html_css_files = ["font.css", "look.css", "parts.css", "page.css"]
html_js_files = ["scrolled.js"]
exclude_patterns = ["_build", "examples"]
default_role = "named"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_enable_extensions = ["colon_fence", "dollarmath"]
sphinx_gallery_conf = {
    "examples_dirs": str(HERE / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "write_computation_times": False,  # a page of times whose script is loaded from the network
}

(HERE / "static/font.css").write_text(font_face(), encoding="utf-8")
faults.write(HERE / "faults.md")
pages.write(HERE / "reference", reference.pages())
pages.write(HERE / "studies", studies.pages())


def setup(app):
    """Have docstrings, which are written to be read as they are, read well as reStructuredText too."""
    app.add_role("named", named)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("autodoc-process-docstring", prepare)
    app.connect("missing-reference", through_a_face)


def named(_role, raw, text, line, inliner, options=None, content=()):
    """What stands between single backquotes: code, and if it names something of this project a link to that."""
    if re.fullmatch(r"[A-Za-z]\w*(\.\w+)*", text):
        return PyXRefRole()("py:obj", f":py:obj:`{text}`", text, line, inliner)
    return [nodes.literal(raw, text)], []


def inline(translator, node):
    """A formula in a line."""
    translator.body.append(set_in_mathml(node, block=False))
    raise nodes.SkipNode


def block(translator, node):
    """A formula by itself."""
    translator.body.append(f'<div class="math">{set_in_mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def set_in_mathml(node, block):
    """The formula; one that is not understood is warned of, which ends the build."""
    try:
        return mathml(node.astext().strip(), block=block)
    except ValueError as error:
        logging.getLogger(__name__).warning("%s", error, location=node)
        return ""


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
