# Everything here sets up what it needs first; the second time that takes no time.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,\
	$(shell command -v $(name) 2>/dev/null)))
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo setup prove setup-dev test fuzz check format bench clean

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

fuzz: setup-dev ## try the property tests on new random examples
	@$(BIN)/pytest -n auto --dist worksteal --hypothesis-profile=fuzz $(ARGS) \
		$$(grep -rl --include='test_*.py' 'hypothesis' tests)

check: setup-dev ## formatting, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: setup-dev ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## measure: every number in the docs comes from here
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

clean: ## remove .venv and what builds and checks leave (not the compiled runtime in the cache)
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "set-up: no Python found: install Python 3.11 or later, \
	or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
