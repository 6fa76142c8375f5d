# Every target does its own set-up. A fresh machine needs Python 3.11 or newer, make
# and a C++ compiler; cmake comes with the build where it is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := requirements/constraints.txt
LLAMA_CPP := llama-cpp-python
TEST_MODELS := gemma-3-270m smollm2-135m-instruct
TABLE_MODELS := gemma-3-270m qwen2.5-coder-0.5b-instruct
DEMO_MODELS := gemma-3-270m-translate qwen2.5-coder-1.5b-instruct
TEST_JOBS ?= 2

.PHONY: help venv models test-models demo-models demo test check bench docs \
	tables lexicons gains refresh-constraints clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

demo: venv demo-models ## Translate a sample into two languages and write a story
	PATH="$(CURDIR)/$(BIN):$$PATH" sh packaging/demo.sh

test: venv test-models ## Run the tests: first those without a model, then the others
	@status=0; \
	$(BIN)/pytest -n $(TEST_JOBS) -m "not model and not bench" || status=$$?; \
	$(BIN)/pytest -m "model and not bench" || status=$$?; \
	exit $$status

check: venv ## Check formatting, style, types and who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: venv demo-models ## Measure how step time grows with step width
	$(BIN)/polyspec bench ladder

models: test-models demo-models ## Download the models of `make test` and `make demo`

test-models: venv
	@$(call pull,$(TEST_MODELS))

demo-models: venv
	@$(call pull,$(DEMO_MODELS))

define pull
for name in $(1); do \
	$(BIN)/polyspec models path $$name >/dev/null 2>&1 \
		|| $(BIN)/polyspec models pull $$name || exit $$?; \
done
endef

docs: venv ## Write docs/cli.md anew
	$(BIN)/python scripts/write_cli_docs.py

tables: venv ## Build the tables that ship from the texts in CORPORA
	@test -d "$(CORPORA)/data/mono" \
		|| { echo "say where the texts are: make tables CORPORA=DIR" >&2; exit 1; }
	@$(call pull,$(TABLE_MODELS))
	$(BIN)/python scripts/build_tables.py "$(CORPORA)"

lexicons: venv ## Build the lexicons that ship from the pairs in CORPORA
	@test -d "$(CORPORA)/parallel" \
		|| { echo "say where the pairs are: make lexicons CORPORA=DIR" >&2; exit 1; }
	@$(call pull,gemma-3-270m)
	$(BIN)/python scripts/build_lexicons.py "$(CORPORA)" --work build/lexicons

gains: venv ## Measure by replay what tables and lexicons gain, for the router
	@test -d "$(CORPORA)/data/mt" \
		|| { echo "say where the texts are: make gains CORPORA=DIR" >&2; exit 1; }
	@$(call pull,$(TABLE_MODELS))
	$(BIN)/python scripts/measure_gains.py "$(CORPORA)"

venv: $(VENV)/.installed ## Make the virtual environment

$(VENV)/.tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

# Built here, for this processor. A new pin builds it again; nothing else does.
$(VENV)/.llama: $(VENV)/.tools $(CONSTRAINTS)
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null \
		|| { echo "a C++ compiler is needed, for example: apt-get install g++" >&2; exit 1; }
	@echo "Building $(LLAMA_CPP), which takes some minutes the first time"
	CMAKE_ARGS="-DLLAVA_BUILD=OFF $(CMAKE_ARGS)" \
		$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) $(LLAMA_CPP)
	@touch $@

$(VENV)/.installed: $(VENV)/.llama pyproject.toml
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable ".[hub,bench,serve,dev]"
	@touch $@

refresh-constraints: venv ## Take the newest versions and pin them
	$(BIN)/pip install --upgrade --upgrade-strategy eager --editable ".[hub,bench,serve,train,dev]"
	{ sed -n '/^#/p' $(CONSTRAINTS); $(BIN)/pip freeze --exclude-editable; } \
		> $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt $(CONSTRAINTS)

clean: ## Remove what was built here; models stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find polyspec tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
