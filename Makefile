# make quickstart   the whole road on rendered scenes, in minutes on a CPU (PRESET=long for better models, PHOTOS=dir)
# make study        which encoder strategy: a table on rendered domains, eleven minutes after the quickstart (PRESET=full: hours)
# make test         all set-up, then the fast tests
# make test-browser the demo in a real browser (Debian: apt-get install chromium), in an environment of its own
# make lint         style, types, who may import whom
# make minimum      the tests on the oldest versions that pyproject.toml allows, in an environment of its own
# make docs         the site, in build/site, without a warning; make docs-serve shows it while it is written
# make links        asks for every page of other servers that README, docs and docstrings link to
# make build        sdist and wheel, checked, and the wheel tried alone: installed, rendered, trained, predicted with
# make bench        seconds and memory of predictions, training steps and their parts beside stock transformers
# make bench-peers  the same predictions by other engines too (RUNS=3 repeats either, each run with its own results)
# make check        everything that continuous integration runs

PYTHON ?= python3
VENV ?= .venv
PRESET ?= $(if $(filter study,$(MAKECMDGOALS)),core,quick)
PHOTOS ?=
RUNS ?= 1
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Modules are compiled once, also where the environment says otherwise: of tests, that takes half of their collection.
export PYTHONDONTWRITEBYTECODE =
# Each process takes half of the tests, and the one that is done before the other takes from its rest.
PYTEST := -m pytest -n 2 --dist worksteal

.PHONY: install quickstart study test test-slow test-browser lint docs docs-serve links minimum build bench bench-once bench-peers bench-peers-once check clean

install: $(VENV)/.installed

# torch first and by its exact version: it is the one that everything else has to fit.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

quickstart: install
	$(BIN)/python examples/quickstart/run.py --preset $(PRESET) $(if $(PHOTOS),--photos $(PHOTOS))

study: install
	$(BIN)/python examples/strategies/study.py --preset $(PRESET)

test: install
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST) -m "not slow and not long"

test-slow: install
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST) -m "slow and not long"

# gradio asks for an older Pillow than the rest is tested with.
BROWSER := $(VENV)-browser
test-browser:
	$(PYTHON) -m venv $(BROWSER)
	grep -vi "^pillow==" constraints.txt > $(BROWSER)/constraints.txt
	$(BROWSER)/bin/python -m pip install --quiet -c $(BROWSER)/constraints.txt torch
	$(BROWSER)/bin/python -m pip install --quiet -c $(BROWSER)/constraints.txt -e ".[browser,readers]"
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BROWSER)/bin/python -m pytest tests/demo tests/browser

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

# Without the variable, mkdocs-material prints an announcement at each start.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python .ci/site.py build/site

# Pages of other servers that are linked to: needs a network, and so is no part of `make check`.
links: install
	$(BIN)/python .ci/links.py

docs-serve: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

# Warnings of old versions are not errors. torch is that of constraints.txt, whose builds are at hand;
# MINIMUM_TORCH=minimum takes its oldest version as well. Most of what is installed is never imported, so that it is
# compiled when it is.
MINIMUM_TORCH ?= constraints
# What no version has a part in, and what depends on PyTorch alone, where that is the same.
WITHOUT_VERSIONS := tests/test_house.py tests/test_papers.py tests/integration/test_given_commands.py tests/helpers
WITHOUT_VERSIONS := $(WITHOUT_VERSIONS) tests/benchmarks
TORCH_ALONE := tests/losses $(addprefix tests/cpu/test_,autotune.py kernels.py memory.py) tests/training/test_memory.py
SAME := $(WITHOUT_VERSIONS) $(if $(filter constraints,$(MINIMUM_TORCH)),$(TORCH_ALONE))
minimum:
	$(PYTHON) -m venv $(VENV)-minimum
ifeq ($(MINIMUM_TORCH),constraints)
	$(VENV)-minimum/bin/python .ci/minimum.py torch > $(VENV)-minimum/constraints.txt
	grep "^torch==" constraints.txt >> $(VENV)-minimum/constraints.txt
else
	$(VENV)-minimum/bin/python .ci/minimum.py > $(VENV)-minimum/constraints.txt
endif
	$(VENV)-minimum/bin/python -m pip install --quiet --no-compile -c $(VENV)-minimum/constraints.txt torch
	$(VENV)-minimum/bin/python -m pip install --quiet --no-compile -c $(VENV)-minimum/constraints.txt \
		-e ".[quickstart,evaluate,readers,bitsandbytes]" peft pytest pytest-xdist
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(VENV)-minimum/bin/python $(PYTEST) -W default -m "not slow and not long" \
		$(addprefix --ignore=,$(SAME))

