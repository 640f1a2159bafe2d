# make quickstart   the whole road on rendered scenes, in minutes on a CPU (PRESET=long for better models, PHOTOS=dir)
# make test         all set-up, then the fast tests
# make bench        seconds and memory of predictions and training steps beside stock transformers
# make bench-peers  the same predictions by other engines too
# make check        everything that continuous integration runs

PYTHON ?= python3
VENV ?= .venv
PRESET ?= quick
PHOTOS ?=
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: install quickstart test test-slow test-floor lint bench bench-peers check clean

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

RESULTS := benchmarks/results

bench: install
	$(BIN)/python benchmarks/inference.py --json $(RESULTS)/inference_small.json
	$(BIN)/python benchmarks/inference.py --peers stock_bf16,stock_bf16_eager,ours_bf16 --json $(RESULTS)/inference_small_bf16.json
	$(BIN)/python benchmarks/training_step.py --side 252 --batch 4 --json $(RESULTS)/training_252.json
	$(BIN)/python benchmarks/training_step.py --side 518 --batch 2 --json $(RESULTS)/training_518.json
	$(BIN)/python benchmarks/training_step.py --side 518 --batch 2 --precision bfloat16 --json $(RESULTS)/training_518_bf16.json
	$(BIN)/python benchmarks/peak_memory.py --json $(RESULTS)/peak_memory.json

bench-peers: install
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[peers]"
	$(BIN)/python benchmarks/inference.py --peers stock,onnxruntime,openvino,ours --json $(RESULTS)/peers_small.json
	$(BIN)/python benchmarks/inference.py --peers stock_bf16,openvino_bf16,ours_bf16 --json $(RESULTS)/peers_small_bf16.json
	$(BIN)/python benchmarks/inference.py --size base --peers stock,openvino,ours --json $(RESULTS)/peers_base.json
	$(BIN)/python benchmarks/inference.py --size base --peers stock_bf16,openvino_bf16,ours_bf16 --json $(RESULTS)/peers_base_bf16.json

check: test lint test-floor test-slow

clean:
	rm -rf $(VENV) $(VENV)-floor build dist *.egg-info
