# Everything runs from a virtual environment in this folder; nothing else is installed or changed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# MESH's sandbox pins other versions than ours, so it has an environment of its own.
MESH   := $(VENV)/mesh-sandbox

.DEFAULT_GOAL := help
.PHONY: help setup demo test serve check bench fuzz docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make the virtual environment (the other targets do so themselves)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; try make PYTHON=python3.11"; exit 1; }
	@echo "Setting up $(VENV) (about a minute; needs a package index, nothing else) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV); } \
	  || { rm -rf $(VENV); echo "Neither venv nor virtualenv works here: install python3-venv, or run 'pip install --user virtualenv'"; exit 1; }
# As constraints too: a package that is asked for with an extra is looked up by itself otherwise.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -c requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: $(READY) ## the main job: three feeds in samples/ become national events, through real Airflow DAG runs
	@$(BIN)/python samples/demo.py

# Tests that are run without make build it themselves, by this rule.
$(MESH)/.ready: requirements-mesh-sandbox.lock
	@echo "Setting up $(MESH) (half a minute) ..."
	@test -x $(MESH)/bin/python || $(PYTHON) -m venv $(MESH) || { rm -rf $(MESH); $(PYTHON) -m virtualenv -q $(MESH); }
	@$(MESH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mesh-sandbox.lock
	@touch $@

test: $(READY) $(MESH)/.ready ## the whole test suite; starts its own PostgreSQL and SMTP server
	@$(BIN)/python -m pytest -n auto --maxprocesses 4

serve: $(READY) ## Airflow with the DAGs scheduled, and the API for vendors (a sandbox at first), on 127.0.0.1
	@$(BIN)/python samples/serve.py

check: $(READY) ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(READY) ## events a second and peak memory, beside two baselines in the same run
	@$(BIN)/python -m tests.benchmarks

SECONDS ?= 60
fuzz: $(READY) ## every reader against mutated feeds, SECONDS (60) each, with atheris
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

docs: $(READY) ## write the generated documents anew (finding catalogue, OpenAPI, receipt schema, command line …)
	@$(BIN)/python -m tests.lib.generated_documents

lock: $(READY) ## resolve requirements.lock anew (versions and hashes, no index address)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra airflow --extra dev -o requirements.lock pyproject.toml
	@echo 'mesh-sandbox==1.0.137' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -o requirements-mesh-sandbox.lock -
	@echo 'atheris==3.0.0' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -o requirements-fuzz.lock -

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
