# Boxdeck: every target does its own set-up and is quick the second time.
#   make run          the app, on a bare Debian 12 or 13 too
#   make test         every test that this machine can run
#   make venv         .venv with everything in it
#   make lint         ruff and mypy
#   make test-vm      the engine's tests on a kernel with cgroup v2, in a virtual machine
#   make screenshots  pictures of a real session, into screenshots/
#   make bench        start, exec, statistics and pulls beside others of their kind; ROUNDS=100 FORM=--markdown as README has it
#   make chaos        1,000 rounds in which somebody is killed, and 200 containers from 8 processes at once; SEED=1
#   make clean        remove what was built

SHELL := /bin/bash
BIN := .venv/bin
export VM_CACHE ?= $(CURDIR)/build/vm
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
TESTS ?= tests
AT_ONCE ?= 4
ROUNDS ?= 100
SEED ?= $(shell echo $$RANDOM)
PULLS ?= 5

.DEFAULT_GOAL := run
.PHONY: run test venv lint test-vm screenshots bench chaos clean

run: venv
	@exec $(AS_ROOT) $(BIN)/boxdeck

test: venv
	@.ci/setup test
	@tests/run $(AT_ONCE) $(TESTS)

venv:
	@.ci/setup run

lint: venv
	$(BIN)/ruff check engine tui tests screenshots
	$(BIN)/ruff format --check engine tui tests screenshots
	$(BIN)/mypy

test-vm: venv
	@.ci/setup test vm
	tests/vm/run-tests

screenshots: venv
	@.ci/setup test pictures
	$(BIN)/python -m screenshots.make
	$(BIN)/python -m screenshots.moving

bench: venv
	@.ci/setup test bench
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks $(ROUNDS) $(FORM)
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.ports
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.images $(PULLS) $(FORM)
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.networks
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.throughput
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.terminal
	$(BIN)/python -m tests.benchmarks.key_press
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.opening
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.idle
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.crowd
	$(AS_ROOT) $(BIN)/python -m tests.benchmarks.flood

chaos: venv
	@.ci/setup test
	$(AS_ROOT) $(BIN)/python -m tests.chaos 1000 $(SEED)

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find engine tui tests screenshots -name __pycache__ -type d -prune -exec rm -rf {} +
