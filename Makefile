# Everything happens in .venv, which `setup` builds and every target needs.
PYTHON ?= python3
LOCK ?= requirements.lock
VENV := .venv/bin/python
MODERN := build/modern

.PHONY: help setup run test test-modern test-slow bench lint format types docs \
  lock clean

help:
	@echo "make run          train Behavior Transfer on hero_hard, for minutes"
	@echo "make test         run the tests"
	@echo "make test-modern  the same on the newest CPython, without Acme"
	@echo "make test-slow    run the tests that train or play for long"
	@echo "make bench        measure against what one would compare with, in minutes"
	@echo "make lint         check the code's form; make format repairs it"
	@echo "make types        check its types"
	@echo "make docs         build the documentation, into build/docs"
	@echo "make setup        only build .venv; every other target does it too"
	@echo "make lock         resolve the dependencies anew (needs uv)"
	@echo "make clean        remove .venv and all caches, keep runs/"

setup:
	@$(PYTHON) bootstrap $(LOCK)

run: setup
	$(VENV) experiments/demo.py

# Files to processes, since the tests of a file share what they build.
test: setup
	$(VENV) -m pytest -n auto --maxprocesses=4 --dist loadfile \
	  --no-loadscope-reorder

# What needs no Acme, in an environment of its own.
test-modern:
	@$(PYTHON) bootstrap requirements-modern.lock $(MODERN)
	$(MODERN)/bin/python -m pytest -n auto --maxprocesses=4 --dist loadfile \
	  --no-loadscope-reorder

test-slow: setup
	$(VENV) -m pytest -m slow -s

bench: setup
	$(VENV) benchmarks/table.py

lint: setup
	$(VENV) -m ruff check
	$(VENV) -m ruff format --check

format: setup
	$(VENV) -m ruff check --fix
	$(VENV) -m ruff format

# A checkout may have any name; the link gives mypy the one it is imported by.
types: setup
	mkdir -p build/types
	ln -sfn ../.. build/types/behavior_transfer
	MYPYPATH=build/types $(VENV) -m mypy \
	  $(foreach room,agents envs launch experiments benchmarks,-p behavior_transfer.$(room))

docs: setup
	$(VENV) -m sphinx -W --keep-going -n -q -d build/doctrees docs build/docs

COMPILE := uv pip compile --quiet pyproject.toml --extra dev --no-annotate \
  --upgrade --custom-compile-command "make lock"
COMPILE_3_10 := $(COMPILE) --python-version 3.10 \
  --python-platform x86_64-manylinux_2_28
lock:
	$(COMPILE_3_10) --output-file requirements.lock
	$(COMPILE_3_10) --extra cuda --constraint requirements.lock \
	  --output-file requirements-cuda.lock
	$(COMPILE) --universal --python-version 3.11 \
	  --output-file requirements-modern.lock

clean:
	rm -rf .venv build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
