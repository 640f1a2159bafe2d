#!/usr/bin/env bash
# OpenVINO keeps compiled models as bytes: `compiled.export_model()`, and `core.import_model(bytes, device)` in the
# next process, which is far faster than to compile. A model that was itself imported exports without an error as
# well, to a few more bytes, but these cannot be imported: "Unable to read the model. Please check if the model
# format is supported and model is correct." A cache that is copied or moved by export of what was loaded from it is
# lost; keep the first bytes, or compile again.
#
# Versions: openvino 2026.4.1, numpy 2.4.6, Python 3.11, Linux, plugin CPU.
# Seen on 2026-11-29, a convolution of 3 x 3:
#   compiled, exported, imported: largest difference 0
#   imported, exported, imported: RuntimeError, Unable to read the model
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cd "$place"
CI=true "$place/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import openvino
from openvino import opset13


random = np.random.default_rng(0)
image = opset13.parameter([1, 3, 8, 8], np.float32, name="image")
kernel = opset13.constant(random.random((4, 3, 3, 3), dtype=np.float32))
result = opset13.convolution(image, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
core = openvino.Core()
compiled = core.compile_model(openvino.Model([result], [image], "one"), "CPU")
values = random.random((1, 3, 8, 8), dtype=np.float32)


def exported(model):
    content = model.export_model()
    return content.getvalue() if isinstance(content, io.BytesIO) else bytes(content)


imported = core.import_model(exported(compiled), "CPU")
difference = float(np.abs(imported(values)[0] - compiled(values)[0]).max())
print(f"compiled, exported, imported: largest difference {difference:g}")
try:
    core.import_model(exported(imported), "CPU")
    again = "opened"
except RuntimeError as error:
    again = "RuntimeError, " + next(part for part in ("Unable to read the model", str(error)) if part in str(error))
print(f"imported, exported, imported: {again}")
del imported, compiled
sys.exit(0 if difference == 0 and again == "RuntimeError, Unable to read the model" else 1)
PYTHON
