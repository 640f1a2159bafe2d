# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The formats by name: suffix, precisions and engine of each, and files opened in their engines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..utils.option_errors import OptionError, check_choice
from ..utils.paths import expand_home


class Runner(Protocol):
    """An exported file, opened in its engine."""

    engine: str
    version: str
    metadata: dict[str, Any]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Float32 (B, 3, H, W), normalized, or uint8 (B, H, W, 3) with preprocessing in the file -> float32 (B, H, W).

        Raises:
            ValueError: other images than the file takes, see `inputs`.
        """


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        suffix: of its files.
        stem: of their usual name.
        precisions: that can be chosen.
        packages: that write and run them, beside PyTorch.
        extra: of this package, that brings these; None where none is needed.
        module: of this room, with `write` and `open_file`.
        quantized: precisions of 8 bits -> whether they are calibrated with pictures.
        quantizer: further package that writes these.
        quantizer_extra: of this package, that brings it.
    """

    suffix: str
    stem: str
    precisions: tuple[str, ...]
    packages: tuple[str, ...]
    extra: str | None
    module: str
    quantized: Mapping[str, bool] = field(default_factory=dict)
    quantizer: str | None = None
    quantizer_extra: str | None = None


FORMATS = {
    "torch": Format(".pt2", "model", ("float32", "float16", "bfloat16"), (), None, "torch_program"),
    # On CPUs ONNX Runtime has no bfloat16.
    "onnx": Format(
        ".onnx",
        "model",
        ("float32", "float16"),
        ("onnx", "onnxscript", "onnxruntime"),
        "onnx",
        "onnx_file",
        quantized={"int8": False, "int8-static": True, "int8-weights": False},
    ),
    "openvino": Format(
        ".xml",
        "openvino_model",
        ("float32", "float16", "bfloat16"),
        ("openvino",),
        "openvino",
        "openvino_file",
        quantized={"int8": True, "int8-weights": False},
        quantizer="nncf",
        quantizer_extra="int8",
    ),
}

MADE_ELSEWHERE = {
    "tensorrt": "TensorRT's own tools build engines of ONNX files",
    "coreml": "coremltools converts programs of torch.export",
    "litert": "LiteRT's own converter takes programs of torch.export",
}


def weights_files(path: Path) -> list[Path]:
    """Return the files that an exported file may have its weights in, whether they are there or not."""
    return [path.with_suffix(".bin")] if path.suffix == ".xml" else [path.with_name(path.name + ".data")]


def check_format(format: str, precision: str) -> Format:
    """Return a format that can be written here.

    Raises:
        OptionError: an unknown format, or a precision that it does not have.
        ImportError: its engine is missing.
    """
    if format in MADE_ELSEWHERE:
        raise OptionError(
            f"format must be one of {list(FORMATS)}, got {format!r}: {MADE_ELSEWHERE[format]}, from a file that is "
            "exported here"
        )
    check_choice("format", format, list(FORMATS))
    found = FORMATS[format]
    precisions = [*found.precisions, *found.quantized]
    if precision not in precisions:
        raise OptionError(f"precision must be one of {precisions} for the format {format!r}, got {precision!r}")
    missing = [package for package in found.packages if find_spec(package) is None]
    if missing:
        raise ImportError(
            f"the format {format!r} needs {', '.join(missing)}; install: pip install "
            f'"depth_anything_hf[{found.extra}]"'
        )
    if precision in found.quantized and found.quantizer and find_spec(found.quantizer) is None:
        raise ImportError(
            f"the precision {precision!r} of the format {format!r} needs {found.quantizer}; install: pip install "
            f'"depth_anything_hf[{found.quantizer_extra}]"'
        )
    return found


def writer(format: str) -> Any:
    """Return the module of a format, whose engine is imported now."""
    return import_module(f".{FORMATS[format].module}", __package__)


def open_exported(path: str | os.PathLike[str], *, threads: int | None = None) -> Runner:
    """Open an exported file in its engine, on the CPU.

    Args:
        path: that `export_model` wrote: `.pt2`, `.onnx`, or the `.xml` of OpenVINO.
        threads: of the engine; None leaves it to the engine.

    Returns:
        A function from float32 (B, 3, H, W), normalized, to float32 (B, H, W), with `metadata`; with preprocessing in
        the file from uint8 (B, H, W, 3).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of another kind, not one of `export_model`, or one of a version that says other things.
        ImportError: its engine is missing.
    """
    place = Path(expand_home(os.fspath(path)))
    format = next((name for name, each in FORMATS.items() if each.suffix == place.suffix.lower()), None)
    if format is None:
        suffixes = ", ".join(each.suffix for each in FORMATS.values())
        raise ValueError(f"{place}: expected an exported file ({suffixes})")
    if not place.is_file():
        raise FileNotFoundError(f"{place}: no such file; check the path")
    check_format(format, "float32")
    runner: Runner = writer(format).open_file(place, threads)
    if not runner.metadata:
        raise ValueError(f"{place}: not written by export_model; its input and output are not known")
    return runner
