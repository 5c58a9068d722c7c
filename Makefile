# Every command a person needs. `make` alone says which there are.

# Outside the clone, so that a fresh clone builds only what is ours.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/martlet-target
VENV := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/martlet-python
NODE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/martlet-node
AZURITE := $(NODE)/node_modules/.bin/azurite-blob
BENCH := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/martlet-bench
MARTLET := $(CARGO_TARGET_DIR)/debug/martlet
RELEASED := $(CARGO_TARGET_DIR)/release/martlet
ARGS ?=

.PHONY: help run test bench s3 azurite fmt lint docs release compiler clients servers

help:
	@echo "make run      last night's marts from data-samples/ (ARGS='--target real' for another target)"
	@echo "make test     format, lint, unit and integration tests, the SQL's tests, the sample night"
	@echo "make s3       the sample night from and to S3, on a test server on this machine"
	@echo "make azurite  the same on Azure's emulator"
	@echo "make bench    how long the steps take, as ratios (release build)"
	@echo "make fmt      format the Rust"
	@echo "make lint     format check and clippy"
	@echo "make docs     regenerate the schema files and the reference"
	@echo "make release  the optimised binary"

run: compiler
	cargo build --locked --bin martlet
	$(MARTLET) run $(ARGS)

# The test runner comes last: its closing lines are the verdict. Lines before them that begin with fixtures,
# traps or skipped say what was compared.
test: compiler clients servers lint
	MARTLET_TEST_PYTHON=$(VENV)/bin/python MARTLET_TEST_AZURITE=$(AZURITE) cargo test --locked

s3 azurite: compiler clients servers
	cargo build --locked --bin martlet
	tests/scripts/night_in_a_store.sh $@ $(MARTLET) \
		$(if $(filter s3,$@),$(VENV)/bin/python,$(AZURITE)) $(VENV)/bin/python

lint: compiler
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	python3 docs/generate_reference.py --check

fmt:
	cargo fmt

docs: compiler
	cargo build --locked --bin martlet
	$(MARTLET) schema
	$(MARTLET) indicators
	python3 docs/generate_reference.py

release: compiler
	cargo build --locked --release --bin martlet
	@echo "$(RELEASED)"

bench: release $(BENCH)/ready
	tests/scripts/bench.sh $(RELEASED)
	$(BENCH)/bin/python tests/bench/ingest.py $(RELEASED)
	$(BENCH)/bin/python tests/bench/models.py $(RELEASED)

# Some crates hold C: a machine with Rust alone may lack its compiler.
compiler:
	@command -v cc >/dev/null || { apt-get update -q && apt-get install -qy build-essential; }

# Real readers of the marts: DuckDB, pyarrow and pandas; and an S3 server.
clients: $(VENV)/ready

$(VENV)/ready: tests/requirements.txt
	@python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null \
		|| { apt-get update -q && apt-get install -qy python3-venv; }
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q -r tests/requirements.txt
	touch $@

# Azure's own emulator, for the tests.
servers: $(NODE)/ready

$(NODE)/ready: tests/package.json tests/package-lock.json
	@command -v npm >/dev/null || { apt-get update -q && apt-get install -qy nodejs npm; }
	mkdir -p $(NODE)
	cp tests/package.json tests/package-lock.json $(NODE)/
	npm ci --prefix $(NODE) --no-audit --no-fund
	touch $@

# What the bench compares us with: Polars and DuckDB.
$(BENCH)/ready: tests/bench/requirements.txt
	@python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null \
		|| { apt-get update -q && apt-get install -qy python3-venv; }
	python3 -m venv $(BENCH)
	$(BENCH)/bin/pip install -q -r tests/bench/requirements.txt
	touch $@
