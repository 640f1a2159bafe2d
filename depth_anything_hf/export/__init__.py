# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Export models to files of other engines, each with a report that compares it with the model.

- `exporter`: `export_model`: from a model folder to a file and its report.
- `graph`: the graph that is exported, with a free batch, height and width.
- `preprocessing`: the image processor's steps as a part of the graph.
- `inputs`: what images a file takes, and the error for others.
- `metadata`: what a file says of itself: kind, unit, normalization, lineage, license.
- `formats`: the formats by name, their engines and precisions, and files opened in their engines.
- `torch_program`: programs of `torch.export`.
- `onnx_file`: ONNX, run by ONNX Runtime.
- `openvino_file`: OpenVINO.
- `calibration_images`: pictures to calibrate 8-bit files with, and others to check them by.
- `quantization_layers`: what stays in floating point, found by structure.
- `quantization_openvino`: 8-bit OpenVINO graphs by NNCF.
- `quantization_onnx`: 8-bit ONNX files by ONNX Runtime.
- `telemetry`: OpenVINO and NNCF without messages to their makers.
- `parity`: the exported file against the model: differences, time, memory.
- `own_images`: an 8-bit file against its model on pictures of the user's own.
- `report_files`: the report as JSON and Markdown, and its line in a model card.

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .exporter import export_model
    from .formats import open_exported

_MODULES = {
    "export_model": "exporter",
    "open_exported": "formats",
}

__all__ = [
    "export_model",
    "open_exported",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
