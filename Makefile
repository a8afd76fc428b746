# Each target works in a fresh clone: the environment is made when it is missing and renewed when a lock changes.
PYTHON ?= python3
BIN := .venv/bin
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: run demo test check bench lock shots

run: .venv/.run
	$(BIN)/tracker serve --host $(HOST) --port $(PORT)

demo: .venv/.run
	$(BIN)/tracker demo --slack --host $(HOST) --port $(PORT)

test: .venv/.test
	$(BIN)/python -m tests.browser --install
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --quiet --lint --check templates
	$(BIN)/python -m tests.migrations_check

bench: .venv/.test
	$(BIN)/python -m bench $(ARGS)

shots: .venv/.test
	$(BIN)/python -m tests.browser --install
	$(BIN)/python -m tests.shots
	$(BIN)/python -m tests.every_kind

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.run: .venv/bin/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv/.test: .venv/.run requirements-dev.txt
	$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.txt
	touch $@

# For maintainers, with uv at hand: write the locks anew. No index address ends up in them.
lock:
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header -c requirements.txt --group test --group lint pyproject.toml -o requirements-dev.txt
