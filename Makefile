# `make demo` and `make test` need Python 3.11 or newer, make and git, and nothing else: they make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# The arrays here are small: a pool of BLAS threads only spins, and results must not depend on the machine's cores.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

ENGINES := scrapy datatrove ray spark datasets dolma

.PHONY: help venv demo test test-browser test-engines soak runs workers check train evaluate gate floors evasions bench \
  growth instructions check-instructions \
  bench-html baselines html html-oracles hostile fuzz clean

help:
	@echo "make demo      install into $(VENV) and show the pages of examples/ with their spans marked"
	@echo "make test      install into $(VENV) with what development needs; run the checks and the tests"
	@echo "make test-engines  run the adapters in their engines, each in an environment of its own"
	@echo "make soak      stop runs at 30 random moments, and see that they go on"
	@echo "make runs      measure runs over PAGES (200000) made pages in every format, or in those of ONLY"
	@echo "make workers   measure how many times as fast two workers are; needs two idle cores"
	@echo "make check     lint, format, types and the order of the rooms"
	@echo "make train     make the shipped bundle, models/default, again"
	@echo "make evaluate  print the figures of the shipped bundle over every labelled set"
	@echo "make gate      print them in short and fail where one is below its floor"
	@echo "make floors    record the figures of the shipped bundle as the gate's floors; they only rise"
	@echo "make evasions  measure what each evasion costs in recall and in false alarms"
	@echo "make bench     measure the speed beside fastText and others; writes docs/benchmarks.md"
	@echo "make growth    measure how time grows with the size of adversarial pages; fails where it is worse than linear"
	@echo "make instructions  record how many machine instructions a scan takes (valgrind); make check-instructions compares"
	@echo "make baselines measure the quality of simple detectors beside ours; writes docs/baselines.md"
	@echo "make html      measure scanning of HTML on real pages, clean and with blocks of spam put in"
	@echo "make html-oracles  compare our reading of HTML with two other parsers, on pages and on mutations of them"
	@echo "make hostile   see that time is linear on sources made to be slow to read"
	@echo "make fuzz      read COUNT (1000000) random and broken sources of HTML"
	@echo "make test-browser  compare what is hidden with a browser's computed styles; needs chromium"
	@echo "make bench-html  measure the speed on HTML against jusText and trafilatura"
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

$(VENV)/.installed-oracles: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[oracles]'
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

# Dolma shuts out NumPy 2 for taggers that are not used here: it comes alone, and with what its command imports.
DOLMA_NEEDS := anyascii blingfire boto3 fasttext-numpy2 fsspec jsonpath-ng msgspec necessary nltk omegaconf platformdirs \
  python-dotenv pyyaml requests rich smart-open tokenizers tqdm uniseg zstandard charset-normalizer

$(VENV)-%/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python -m pip --disable-pip-version-check install --quiet pytest hypothesis \
	  --editable '.$(if $(filter dolma,$*),,[$*])' $(if $(filter dolma,$*),$(DOLMA_NEEDS))
	$(if $(filter dolma,$*),$(VENV)-dolma/bin/python -m pip install --quiet --no-deps dolma)
	@touch $@

.PRECIOUS: $(VENV)-%/.installed

test-engine-%: $(VENV)-%/.installed
	$(VENV)-$*/bin/python -m pytest -o filterwarnings=default -s tests/engines/test_$*.py

test-engines: $(addprefix test-engine-,$(ENGINES))

soak: $(VENV)/.installed-dev
	SOAK_MOMENTS=30 $(BIN)/python -m pytest tests/test_runs.py -k 'killed or stop or disk or harmed'

PAGES ?= 200000
ONLY ?= txt,jsonl,jsonl.gz,jsonl.zst,parquet,wet,warc,html,warc-html
runs: $(VENV)/.installed-dev
	PYTHONPATH=benchmarks $(BIN)/python benchmarks/runs.py --pages $(PAGES) --only $(ONLY)

workers: $(VENV)/.installed
	PYTHONPATH=benchmarks $(BIN)/python benchmarks/workers.py --least 1.7

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

# Dolma shuts NumPy 2 out for what its taggers here do not need: they come alone, with what they import. Where that
# cannot be installed the benchmark says so and goes on without them.
$(VENV)-taggers/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-taggers
	$(VENV)-taggers/bin/python -m pip --disable-pip-version-check install --quiet --no-deps dolma
	$(VENV)-taggers/bin/python -m pip --disable-pip-version-check install --quiet anyascii blingfire boto3 charset-normalizer \
	  fasttext-numpy2 fsspec jq jsonpath-ng msgspec necessary nltk numpy omegaconf platformdirs python-dotenv pyyaml \
	  requests rich s3fs smart-open tokenizers tqdm uniseg zstandard || true
	@touch $@

# PARTS="start text" measures some parts alone; the page keeps the others as they were measured before.
PARTS ?= start text html json length pages workers
bench: $(VENV)/.installed-bench $(VENV)-taggers/.installed
	$(BIN)/python benchmarks/side_by_side.py --parts $(PARTS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/speed.py --least 2 || [ $$? -eq 2 ]  # 2: there is no measuring data

growth: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/growth.py

instructions: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/instructions.py --record

check-instructions: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/instructions.py

test-browser: $(VENV)/.installed-dev
	DETECTOR_BROWSER=1 $(BIN)/python -m pytest tests/test_html_hidden.py

html: $(VENV)/.installed
	$(BIN)/python scripts/measure_html.py

html-oracles: $(VENV)/.installed-oracles
	$(BIN)/python scripts/compare_oracles.py

hostile: $(VENV)/.installed
	$(BIN)/python scripts/measure_hostile.py

COUNT ?= 1000000
fuzz: $(VENV)/.installed
	$(BIN)/python scripts/fuzz_html.py --count $(COUNT)

bench-html: $(VENV)/.installed-bench
	PYTHONPATH=scripts $(BIN)/python benchmarks/html_speed.py --least 2.5

baselines: $(VENV)/.installed-bench
	PYTHONPATH=scripts $(BIN)/python benchmarks/baselines.py

clean:
	rm -rf $(VENV) $(VENV)-* build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
