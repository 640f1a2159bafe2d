# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Programs of `torch.export` (`.pt2`), which PyTorch runs without this package."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from ..utils.quiet import hide_logged_warnings
from .inputs import check_images
from .metadata import KEY, read_metadata


def write(program: ExportedProgram, path: Path, metadata: dict[str, Any], images: Sequence[np.ndarray] = ()) -> None:
    """Write a program with its metadata; there are no precisions that would need images."""
    content = io.BytesIO()
    # In the operations for inference, from which converters of programs begin.
    torch.export.save(program.run_decompositions({}), content, extra_files={KEY: json.dumps(metadata)})
    # PyTorch's own writer ends the process where the disk is full.
    path.write_bytes(content.getbuffer())


def open_file(path: Path, threads: int | None) -> TorchProgram:
    """Open a program; its threads are those of the process.

    Raises:
        ValueError: the file is damaged, or no program.
    """
    content = {KEY: ""}
    try:
        # It logs tracebacks of files that are none.
        with hide_logged_warnings():
            program = torch.export.load(path, extra_files=content)
    except (RuntimeError, KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: damaged, or no program of torch.export: {error}") from error
    return TorchProgram(program, read_metadata(content[KEY], path))


class TorchProgram:
    """An opened program."""

    engine, version = "torch", torch.__version__

    def __init__(self, program: ExportedProgram, metadata: dict[str, Any]) -> None:
        self.metadata = metadata
        self._module = program.module()

    @torch.no_grad()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images as the metadata say -> float32 (B, H, W)."""
        check_images(images, self.metadata)
        predicted: np.ndarray = self._module(torch.from_numpy(images)).float().numpy()
        return predicted
