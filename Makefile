.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
ES_VERSION ?= 9.5.3
STATE ?= .shelfwise
OLDER_ES_VERSION := 8.19.21
FAST := not cluster and not stack and not models and not relevance and not browser

# On CI a test that finds no server fails; elsewhere it may be left out, and says so.
export REQUIRE_SERVICES ?= $(if $(CI),1,0)

BIN := .venv/bin
RUN_OPTIONS = --port $(PORT) --es-version $(ES_VERSION) --state "$(STATE)" \
	$(if $(CATALOGUE),--catalogue "$(CATALOGUE)") $(if $(MAP),--map "$(MAP)") \
	$(if $(INDEX),--index "$(INDEX)") $(if $(HEAP),--heap $(HEAP))

.PHONY: help run test check format bench docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make run CATALOGUE=products.jsonl [MAP=map] [INDEX=name] [PORT=8080] [ES_VERSION=9.5.3]"
	@echo "           [STATE=.shelfwise] [HEAP=1g]"

run: ## Set up, start everything on this machine, load a catalogue and show a search
	@if [ -n "$(CATALOGUE)" ] && [ ! -r "$(CATALOGUE)" ]; then \
		echo "shelfwise: the catalogue $(CATALOGUE) cannot be read; name a .jsonl or .csv file"; \
		exit 1; \
	fi
	@$(PYTHON) embedded/bootstrap.py
	@exec $(BIN)/shelfwise run $(RUN_OPTIONS)

test: ## Set up and run all tests, those that touch Elasticsearch on both major versions
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/pytest
	$(BIN)/pytest -m cluster --es-version $(OLDER_ES_VERSION)

check: ## Formatter, linter, types, import rules and the tests that need no server
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -m "$(FAST)"

format: ## Format the code and mend what the linter can
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: ## Measure speed and ranking
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/python -m benchmarks

docs: ## Rewrite the pages that are made from the code
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/python -m docs.write_settings
	$(BIN)/python -m docs.write_metrics

lock: ## Pin the newest packages that pyproject.toml allows, with their hashes
	@$(PYTHON) embedded/bootstrap.py --dev
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal --upgrade \
		--python-version 3.11 --generate-hashes --no-header -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra all --universal --upgrade \
		--python-version 3.11 --generate-hashes --no-header -c requirements/dev.txt \
		-o requirements/run.txt

clean: ## Remove .venv, caches, and .shelfwise with the local stack's data
	rm -rf .venv .shelfwise build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache .schemathesis benchmarks/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
