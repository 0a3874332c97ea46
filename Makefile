# Nura RT: two commands on a fresh machine, `make run` and `make test`. Needs Python 3.11+, make and git; no root, no Docker.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ON = $(if $(PG),NURA_TEST_PG=$(PG) )$(if $(TLS),NURA_TEST_TLS=$(TLS) )
CRISIS_GATES := --gate recall-high:explicit,plan,in_progress=1.0 \
  --gate recall-moderate:implicit,goodbye,farewell_calm,burden_hopeless=0.95 --gate flagged:all=0.02
PII_GATES := --gate recall:EMAIL,SSN,IBAN,CARD,PHONE=0.97 --gate recall:PERSON=0.9
.DEFAULT_GOAL := help
.PHONY: help install run test test-fast check format schema openapi protocol pictures bench bench-neighbour bench-pipeline evaluate lock clean test-fault test-autobahn

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install from the lock (called by the others)

run: $(STAMP) ## start everything and serve http://127.0.0.1:8000
	@exec $(BIN)/nura-rt serve

test: $(STAMP) ## every test, on real parts; PG=/path/to/bin takes those PostgreSQL programs, TLS=1 only TLS
	$(ON)$(BIN)/python -m pytest $(ARGS)

test-fast: $(STAMP) ## all but the slow ones (browser, faults, servers that stop): some four minutes on two cores
	$(ON)$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-fault: $(STAMP) ## break everything for SECONDS=60 by each of SEEDS=4; NURA_FAULT_DIR=folder keeps the histories
	NURA_FAULT_SECONDS=$(SECONDS) NURA_FAULT_SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/fault $(ARGS)

test-autobahn: $(STAMP) ## the WebSocket cases of Autobahn|Testsuite, where a Python 2.7 is found; ARGS=--deflate for those of compression
	@PYTHONPATH=.:tests $(BIN)/python tests/autobahn/run.py $(ARGS)

check: $(STAMP) ## lint, format, types, floors, generated files, the protocol's promises to older clients
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py tests/test_protocol.py tests/integration/test_schema.py

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP) ## write sql/schema.sql anew from the migrations
	$(BIN)/python tests/schema_picture.py --write

openapi: $(STAMP) ## write docs/openapi.json anew from the routes
	$(BIN)/python tests/openapi_picture.py --write

protocol: $(STAMP) ## write docs/asyncapi.json, frames.schema.json and nura-client.d.ts anew from the frames
	$(BIN)/python tests/protocol_picture.py --write

pictures: $(STAMP) ## take the README's pictures anew (needs Chromium)
	$(BIN)/python docs/take_pictures.py

bench: $(STAMP) ## what a message costs, beside Socket.IO and FastAPI (20 min); ARGS="--peers ours --rounds 1"
	@$(BIN)/python benchmarks/realtime.py $(ARGS)

bench-neighbour: $(STAMP) ## what a neighbour feels of floods (7 min); ARGS="--rounds 1"
	@PYTHONPATH=tests $(BIN)/python benchmarks/neighbour.py $(ARGS)

bench-pipeline: $(STAMP) ## what screening a message costs, beside Presidio (a minute); ARGS=--check exits 1 beyond the budget
	@$(BIN)/python benchmarks/pipeline.py $(ARGS)

evaluate: $(STAMP) ## how good the screening is, on our own test half and, with SHARED=../shared, on data that stays there
	$(BIN)/nura-rt evaluate crisis tests/data/crisis/*.jsonl --split test $(CRISIS_GATES)
	$(BIN)/nura-rt evaluate pii tests/data/pii/chat.jsonl --split test $(PII_GATES)
ifdef SHARED
	$(BIN)/nura-rt evaluate crisis $(SHARED)/data/locomo/locomo_dev4.json --gate flagged:all=0.003
	$(BIN)/nura-rt evaluate pii $(SHARED)/data/locomo/locomo_dev4.json --gate false-per-1000:all=5
	$(BIN)/nura-rt evaluate pii $(SHARED)/data/pii/synth_dev_750.json --gate recall:EMAIL,SSN,IBAN,CARD,PHONE=0.97
endif

lock: $(STAMP) ## resolve requirements/base.lock anew
	$(BIN)/uv pip compile requirements/base.in -o requirements/base.lock --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-header --no-annotate --no-emit-package nura-rt --upgrade

clean: ## remove .venv and caches; data in .nura/ stays
	rm -rf $(VENV) .autobahn .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# uv installs in seconds; where it cannot reach its index (a mirror set only for pip), pip does the same, slower.
$(STAMP): requirements/base.lock requirements/uv.lock pyproject.toml
	@$(PY) .ci/check_python.py
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/base.lock \
	  || { echo "uv could not install; trying pip (about a minute)"; \
	       $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/base.lock; }
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . \
	  || $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@
