# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Convert a checkpoint for an engine, in memory and into the cache, and compare it with the checkpoint."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from ..export.formats import Runner
from ..export.graph import trace
from ..export.inputs import SMALLEST_GRID
from ..export.metadata import describe
from ..models.loading import load_model
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..models.quantization import is_quantized
from ..utils.files import write_error
from ..utils.quiet import quiet_transformers
from .engine_cache import CacheEntry, open_compiled
from .engine_source import ConversionError, ModelSource


logger = logging.getLogger(__name__)

# Largest difference to the checkpoint in float32, as a share of the range of its map.
LARGEST_DIFFERENCE = {"float32": 2e-5, "bfloat16": 0.15}
# What exceptions of other kinds say where memory, or the threads that it has room for, run out.
NO_MEMORY = (
    *("allocate memory", "failed to allocate", "out of memory", "bad_alloc", "bad alloc"),
    "resource temporarily unavailable",
)


def convert_checkpoint(source: ModelSource, engine: str, precision: str, threads: int, entry: CacheEntry) -> Runner:
    """Convert a checkpoint, compare it with the checkpoint at a size of its own, and then keep it.

    Args:
        source: the checkpoint.
        engine: "openvino" or "onnxruntime".
        precision: of the computation.
        threads: of the engine.
        entry: its place in the cache.

    Returns:
        The model in its engine.

    Raises:
        ConversionError: the engine does not take the model, or computes something else.
        ValueError: the checkpoint is damaged, or see `load_model`.
        OSError: files of it are missing, or the disk is full.
    """
    quiet_transformers()
    # Kernels of transformers' own are what exporters know.
    options = {**source.hub, "attn_implementation": "sdpa"}
    model, processor = load_model(source.name, dtype=torch.float32, input_size=None, options=options)
    if not isinstance(model, DepthAnythingForDepthEstimation) or is_quantized(model):
        raise ConversionError("it has quantized weights, or is no Depth Anything model")
    nn.Module.eval(model)
    with TemporaryDirectory(prefix="depth_anything_hf-") as folder:
        try:
            format = "onnx" if engine == "onnxruntime" else engine
            described = describe(source.name, model, processor, format=format, precision=precision, size=None)
            described["model_commit"] = source.commit
            with warnings.catch_warnings():
                # Exporters warn of their own deprecated parts.
                warnings.simplefilter("ignore")
                program = trace(model, None)
                runner, write = (
                    _in_openvino(program, described, threads)
                    if engine == "openvino"
                    else _in_onnxruntime(program, described, threads, Path(folder))
                )
            difference, bound = _difference(runner, model), LARGEST_DIFFERENCE[precision]
        except (ConversionError, MemoryError):
            raise
        except OSError as error:
            # Nothing else is written here.
            if error.errno is None:
                raise
            raise write_error(Path(folder), error) from error
        except Exception as error:
            raise as_failure(engine, error) from error
        if not difference <= bound:
            raise ConversionError(f"in {engine} its map differs by {difference:.1e} of the range, more than {bound}")
        # Other processes open what is kept without asking, so that it has been compared before, and is the model of
        # its name: a run that trains may have written its folder anew meanwhile.
        if entry.is_of(source):
            entry.save(described, write)
        else:
            logger.warning("%s has changed while it was converted: the converted model is not kept", source.name)
    return runner


def as_failure(engine: str, error: Exception) -> ConversionError | MemoryError:
    """Return what to raise for an exception of an exporter or an engine, which are of many kinds.

    A lack of memory may be over the next time, and says nothing about the model.
    """
    # OpenVINO says first in which of its files it fails.
    lines = [line for line in str(error).strip().splitlines() if line and not line.startswith("Exception from ")]
    message = f"it cannot be converted for {engine}: {lines[0].strip() if lines else type(error).__name__}"
    lacks_memory = any(each in str(error).lower() for each in NO_MEMORY)
    return MemoryError(f"{message} (too little memory)") if lacks_memory else ConversionError(message)


def _in_openvino(program: Any, described: dict[str, Any], threads: int) -> tuple[Runner, Callable[[Path], object]]:
    from ..export.openvino_file import compile_model, convert

    compiled = compile_model(convert(program, described), described, threads)
    return compiled, compiled.save


def _in_onnxruntime(
    program: Any, described: dict[str, Any], threads: int, folder: Path
) -> tuple[Runner, Callable[[Path], object]]:
    from ..export.onnx_file import write

    path = folder / "model.onnx"
    write(program, path, described)
    if len(list(folder.iterdir())) > 1:
        raise ConversionError("as ONNX it has more than one file; use the engine openvino")
    return open_compiled(path, "onnxruntime", described, threads), lambda place: shutil.copyfile(path, place)


@torch.no_grad()
def _difference(runner: Runner, model: DepthAnythingForDepthEstimation) -> float:
    """Return the largest difference at a size that is neither the traced one nor the model's own."""
    patch = model.patch_size
    shape = (1, 3, patch * (SMALLEST_GRID + 2), patch * (SMALLEST_GRID + 4))
    images = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = model(torch.from_numpy(images)).predicted_depth.numpy().astype(np.float64)
    predicted = runner(images)
    if predicted.shape != expected.shape or not np.isfinite(predicted).all():
        return float("inf")
    # A map of one value has no range to be a share of.
    return float(np.abs(predicted - expected).max() / (np.ptp(expected) or 1.0))
