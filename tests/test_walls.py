"""What may import what: the data flows from eos_sym over numeric to analysis, and light imports stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "eos_sym": {"numpy", "scipy", "xarray", "torch", "matplotlib", "numeric", "analysis"},
    "numeric": {"matplotlib", "analysis"},
}


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_module_imports_against_the_flow(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    against = {(path.name, name) for path in files for name in imported_names(path) if name in FORBIDDEN[package]}
    assert against == set()


def test_only_the_networks_import_torch_in_numeric():
    files = [path for path in (ROOT / "numeric").rglob("*.py") if "networks" not in path.parts]
    assert all("torch" not in imported_names(path) for path in files)


def test_only_two_modules_print_code():
    """`lambdify` appears in numeric.compile (NumPy) and eos_sym.algebra (mpmath) alone; nothing evaluates text."""
    for package in ("eos_sym", "numeric", "analysis"):
        for path in (ROOT / package).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            assert not names & {"eval", "exec", "sympify", "parse_expr"}, path
            assert "lambdify" not in names or path.name in {"function.py", "evaluate.py"}, path


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("eos_sym", ["numpy", "torch", "matplotlib", "scipy", "xarray"]),
        ("numeric", ["torch", "matplotlib", "llvmlite", "dask", "zarr"]),
    ],
)
def test_importing_a_package_loads_nothing_heavier_than_it_needs(package, absent):
    code = f"import sys, {package}; print(*(name for name in {absent!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
