# Every target sets up what it needs: Python 3.11 or newer and make are enough to begin with.

PYTHON ?= python3
UV := $(PYTHON) scripts/uv.py
# One environment for both: the first adds the development tools, the second needs none and removes none.
RUN := $(UV) run --quiet --locked --extra embedded
SERVE := $(RUN) --no-dev
PYTEST_WORKERS ?= 2
SECONDS ?= 20

.DEFAULT_GOAL := help
.PHONY: help run demo test test-peers drill fuzz check bench fmt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: ## Start everything in one process on an embedded database, send a few messages, keep serving
	@$(SERVE) twoway-router run

demo: ## The same, but leave when every message had its effect (exit code 0) or one had not (1)
	@$(SERVE) twoway-router demo --exit-after

test: ## All tests, on a real PostgreSQL and a real RabbitMQ; the crash tests last and alone
	@$(PYTHON) scripts/get_rabbitmq.py
	@$(PYTHON) scripts/get_helm.py > /dev/null
	@$(RUN) pytest -n $(PYTEST_WORKERS) --dist loadgroup -m "not crash and not peers and not drill" $(ARGS)
	@if grep -rqs --include='test_*.py' 'mark\.crash' tests; then $(RUN) pytest -m "crash and not peers" $(ARGS); fi

test-peers: ## Other people's programs against us: Debian's Kannel in front and behind, 500 conversations (docs/testing.md)
	@$(PYTHON) scripts/get_kannel.py
	@$(RUN) pytest -m peers tests/peers $(ARGS)

drill: ## The long runs of tests that make test runs in short: 500 sequences of claims and messages (docs/testing.md)
	@$(RUN) pytest -m drill tests/unit $(ARGS)

fuzz: ## Fuzz everything that reads bytes of strangers, SECONDS=20 for each target (docs/testing.md)
	@$(RUN) --group fuzz python -m fuzz --seconds $(SECONDS) $(ARGS)

check: ## Style, types, architecture, API file, migrations, image and chart, unit tests; under three minutes
	@$(PYTHON) scripts/get_helm.py > /dev/null
	@$(RUN) python scripts/check.py

bench: ## Measure ingest, path and match (numbers and goals: docs/performance.md)
	@$(PYTHON) scripts/get_rabbitmq.py
	@$(RUN) python -m bench $(ARGS)

fmt: ## Format and fix what can be fixed
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

clean: ## Remove environments, tools and caches; the data of `make run` in .state stay
	rm -rf .venv .tools dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
