#!/usr/bin/env bash
# Importing one of ONNX Runtime's quantizers sets up logging for the whole process: that of weights in 4 bits calls
# `logging.basicConfig` at import. The root logger gets a handler to stderr with a format of its own and the level INFO,
# and the program's own `basicConfig` afterwards does nothing (it never replaces handlers): its level, its log file and
# its format are lost, and the INFO lines of every library appear. `onnxruntime` and `onnxruntime.quantization` do not
# do so, and the order decides: a program that has set up logging before keeps it.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, onnx-ir 1.1.0, numpy 2.4.6, Python 3.11, Linux.
# Seen on 2026-11-29, handlers and level of the root logger:
#   onnxruntime: [], WARNING
#   onnxruntime.quantization: [], WARNING
#   onnxruntime.quantization.matmul_nbits_quantizer: ['StreamHandler'], INFO
#   basicConfig(level="ERROR", filename=...) after it: ['StreamHandler'], INFO
#   basicConfig(level="ERROR", filename=...) before it: ['FileHandler'], ERROR
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 onnx-ir==1.1.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import subprocess
import sys

QUANTIZER = "onnxruntime.quantization.matmul_nbits_quantizer"
OURS = 'logging.basicConfig(level="ERROR", filename="program.log")'
STATE = 'root = logging.root; names = [type(each).__name__ for each in root.handlers]; '
STATE += 'print(names, logging.getLevelName(root.level), sep=", ")'


def state_after(*lines):
    """Root logger of a new process that ran these lines."""
    code = "; ".join(("import importlib, logging", *lines, STATE))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip().splitlines()[-1]


def imported(name):
    return f'importlib.import_module("{name}")'


seen = {
    "onnxruntime": state_after(imported("onnxruntime")),
    "onnxruntime.quantization": state_after(imported("onnxruntime.quantization")),
    QUANTIZER: state_after(imported(QUANTIZER)),
    'basicConfig(level="ERROR", filename=...) after it': state_after(imported(QUANTIZER), OURS),
    'basicConfig(level="ERROR", filename=...) before it': state_after(OURS, imported(QUANTIZER)),
}
for name, state in seen.items():
    print(f"{name}: {state}")
expected = ["[], WARNING"] * 2 + ["['StreamHandler'], INFO"] * 2 + ["['FileHandler'], ERROR"]
sys.exit(0 if list(seen.values()) == expected else 1)
PYTHON
