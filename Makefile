# Everything that a fresh clone needs: `make run` to try it, `make test` to test it, `make help` for the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PLAYGROUND := node_modules/@microsoft/m365agentsplayground/package.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup playground run test check format docs golden icons pictures crash bench bench-grow sbom licences audit clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /: /'

setup: .venv/ready playground ## a virtual environment with everything in it, and the Playground

.venv/ready: requirements.txt requirements-dev.txt
	@echo "Setting up Python packages (the first time takes a minute or two) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-dev.txt
	@touch $@

playground:
	@if command -v npm >/dev/null; then $(MAKE) -s --no-print-directory $(PLAYGROUND); \
	else echo "Node.js is not installed, so there will be no Playground to chat in. Install Node.js 20 or newer, then run this again."; fi

$(PLAYGROUND): package-lock.json
	@echo "Setting up the Playground ..."
	@npm ci --silent --no-audit --no-fund
	@touch $@

run: setup ## try it: the bot, a pretend tenant and two seats to chat in
	@exec $(BIN)/python app.py serve --sandbox

test: setup ## set up and run all tests
	@$(BIN)/python tests/browser/get_ready.py
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

crash: setup ## kill the program at every step of every journey, and a thousand pairs of people at once; takes two hours
	@$(BIN)/python -m pytest -v --timeout 7200 tests/crash/whole.py

check: .venv/ready ## what CI checks: lint, format, types, imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

format: .venv/ready ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: .venv/ready ## write the pages that are made from code
	@$(BIN)/python -m tests.write_docs

icons: .venv/ready ## draw the icons of the Teams app from their sources
	@$(BIN)/python tests/browser/get_ready.py
	@$(BIN)/python -m tests.draw_icons

pictures: setup ## take the pictures of docs/ anew: look at them before you commit them
	@$(BIN)/python tests/browser/get_ready.py
	@$(BIN)/python -m pytest tests/browser/test_journey.py
	@$(BIN)/python -m tests.browser.pictures

bench: setup ## speed, beside a stock echo bot in the same run
	@$(BIN)/python -m bench.turn

golden: .venv/ready ## write the cards as they are now to tests/cards/golden: look at the diff
	@$(BIN)/python -m tests.cards.golden

bench-grow: setup ## the same at 1,000, 100,000 and 1,000,000 exceptions, with the query plans
	@$(BIN)/python -m bench.grow

sbom: .venv/ready ## a bill of materials (CycloneDX) of what runs in production, in var/sbom.cdx.json
	@$(BIN)/python -m supply.sbom var/sbom.cdx.json
	@echo "var/sbom.cdx.json"

licences: .venv/ready ## write docs/licences.md anew
	@$(BIN)/python -m supply.licences

audit: ## look for known vulnerabilities in what is pinned (asks public services, with a tool in its own environment)
	@test -x var/pip-audit/bin/pip-audit || { $(PYTHON) -m venv var/pip-audit && var/pip-audit/bin/python -m pip install --quiet pip-audit; }
	@var/pip-audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt
	@var/pip-audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements-dev.txt

clean: ## remove what was set up and what the sandbox remembers
	rm -rf .venv node_modules var .mypy_cache .ruff_cache .pytest_cache .hypothesis screenshots
