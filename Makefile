# Penstock: every command of the project; `make` alone prints them. A virtual environment is made on first use.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PYTEST  := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # every process of a test would compile us anew
.PHONY: help setup check test demo compare e2e bench crds chart image lock clean

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

# pytest-cov would go through all files twice, once for the total. Three workers for two cores: half of the integration
# tests' time is waiting for what real servers do.
test: setup    ## unit and integration tests, with branch coverage
	$(PYTEST) -n 3 --cov --cov-report= --cov-fail-under=0 tests/unit tests/integration
	$(BIN)/coverage report

# Base and options come from outside, for builders behind a mirror: make image BASE=... BUILD_OPTIONS="--network host"
IMAGE         ?= penstock:dev
BASE          ?= python:3.12-slim
BUILD_OPTIONS ?=
KIND_IMAGE    ?=
E2E_OPTIONS   ?=
# one cluster for each checkout, so that two of them can run their stories beside each other
E2E_CLUSTER   ?= penstock-e2e-$(shell pwd | cksum | cut -c1-5)
export BASE BUILD_OPTIONS

image:         ## build the container image ($(IMAGE))
	docker build --build-arg BASE=$(BASE) $(BUILD_OPTIONS) --tag $(IMAGE) .

# recorded public traffic, where it is at hand; else the demo makes up its own
PENSTOCK_TRACES ?= $(wildcard ../shared/traces)
export PENSTOCK_TRACES

demo: setup    ## the whole of Penstock for a minute on real HTTP traffic; writes out/demo
	$(BIN)/penstock demo --out out/demo

EXTENT ?= quick
compare: setup ## replica decisions against other autoscalers, simulated; writes out/bench (EXTENT=full: an hour)
	$(BIN)/penstock bench scaling --$(EXTENT) --out out/bench

e2e: setup     ## the stories on a kind cluster (needs docker, kind, kubectl)
	$(PYTEST) -m e2e -p no:randomly -n 0 --timeout 900 --cluster-name $(E2E_CLUSTER) $(if $(KIND_IMAGE),--kind-image $(KIND_IMAGE)) \
	  --kind-bin "$$(command -v kind)" --kind-kubectl-bin "$$(command -v kubectl)" $(E2E_OPTIONS) tests/e2e

bench: setup   ## ratios of one run: wire, ordering, decision, scaling pass, engine; and llm-d's ramp, simulated
	$(PYTEST) -m bench -p no:randomly -n 0 -s tests/bench

crds: setup    ## write crds/ from the models
	$(BIN)/penstock crds --out crds

chart: crds    ## copy definitions, Envoy template and dashboard into the chart and check that it renders
	cp crds/llmd.ai_variantautoscalings.yaml crds/penstock.dev_workloadpolicies.yaml charts/penstock/crds/
	cp manifests/router/envoy.yaml manifests/router/eds.json dashboards/penstock.json charts/penstock/files/
	helm lint charts/penstock

lock:          ## pin dependencies anew (needs uv); no index address may get into the files
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file constraints.txt
	uv pip compile pyproject.toml --group image --constraints constraints.txt --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file constraints-image.txt

clean:         ## remove what make made
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
