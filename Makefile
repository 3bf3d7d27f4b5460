# Two commands do everything: `make demo` tells the story on a local HubSpot, `make test` proves it.
# Needs Python 3.11 or newer and make; all else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: help demo acceptance-2026-03 test lint types layers unit bandit audit crash crash-all clients faults clean

help:
	@echo "make demo     install and tell the story of a few leads on a local HubSpot (two minutes)"
	@echo "make test     install and run every check: style, types, layers, tests"
	@echo "make crash    kill the connector at every point and compare (ten minutes); crash-all: hours"
	@echo "make audit    look for known flaws in what Handoff is built on (needs the network)"
	@echo "make faults   every fault on every kind of call, every edit at every place (half an hour)"
	@echo "make acceptance-2026-03   the acceptance tests on the dated version of HubSpot's API (ten minutes)"
	@echo "make clients  try the official Python and Node clients on the sandbox (needs npm)"
	@echo "make clean    remove the virtual environment and everything that was made"

# Where it is set, each of hundreds of processes would compile all that it loads anew.
unexport PYTHONDONTWRITEBYTECODE

# pip would compile on one core, after everything else.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Handoff needs Python 3.11 or newer; this is `$(PYTHON) --version`. Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV): Handoff and what it is built on, once; a minute or two on a usual line, silent until then ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.$(1)'
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null 2>&1 || true
endef

$(VENV)/made: pyproject.toml constraints.txt
	$(call install)
	@touch $@

$(VENV)/made-dev: pyproject.toml constraints.txt
	$(call install,[dev])
	@touch $(VENV)/made $@

# Once before the workers start, which would each compile all modules and tests, at the same time. Faults show later.
$(VENV)/warm: $(VENV)/made-dev
	@$(BIN)/python -m pytest -q --collect-only > /dev/null 2>&1 || true
	@touch $@

demo: $(VENV)/made
	@echo "Starting the demo ..."
	@$(BIN)/handoff demo

test: lint types layers bandit unit

lint: $(VENV)/made-dev
	@$(BIN)/ruff check connector tests scripts

types: $(VENV)/made-dev
	@echo "Checking types: a minute the first time ..."
	@$(BIN)/mypy

layers: $(VENV)/made-dev
	@$(BIN)/lint-imports --no-cache

bandit: $(VENV)/made-dev
	@$(BIN)/bandit --quiet --recursive --severity-level medium connector scripts

audit: bandit
	@$(BIN)/python scripts/audit.py

unit: $(VENV)/warm
	@echo "Running all tests: a quarter of an hour on two cores ..."
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

acceptance-2026-03: $(VENV)/made-dev
	@HANDOFF_TEST_API_VERSION=2026-03 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests/acceptance

crash: $(VENV)/made-dev
	@$(BIN)/python scripts/crash.py

crash-all: $(VENV)/made-dev
	@$(BIN)/python scripts/crash.py --all

faults: $(VENV)/made-dev
	@$(BIN)/python scripts/faults.py

clients: $(VENV)/made-dev
	@scripts/check_clients.sh

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .demo build dist *.egg-info
