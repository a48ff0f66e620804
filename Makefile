# make app    opens the studio on the bundled model
# make test   lint, types and tests
# make docs   the documentation, in site/
# make bench  the tables of docs/benchmarks.md, measured anew on this machine
# All keep their environment in .venv and need Python 3.11 or later, nothing else.

PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
MODEL ?= hub_configs/cats-128
APP_FLAGS ?=
TORCH_INDEX ?=

.PHONY: app test lint types style docs bench clean

app: $(ENV)/app.stamp
	$(BIN)/python -m app --model $(MODEL) $(APP_FLAGS)

# A process for each core: tests compute with one thread each. Those of a file share what they prepare.
test: lint types
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: $(ENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(ENV)/test.stamp
	$(BIN)/mypy

style: $(ENV)/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(ENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(ENV)/test.stamp
	$(BIN)/python benchmarks/tables.py

# PyTorch is asked for by its exact version first, so that nothing later brings another build. On Linux the usual index
# has builds with gigabytes of CUDA libraries only: TORCH_INDEX=URL takes one from an index of CPU builds instead.
$(ENV)/torch.stamp:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(ENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "torch==2.13.0"
	touch $@

$(ENV)/app.stamp: $(ENV)/torch.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[app]"
	touch $@

$(ENV)/test.stamp: $(ENV)/torch.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[app,onnx,report,train]" --group dev
	touch $@

# The site reads the code and runs none of it, so PyTorch is not needed.
$(ENV)/docs.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(ENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf $(ENV) site .pytest_cache .ruff_cache .mypy_cache
