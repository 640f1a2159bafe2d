# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO files (`.xml` with the weights in `.bin` beside it)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from torch.export import ExportedProgram

from .graph import INPUT_NAME, OUTPUT_NAME
from .metadata import KEY


# How a file is to be computed: OpenVINO does not store it, and takes bfloat16 by itself where a CPU has it. On CPUs
# float16 only makes the file smaller.
HINTS = {"float32": "f32", "float16": "f32", "bfloat16": "bf16", "int8": "bf16", "int8-weights": "bf16"}


def write(program: ExportedProgram, path: Path, metadata: dict[str, Any], images: Sequence[np.ndarray] = ()) -> None:
    """Write a program as OpenVINO's; all precisions but float32 store weights that are not in 8 bits as float16."""
    model = openvino.convert_model(program)
    model.inputs[0].get_tensor().set_names({INPUT_NAME})
    model.outputs[0].get_tensor().set_names({OUTPUT_NAME})
    if metadata["precision"].startswith("int8"):
        from .quantization_openvino import quantize

        model = quantize(model, metadata["precision"], images)
    model.set_rt_info(json.dumps(metadata), [KEY])
    openvino.save_model(model, path, compress_to_fp16=metadata["precision"] != "float32")


def open_file(path: Path, threads: int | None) -> OpenvinoFile:
    """Compile a file for the CPU.

    Raises:
        ValueError: the file is damaged, or not OpenVINO's.
    """
    core = openvino.Core()
    try:
        model = core.read_model(path)
    except RuntimeError as error:
        raise ValueError(f"{path}: damaged, or no OpenVINO file (its .bin lies beside it): {error}") from error
    metadata = json.loads(model.get_rt_info([KEY]).astype(str)) if model.has_rt_info([KEY]) else {}
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if metadata:
        options["INFERENCE_PRECISION_HINT"] = HINTS[metadata["precision"]]
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    return OpenvinoFile(core.compile_model(model, "CPU", options), metadata)


class OpenvinoFile:
    """A compiled file."""

    engine, version = "openvino", openvino.__version__

    def __init__(self, compiled: Any, metadata: dict[str, Any]) -> None:
        self.metadata = metadata
        self._compiled = compiled

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Float32 (B, 3, H, W), normalized -> float32 (B, H, W)."""
        # The engine reuses the memory of its output.
        predicted: np.ndarray = self._compiled([images])[0].copy()
        return predicted
