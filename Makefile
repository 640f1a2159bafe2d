# make quickstart   the whole road on rendered scenes, in minutes on a CPU (PRESET=long for better models, PHOTOS=dir)
# make test         all set-up, then the fast tests
# make check        everything that continuous integration runs

PYTHON ?= python3
VENV ?= .venv
PRESET ?= quick
PHOTOS ?=
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: install quickstart test test-slow test-floor lint check clean

install: $(VENV)/.installed

# torch first and by its exact version: it is the one that everything else has to fit.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

quickstart: install
	$(BIN)/python examples/quickstart.py --preset $(PRESET) $(if $(PHOTOS),--photos $(PHOTOS))

test: install
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: install
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

# The oldest transformers that is supported, in an environment of its own.
test-floor:
	$(PYTHON) -m venv $(VENV)-floor
	$(VENV)-floor/bin/python -m pip install --quiet -c constraints.txt torch
	$(VENV)-floor/bin/python -m pip install --quiet transformers==5.17.0 pytest -e .
	HF_HUB_OFFLINE=1 $(VENV)-floor/bin/python -m pytest tests/test_parity.py -m "not slow"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test lint test-floor test-slow

clean:
	rm -rf $(VENV) $(VENV)-floor build dist *.egg-info
