#!/usr/bin/env bash
# `torch.export` takes image sizes that are a multiple of the patch size (`14 * Dim("rows")`), which encoders of the
# DINOv2 family need, and the program runs at all of them, also after `torch.export.save` and `torch.export.load`. But
# what exporters to other engines do first, `run_decompositions`, works on the program as traced and fails on the one
# that was loaded. So a `.pt2` file with such sizes runs, and cannot be the source of an ONNX or OpenVINO file: export
# these from the model. With plain dimensions both work.
#
# Versions: torch 2.13.0 (CPU), Python 3.11.
# Seen on 2026-11-28:
#   multiples of 14: as traced: decomposed; loaded, at 112x42: (2, 8, 3); loaded: AssertionError: expected sympy.Symbol
#   any width and height: as traced: decomposed; loaded, at 112x42: (2, 8, 3); loaded: decomposed
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON' 2> "$place/log" || { tail -n 5 "$place/log"; exit 1; }
import io
import sys

import torch
from torch import nn
from torch.export import Dim


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 8, kernel_size=14, stride=14)

    def forward(self, images):
        return self.embed(images).mean(dim=1)


def attempt(program):
    try:
        program.run_decompositions({})
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
    return "decomposed"


found = {}
for title, sides in {
    "multiples of 14": {2: 14 * Dim("rows", min=3, max=64), 3: 14 * Dim("columns", min=3, max=64)},
    "any width and height": {2: Dim("height", min=42, max=896), 3: Dim("width", min=42, max=896)},
}.items():
    program = torch.export.export(Patches().eval(), (torch.zeros(2, 3, 70, 84),), dynamic_shapes={"images": sides})
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file)
    shape = tuple(loaded.module()(torch.zeros(2, 3, 112, 42)).shape)
    found[title] = (attempt(program), shape, attempt(loaded))
print("torch", torch.__version__)
for title, (traced, shape, loaded) in found.items():
    print(f"{title}: as traced: {traced}; loaded, at 112x42: {shape}; loaded: {loaded}")
first, second = found.values()
as_seen = first[0] == "decomposed" and first[1] == (2, 8, 3) and "Symbol" in first[2]
as_seen &= second[0] == second[2] == "decomposed"
sys.exit(0 if as_seen else 1)
PYTHON
