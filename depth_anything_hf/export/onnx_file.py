# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ONNX files, run by ONNX Runtime."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from ..utils.quiet import hide_logged_warnings
from .inputs import check_images, input_name
from .metadata import KEY, OUTPUT_NAME, read_metadata


if TYPE_CHECKING:
    from torch.export import ExportedProgram


def write(program: ExportedProgram, path: Path, metadata: dict[str, Any], images: Sequence[np.ndarray] = ()) -> None:
    """Write a program as ONNX; weights of more than 1.5 GB go into a file beside it."""
    import torch

    # It tells each time that torchvision is missing, and which of its optimizations it skips.
    with hide_logged_warnings():
        exported: Any = torch.onnx.export(
            program, (), dynamo=True, input_names=[input_name(metadata)], output_names=[OUTPUT_NAME], verbose=False
        )
    exported.model.metadata_props[KEY] = json.dumps(metadata)
    if not metadata["precision"].startswith("int8"):
        exported.save(path)
        return
    from .quantization_onnx import quantize

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        in_float32 = Path(folder) / path.name
        exported.save(in_float32)
        quantize(in_float32, path, metadata["precision"], images)


def open_file(path: Path, threads: int | None) -> OnnxFile:
    """Open a file in ONNX Runtime.

    Raises:
        ValueError: the file is damaged, or not ONNX.
    """
    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    # Its threads would wait for the next call on all processors.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # Its own exceptions have no common class but this one.
        raise ValueError(f"{path}: damaged, or no ONNX file of a depth model: {error}") from error
    return OnnxFile(session, path)


class OnnxFile:
    """An opened file."""

    engine, version = "onnxruntime", onnxruntime.__version__

    def __init__(self, session: Any, path: Path) -> None:
        self.metadata = read_metadata(session.get_modelmeta().custom_metadata_map.get(KEY, ""), path)
        self._session = session

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images as the metadata say -> float32 (B, H, W)."""
        check_images(images, self.metadata)
        predicted: np.ndarray = self._session.run([OUTPUT_NAME], {input_name(self.metadata): images})[0]
        return predicted
