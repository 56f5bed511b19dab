# Quantum: `make run` starts everything, `make test` tests everything. See README.md.

VENV := .venv
BIN := $(VENV)/bin
NEW := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python3.14; do \
	$$p -c '$(NEW)' >/dev/null 2>&1 && echo $$p && break; done)
# checks and tests never depend on somebody's own settings
PLAIN := env -u DATABASE_URL -u REDIS_URL QT_ENV_FILE=/dev/null

.PHONY: run test check bench faults messages clean

run: $(VENV)/.installed
	@exec $(BIN)/python manage.py run

test: $(VENV)/.installed-dev
	@ops/test

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PLAIN) $(BIN)/mypy quantum trading monitoring
	$(PLAIN) $(BIN)/python manage.py makemigrations --check --dry-run
	$(PLAIN) $(BIN)/python manage.py check

bench: $(VENV)/.installed-dev
	@for script in tests/bench/bench_*.py; do $(PLAIN) $(BIN)/python -m tests.bench.$$(basename $$script .py) || exit 1; done

# every fault at every step, on both sides and both databases; the suite has a part of it
faults: $(VENV)/.installed-dev
	@FAULTS=full ops/test -q tests/faults

# every drill, on the house that runs (make run, in another terminal)
drills: $(VENV)/.installed
	@exec $(BIN)/python manage.py drill --all

messages: $(VENV)/.installed-dev
	@$(PLAIN) $(BIN)/python ops/messages.py

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Quantum needs Python 3.11 or newer: no python3 here is new enough."; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@if uv --version >/dev/null 2>&1; then uv venv -q --python "$$(command -v $(PYTHON))" $(VENV); else \
		$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
			echo "Python's venv module is missing: on Debian, apt-get install python3-venv."; exit 1; }; fi

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@ops/install requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@ops/install requirements-dev.txt
	@touch $@ $(VENV)/.installed
