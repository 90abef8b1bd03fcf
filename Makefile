# Each target sets up .venv by itself with the machine's Python 3.11 or newer; nothing else is needed.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
RUN := .venv/bin
LANGUAGE ?= en
OUT ?= out/demo
SERVE ?= --serve

.PHONY: demo test check bench soak docs clean
.DEFAULT_GOAL := demo

demo: .venv/ready  ## review 30,000 real accounts: train, decide, explain, judge, report; then serve the console
	$(RUN)/limitkeeper demo --out $(OUT) --lang $(LANGUAGE) $(SERVE)

test: .venv/ready  ## every test
	$(RUN)/python -m pytest -n 3 --dist loadfile

check: .venv/ready  ## style, types, import contracts, generated pages
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	$(RUN)/python docs/generate.py --check

docs: .venv/ready  ## write the reference pages again
	$(RUN)/python docs/generate.py

bench: .venv/bench-ready  ## every benchmark with its peers; results in benchmarks/results/
	$(RUN)/python -m benchmarks

soak: .venv/ready  ## a million events while the server is killed a hundred times, on each store; about an hour
	$(RUN)/python -m tests.crash.soak
	$(RUN)/python -m tests.crash.soak_outages
	$(RUN)/python -m tests.crash.soak_workflow

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { \
	  echo "Limitkeeper needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3.11."; exit 1; }
	@echo "Setting up .venv (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/bench-ready: .venv/ready benchmarks/requirements.lock
	@$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/requirements.lock
	@touch $@

clean:
	rm -rf .venv out artefacts build
