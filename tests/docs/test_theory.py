"""The pages of docs/theory name objects, tests and papers that there are.

What they catch: a module that moves, a test that is renamed, a paper that is cited by a key nobody wrote down, and one
that nobody cites any more, all of which leave the prose as it was and wrong. References are followed as a reader would
follow them: objects are imported, tests looked up in the syntax tree of their file, keys in references.bib.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("eos_sym", "numeric", "analysis", "benchmarks")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs/theory").glob("*.md"))}
ENTRY = re.compile(r"^@\w+\{([^,\s]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
CITATION = re.compile(r"(?:\{cite(?::\w+)?\}|:cite(?::\w+)?:)`([^`]+)`")


def entries() -> dict[str, str]:
    """The fields of every paper, by its key."""
    return dict(ENTRY.findall((ROOT / "analysis/references.bib").read_text(encoding="utf-8")))


def docstrings(*folders: str) -> Iterator[str]:
    """The docstrings of all modules, classes and functions in the folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    yield ast.get_docstring(node) or ""


def keys_in(text: str) -> set[str]:
    return {key.strip() for keys in CITATION.findall(text) for key in keys.split(",")}


def named(path: str) -> object:
    """The object of a dotted path, which may go through a module that shares its name with a function of the face."""
    parent, _, name = path.rpartition(".")
    if not parent:
        return import_module(name)
    found = getattr(named(parent), name, None)
    if found is None:
        try:
            found = getattr(import_module(parent), name, None)
        except ModuleNotFoundError:
            return None
    return import_module(path) if found is None else found


def test_there_are_pages_and_each_is_listed():
    listed = set(re.search(r"```\{toctree\}(.*?)```", PAGES["index.md"], re.DOTALL)[1].split("\n\n")[1].split())
    assert len(PAGES) >= 10
    assert listed == {name.removesuffix(".md") for name in PAGES} - {"index"}


@pytest.mark.parametrize("page", PAGES)
def test_every_object_that_a_page_names_can_be_imported(page):
    pattern = rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`"
    assert [path for path in sorted(set(re.findall(pattern, PAGES[page]))) if named(path) is None] == []


def test_an_object_that_is_not_there_is_missed():
    with pytest.raises(ModuleNotFoundError):
        named("eos_sym.edge.no_such_law")


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_in_the_file_it_names(page):
    missing = []
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGES[page]):
        file = ROOT / path
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{path}::{name}")
    assert missing == []


@pytest.mark.parametrize("page", sorted({*PAGES} - {"index.md", "reduced_order_model.md"}))
def test_every_page_of_derivations_names_functions_and_tests(page):
    assert "{py:obj}`" in PAGES[page]
    assert "`tests/" in PAGES[page]


def test_every_page_that_a_docstring_names_is_there():
    texts = "\n".join(docstrings(*PACKAGES, "tests"))
    named_pages = set(re.findall(r"docs/theory/(\w+\.md)", texts))
    assert named_pages
    assert named_pages <= {*PAGES}


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    cited = set().union(*map(keys_in, PAGES.values()), *map(keys_in, docstrings(*PACKAGES)))
    assert cited - {*entries()} == set()
    assert {*entries()} - cited == set()


def test_no_key_stands_twice():
    keys = re.findall(r"^@\w+\{(.*),$", (ROOT / "analysis/references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(entries())


def test_every_entry_says_who_what_when_and_where():
    for key, text in entries().items():
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", text, re.MULTILINE))
        first = fields["author"].split(",")[0].lower().translate(str.maketrans("äéö", "aeo"))
        assert key.startswith(re.sub(r"\W", "", first))
        assert fields["title"]
        assert re.fullmatch(r"1[89]\d\d|20\d\d", fields["year"]), key
        assert re.fullmatch(r"\d{4}\.\d{4,5}", fields.get("eprint", "0000.00000")), key
        assert {"booktitle", "journal", "publisher", "institution", "eprint", "howpublished"} & {*fields}, key
