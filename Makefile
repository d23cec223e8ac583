# Penstock: every command of the project; `make` alone prints them. A virtual environment is made on first use.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PYTEST  := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup check test demo e2e bench crds chart image lock clean

help:          ## what can be done
	@awk -F':.*## ' '/^[a-z0-9]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One call with -c would fail on the hashes, so the project itself is installed apart, without its dependencies.
$(VENV)/.ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready ## make .venv with everything pinned in constraints.txt

check: setup   ## style, types, imports between rooms
	$(BIN)/ruff format --check operator tests
	$(BIN)/ruff check operator tests
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry .

test: setup    ## unit and integration tests, with branch coverage
	$(PYTEST) -n 2 --dist loadgroup --cov --cov-report=term tests/unit tests/integration
