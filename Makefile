# `make demo` and `make test` need Python 3.11 or newer, make and git, and nothing else: they make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# The arrays here are small: a pool of BLAS threads only spins, and results must not depend on the machine's cores.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: help venv demo test check train evaluate gate floors evasions bench baselines clean

help:
	@echo "make demo      install into $(VENV) and show the pages of examples/ with their spans marked"
	@echo "make test      install into $(VENV) with what development needs; run the checks and the tests"
	@echo "make check     lint, format, types and the order of the rooms"
	@echo "make train     make the shipped bundle, models/default, again"
	@echo "make evaluate  print the figures of the shipped bundle over every labelled set"
	@echo "make gate      print them in short and fail where one is below its floor"
	@echo "make floors    record the figures of the shipped bundle as the gate's floors; they only rise"
	@echo "make evasions  measure what each evasion costs in recall and in false alarms"
	@echo "make bench     measure the speed against fastText and others"
	@echo "make baselines measure the quality of simple detectors beside ours; writes docs/baselines.md"
	@echo "make clean     remove $(VENV), caches and built files"

venv: $(VENV)/.installed-dev

# The stamps make an installation happen once, and again only when pyproject.toml changes. Installing for development or
# for benchmarks installs what the demo needs too.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-bench: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[bench]'
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	@for page in examples/*; do \
	  printf '\n== %s\n' "$$page"; \
	  $(BIN)/detector explain "$$page" || exit 1; \
	done

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest

train: $(VENV)/.installed
	$(BIN)/python scripts/retrain.py --from-scratch -o models/default

evaluate: $(VENV)/.installed
	$(BIN)/python scripts/evaluate.py

gate: $(VENV)/.installed
	$(BIN)/python scripts/evaluate.py --gate

floors: $(VENV)/.installed
	$(BIN)/python scripts/record_floors.py

evasions: $(VENV)/.installed
	$(BIN)/python scripts/measure_evasions.py

bench: $(VENV)/.installed-bench
	PYTHONPATH=scripts $(BIN)/python benchmarks/speed.py --least 2

baselines: $(VENV)/.installed-bench
	PYTHONPATH=scripts $(BIN)/python benchmarks/baselines.py

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