build: install
	rm -rf build dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	.ci/try-wheel dist/*.whl $(PYTHON)

RESULTS := benchmarks/results
MEASURE := $(BIN)/python benchmarks
ENGINES := onnxruntime,openvino
FLOAT32 := stock,stock_kept,ours_returned,ours
IN_8_BITS := exported_openvino_int8,exported_openvino_int8_fixed,exported_openvino_int8_weights,exported_openvino_int8_weights_fixed
IN_8_BITS := $(IN_8_BITS),exported_onnx_int8,exported_onnx_int8_static,exported_onnx_int8_weights
EXPORTED := exported_openvino,exported_openvino_fixed,exported_openvino_bf16,exported_openvino_bf16_fixed,$(IN_8_BITS)
BFLOAT16 := stock_bf16,stock_bf16_eager,stock_bf16_kept,ours_bf16_returned,ours_bf16
# Of several runs each has results of its own: NAME_run1.json and so on.
NUMBER := $(if $(filter 1,$(RUNS)),,_run$$run)

bench: install
	for run in $$(seq $(RUNS)); do $(MAKE) bench-once SUFFIX=$(NUMBER) || exit 1; done

bench-peers: install
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[peers]"
	for run in $$(seq $(RUNS)); do $(MAKE) bench-peers-once SUFFIX=$(NUMBER) || exit 1; done

bench-once:
	$(MEASURE)/parts.py
	$(MEASURE)/inference.py --peers $(FLOAT32) --json $(RESULTS)/inference_small$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(FLOAT32) --batch 4 --json $(RESULTS)/inference_small_batch4$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(FLOAT32) --size base --json $(RESULTS)/inference_base$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(BFLOAT16) --json $(RESULTS)/inference_small_bf16$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(BFLOAT16) --size base --json $(RESULTS)/inference_base_bf16$(SUFFIX).json
	$(MEASURE)/training_step.py --side 252 --batch 4 --json $(RESULTS)/training_252$(SUFFIX).json
	$(MEASURE)/training_step.py --side 518 --batch 2 --json $(RESULTS)/training_518$(SUFFIX).json
	$(MEASURE)/training_step.py --side 518 --batch 2 --precision bfloat16 --json $(RESULTS)/training_518_bf16$(SUFFIX).json
	$(MEASURE)/peak_memory.py --json $(RESULTS)/peak_memory_inference$(SUFFIX).json
	$(MEASURE)/peak_memory.py --work training --batch 2 --json $(RESULTS)/peak_memory_training$(SUFFIX).json
	$(MEASURE)/peak_memory.py --work training --batch 2 --checkpointing --json $(RESULTS)/peak_memory_training_checkpointed$(SUFFIX).json
	$(MEASURE)/losses.py --batch 8 --json $(RESULTS)/losses$(SUFFIX).json
	$(MEASURE)/preprocessing.py --json $(RESULTS)/preprocessing$(SUFFIX).json
	$(MEASURE)/preprocessing.py --kept --json $(RESULTS)/preprocessing_kept$(SUFFIX).json
	$(MEASURE)/mixed_sizes.py --json $(RESULTS)/mixed_sizes$(SUFFIX).json
	$(MEASURE)/mixed_sizes.py --kept --rounds 1 --json $(RESULTS)/mixed_sizes_kept$(SUFFIX).json
	$(MEASURE)/mixed_sizes.py --kept --rounds 1 --batch_size 4 --json $(RESULTS)/mixed_sizes_batch4$(SUFFIX).json
	$(MEASURE)/labelling_throughput.py --photographs 1080x1920 --input_size 518 --images 16 --json $(RESULTS)/labelling_1080p$(SUFFIX).json

bench-peers-once:
	$(MEASURE)/inference.py --peers stock,ours,$(ENGINES) --json $(RESULTS)/peers_small$(SUFFIX).json
	$(MEASURE)/inference.py --peers stock,ours,$(ENGINES) --batch 4 --rounds 3 --json $(RESULTS)/peers_small_batch4$(SUFFIX).json
	$(MEASURE)/inference.py --peers stock,ours,$(ENGINES) --size base --rounds 3 --json $(RESULTS)/peers_base$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(BFLOAT16),openvino_bf16 --json $(RESULTS)/peers_small_bf16$(SUFFIX).json
	$(MEASURE)/inference.py --peers $(BFLOAT16),openvino_bf16 --size base --rounds 3 --json $(RESULTS)/peers_base_bf16$(SUFFIX).json
	$(MEASURE)/inference.py --peers ours,ours_bf16,$(EXPORTED) --json $(RESULTS)/peers_small_exported$(SUFFIX).json

check: test lint docs minimum build test-slow test-browser

clean:
	rm -rf $(VENV) $(VENV)-minimum $(VENV)-browser build dist *.egg-info
