# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO files (`.xml` with the weights in `.bin` beside it)."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..utils.files import sha256_of_file
from .inputs import check_images, input_name
from .metadata import KEY, OUTPUT_NAME, read_metadata
from .telemetry import without_telemetry


with without_telemetry():
    import openvino as openvino

if TYPE_CHECKING:
    from torch.export import ExportedProgram


# How a file is to be computed: OpenVINO does not store it, and takes bfloat16 by itself where a CPU has it. On CPUs
# float16 only makes the file smaller.
HINTS = {"float32": "f32", "float16": "f32", "bfloat16": "bf16", "int8": "bf16", "int8-weights": "bf16"}
# In the metadata: checksum of the `.bin`. OpenVINO takes any that is long enough, as that of another fine-tune.
WEIGHTS_KEY = "weights_sha256"
# In place of it until the `.bin` is written, as long.
_UNKNOWN_CHECKSUM = WEIGHTS_KEY.ljust(64, "-")


def write(program: ExportedProgram, path: Path, metadata: dict[str, Any], images: Sequence[np.ndarray] = ()) -> None:
    """Write a program as OpenVINO's; all precisions but float32 store weights that are not in 8 bits as float16."""
    model = convert(program, metadata, images)
    model.set_rt_info(json.dumps({**metadata, WEIGHTS_KEY: _UNKNOWN_CHECKSUM}), [KEY])
    openvino.save_model(model, path, compress_to_fp16=metadata["precision"] != "float32")
    checksum = sha256_of_file(path.with_suffix(".bin"))
    path.write_bytes(path.read_bytes().replace(_UNKNOWN_CHECKSUM.encode(), checksum.encode()))


def convert(program: ExportedProgram, metadata: dict[str, Any], images: Sequence[np.ndarray] = ()) -> Any:
    """Convert a program to a model of OpenVINO in memory, with its metadata."""
    with without_telemetry():
        model = openvino.convert_model(program)
    model.inputs[0].get_tensor().set_names({input_name(metadata)})
    model.outputs[0].get_tensor().set_names({OUTPUT_NAME})
    if metadata["precision"].startswith("int8"):
        from .quantization_openvino import quantize

        model = quantize(model, metadata["precision"], images)
    model.set_rt_info(json.dumps(metadata), [KEY])
    return model


def options_of(precision: str | None, threads: int | None) -> dict[str, Any]:
    """Return the options with which a model is compiled for the CPU.

    Args:
        precision: of its metadata; None leaves it to OpenVINO.
        threads: see `open_file`.
    """
    # Pinned threads of two processes would share the first cores.
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    if precision is not None:
        options["INFERENCE_PRECISION_HINT"] = HINTS[precision]
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    return options


def open_file(path: Path, threads: int | None) -> OpenvinoFile:
    """Compile a file for the CPU.

    Raises:
        ValueError: the file is damaged, not OpenVINO's, or the `.bin` is that of another file.
    """
    try:
        model = core().read_model(path)
    except RuntimeError as error:
        raise ValueError(f"{path}: damaged, or no OpenVINO file (its .bin lies beside it): {error}") from error
    metadata = read_metadata(model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else "", path)
    weights = path.with_suffix(".bin")
    if WEIGHTS_KEY in metadata and metadata[WEIGHTS_KEY] != sha256_of_file(weights):
        raise ValueError(f"{weights}: damaged, or the weights of another file than {path.name}; copy both together")
    return compile_model(model, metadata, threads)


@functools.cache
def core() -> Any:
    """Return the `openvino.Core` of this process, which is never released.

    One that is released frees the memory on which signals are handled in the thread that it was made in; released in
    another thread, the next SIGTERM would end the process by SIGSEGV (OpenVINO 2026.4.1,
    `findings/openvino_leaves_signals_without_stack.sh`).
    """
    found = openvino.Core()
    # Loads the part for CPUs, in this thread.
    found.get_property("CPU", "FULL_DEVICE_NAME")
    return found


def compile_model(model: Any, metadata: dict[str, Any], threads: int | None) -> OpenvinoFile:
    """Compile a model in memory for the CPU."""
    options = options_of(metadata.get("precision"), threads)
    return OpenvinoFile(core().compile_model(model, "CPU", options), metadata)


def open_compiled(path: Path, metadata: dict[str, Any], threads: int | None) -> OpenvinoFile:
    """Open a compiled model that `OpenvinoFile.save` wrote, which the same version on a like processor can do.

    Raises:
        RuntimeError: the file is damaged, or of another version.
    """
    # Its memory is shared by all processes that have it open.
    content = openvino.Tensor(np.memmap(path, dtype=np.uint8, mode="r"))
    options = options_of(metadata["precision"], threads)
    return OpenvinoFile(core().import_model(content, "CPU", options), metadata)


class OpenvinoFile:
    """A compiled file."""

    engine, version = "openvino", openvino.__version__.partition("-")[0]

    def __init__(self, compiled: Any, metadata: dict[str, Any]) -> None:
        self.metadata = metadata
        self._compiled = compiled

    def save(self, path: Path) -> None:
        """Write the compiled model, see `open_compiled`."""
        path.write_bytes(self._compiled.export_model().getvalue())

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images as the metadata say -> float32 (B, H, W)."""
        check_images(images, self.metadata)
        # The engine reuses the memory of its output.
        predicted: np.ndarray = self._compiled([images])[0].copy()
        return predicted
