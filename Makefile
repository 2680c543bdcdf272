# `make minimalist` runs the main example and `make test` runs linters, types and all tests; both make their environment first.
# pip's own settings (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, …) reach it through the environment.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Python compiles what is imported, which is a part of what pip would compile, and keeps it also where the environment
# says that it should not: else every process compiles it again, torch and SymPy for 20 s.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

# Every study that is there is a target, by its name.
ANALYSES := $(patsubst analysis/%/__main__.py,%,$(wildcard analysis/*/__main__.py)) \
	$(patsubst analysis/%.py,%,$(shell grep -l "study\.main()" analysis/*.py))

.PHONY: $(ANALYSES) verify report explorer test quick check style types tests coverage format benchmark docs clean

$(ANALYSES): $(VENV)/.installed
	$(BIN)/python -m analysis.$@

# All of them, all of them as one page, and five models to play with as another.
verify report explorer: $(VENV)/.installed
	$(BIN)/python -m analysis.$@

# Types are checked beside the tests, on what time they leave of two cores.
test: style
	$(MAKE) --jobs=2 types tests

# A file's tests stay in one process, which keeps its fixtures, and each process has one thread for linear algebra. The
# longest file is the first (tests/conftest.py), and in the order of their names other long ones are not the last.
tests: $(VENV)/.tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

quick: $(VENV)/.tests-installed
	$(BIN)/python -m pytest -m "not slow"

check: style types

style: $(VENV)/.tests-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tests-installed
	$(BIN)/mypy

coverage: $(VENV)/.tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --cov --cov-report=term

format: $(VENV)/.tests-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.benchmarks-installed
	$(BIN)/python -m benchmarks.derivation
	$(BIN)/python -m benchmarks.catalogue
	$(BIN)/python -m benchmarks.decided
	$(BIN)/python -m benchmarks.fuzz --number 100
	$(BIN)/python -m benchmarks.fuzz.command_lines --number 500
	$(BIN)/python -m benchmarks.damage --number 100
	$(BIN)/python -m benchmarks.killed --studies quadratic depth
	$(BIN)/python -m benchmarks.ensemble
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.optimizers
	$(BIN)/python -m benchmarks.sharpness
	$(BIN)/python -m benchmarks.spectrum
	$(BIN)/python -m benchmarks.central_flow
	$(BIN)/python -m benchmarks.bounds
	$(BIN)/python -m benchmarks.loops

docs: $(VENV)/.docs-installed
	$(BIN)/python -m sphinx -W -b html docs docs/_build/html

clean:
	rm -rf $(VENV) docs/_build docs/gallery docs/reference docs/studies docs/static/font.css build *.egg-info

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[networks]'
	touch $@

$(VENV)/.tests-installed: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.benchmarks-installed: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[benchmark]'
	touch $@ $(VENV)/.installed

$(VENV)/.docs-installed: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs]'
	touch $@ $(VENV)/.installed
