# Everything starts here: `make up` needs only Python 3.11, make and a package index.

DATA_DIR ?= var
HOST ?=
PORT ?=
UP = --data-dir "$(DATA_DIR)" $(if $(HOST),--host "$(HOST)") $(if $(PORT),--port "$(PORT)") $(OPTIONS)
RUN = .venv/bin/python -m
# The checks import the settings; nothing is connected to and nothing is signed.
CHECK_ENV = MODELYARD_SECRET_KEY=check DATABASE_URL=postgresql://127.0.0.1/check

.PHONY: help setup up down test faults clients schema check bench vllm
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "  Variables: DATA_DIR=var HOST=127.0.0.1 PORT=8000 OPTIONS='--no-demo --detach' PYTHON=python3"

setup: ## make .venv and install what is needed
	@scripts/setup

up: setup ## start the platform in the foreground; Ctrl-C stops all of it
	@exec .venv/bin/modelyard up $(UP)

down: ## stop what `up` started
	@exec .venv/bin/modelyard down --data-dir "$(DATA_DIR)"

test: ## run the tests (ARGS="-k name" passes options on)
	@scripts/setup dev
	@exec scripts/test $(ARGS)

faults: ## kill, freeze and starve every part of a cluster; prints how long each took to be true again
	@scripts/setup dev
	@exec $(RUN) pytest tests/faults tests/registry/test_fleet_properties.py -v -m "" $(ARGS)

clients: ## try other people's clients against a platform of its own (installs them into var/clients)
	@scripts/setup dev
	@exec scripts/clients $(ARGS)

schema: ## ask both APIs whatever their descriptions allow and forbid (installs schemathesis into var/schema)
	@scripts/setup dev
	@exec scripts/schema $(ARGS)

check: ## look for mistakes without running anything
	@scripts/setup dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(CHECK_ENV) $(RUN) mypy
	$(CHECK_ENV) .venv/bin/lint-imports --no-cache
	@# without checks: the admin theme's ask the database
	$(CHECK_ENV) $(RUN) modelyard makemigrations --check --dry-run --skip-checks

bench: ## measure this machine (ARGS="engine --help": what that part can do)
	@scripts/setup dev
	@exec $(RUN) bench $(ARGS)

vllm: setup ## install vLLM for the engine of this name, under the data directory (VLLM_BUILD=cpu or cuda)
	@scripts/vllm "$(DATA_DIR)"
