# make app    opens the studio on the bundled model
# make test   lint, types and tests
# Both keep their environment in .venv and need Python 3.11 or later, nothing else.

PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
MODEL ?= hub_configs/cats-64
APP_FLAGS ?=
TORCH_INDEX ?=

.PHONY: app test lint types style clean

app: $(ENV)/app.stamp
	$(BIN)/python -m app --model $(MODEL) $(APP_FLAGS)

test: lint types
	$(BIN)/python -m pytest

lint: $(ENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(ENV)/test.stamp
	$(BIN)/mypy

style: $(ENV)/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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
	$(BIN)/python -m pip install --quiet --editable ".[app,train]" --group dev
	touch $@

clean:
	rm -rf $(ENV) .pytest_cache .ruff_cache .mypy_cache
