# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The ways to predict that `inference.py` compares: this package, stock transformers, compilers and other engines.

Each is a function (folder of the model, images, threads) -> function that predicts once. ONNX Runtime and OpenVINO
need the extra `peers`. `onnxruntime` and `openvino...` run stock's own export at one size; `exported_...` are files of
`export_model` with free sizes, or with that size alone where the name ends in `_fixed`, in 8 bits calibrated with
made-up pictures. Names that end in `_kept` are the same with freed memory kept, and `_returned` without; the
harness sees to it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import bare, images
from PIL import Image
from torch import Tensor
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.export.exporter import export_model
from depth_anything_hf.export.formats import FORMATS, open_exported
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


Predict = Callable[[], Tensor]
Peer = Callable[[Path, Tensor, int], Predict]


def _prediction_of(model: Any, images: Tensor) -> Predict:
    @torch.inference_mode()
    def predict() -> Tensor:
        predicted: Tensor = model(images).predicted_depth
        return predicted

    return predict


def ours(dtype: torch.dtype, compiled: bool = False) -> Peer:
    def make(folder: Path, images: Tensor, threads: int) -> Predict:
        model = DepthAnythingForDepthEstimation.from_pretrained(folder, dtype=dtype)
        model.eval()
        if compiled:
            model.optimize_for_inference(compile=True)
        return _prediction_of(model, images.to(dtype))

    return make


def stock(dtype: torch.dtype, attention: str = "sdpa", channels_last: bool = False, compiled: bool = False) -> Peer:
    def make(folder: Path, images: Tensor, threads: int) -> Predict:
        model: Any = StockModel.from_pretrained(
            folder, dtype=dtype, attn_implementation={"backbone_config": attention}
        )
        model.eval()
        images = images.to(dtype)
        if channels_last:
            model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
        return _prediction_of(torch.compile(model) if compiled else model, images)

    return make


class _OnlyDepth(torch.nn.Module):
    """A stock model that gives a tensor, for exporters."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        model: Any = StockModel.from_pretrained(folder, attn_implementation={"backbone_config": "sdpa"})
        self.model: Any = model.eval()

    def forward(self, images: Tensor) -> Tensor:
        predicted: Tensor = self.model(images).predicted_depth
        return predicted


def _export(folder: Path) -> Path:
    return folder / "model.onnx"


def exporter(folder: Path, shape: tuple[int, int, int]) -> Callable[[], None]:
    """A function that writes the stock model as an ONNX file for images (batch, height, width), beside the model."""

    def export() -> None:
        torch.onnx.export(
            _OnlyDepth(folder),
            (images(*shape),),
            _export(folder),
            input_names=["images"],
            output_names=["depth"],
            dynamo=True,
            verbose=False,
        )

    return export


def onnx_runtime(folder: Path, images: Tensor, threads: int) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Between runs its threads would take the processors from the other contenders.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(str(_export(folder)), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images.numpy()}
    return lambda: torch.from_numpy(session.run(None, feed)[0])


def openvino(precision: str) -> Peer:
    def make(folder: Path, images: Tensor, threads: int) -> Predict:
        import openvino

        options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": tempfile.gettempdir(),
        }
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(str(_export(folder))), "CPU", options)
        array = images.numpy()
        return lambda: torch.from_numpy(compiled([array])[0].copy())

    return make


# Name -> format, precision, and whether the size is fixed.
EXPORTED = {
    "exported_openvino": ("openvino", "float32", False),
    "exported_openvino_fixed": ("openvino", "float32", True),
    "exported_openvino_bf16": ("openvino", "bfloat16", False),
    "exported_openvino_bf16_fixed": ("openvino", "bfloat16", True),
    "exported_openvino_int8": ("openvino", "int8", False),
    "exported_openvino_int8_fixed": ("openvino", "int8", True),
    "exported_openvino_int8_weights": ("openvino", "int8-weights", False),
    "exported_openvino_int8_weights_fixed": ("openvino", "int8-weights", True),
    "exported_onnx": ("onnx", "float32", False),
    "exported_onnx_int8": ("onnx", "int8", False),
    "exported_onnx_int8_static": ("onnx", "int8-static", False),
    "exported_onnx_int8_weights": ("onnx", "int8-weights", False),
}
CALIBRATION_PICTURES = 50


def _exported_file(name: str, folder: Path, shape: tuple[int, int, int]) -> Path:
    format, _, is_fixed = EXPORTED[name]
    size = f"_{shape[1]}x{shape[2]}" if is_fixed else ""
    return folder / "exported" / f"{name}{size}{FORMATS[format].suffix}"


def write_exported(name: str, folder: Path, shape: tuple[int, int, int]) -> Callable[[], None]:
    """A function that writes the file of a peer with its report, unless it is there."""
    format, precision, is_fixed = EXPORTED[name]
    path = _exported_file(name, folder, shape)

    def write() -> None:
        if path.is_file():
            return
        DepthAnythingImageProcessor().save_pretrained(folder)
        needs_pictures = FORMATS[format].quantized.get(precision, False)
        export_model(
            folder,
            path,
            format=format,
            precision=precision,
            size=shape[1:] if is_fixed else None,
            calibration=_made_up_pictures(folder / "pictures") if needs_pictures else None,
            # Whether random weights survive 8 bits says nothing.
            force=precision.startswith("int8"),
        )

    return write


def _made_up_pictures(folder: Path) -> Path:
    """Pictures like those that are predicted, but others."""
    folder.mkdir(exist_ok=True)
    processor = DepthAnythingImageProcessor()
    for number in range(CALIBRATION_PICTURES):
        pixels = images(1, 518, 518, seed=1 + number)[0].permute(1, 2, 0).numpy()
        values = (pixels * np.array(processor.image_std) + np.array(processor.image_mean)) * 255
        Image.fromarray(values.clip(0, 255).round().astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


def exported(name: str) -> Peer:
    def make(folder: Path, images: Tensor, threads: int) -> Predict:
        batch, _, height, width = images.shape
        runner = open_exported(_exported_file(name, folder, (batch, height, width)), threads=threads)
        array = images.numpy()
        return lambda: torch.from_numpy(runner(array))

    return make


PEERS: dict[str, Peer] = {
    "stock": stock(torch.float32),
    "stock_eager": stock(torch.float32, "eager"),
    "stock_channels_last": stock(torch.float32, channels_last=True),
    "stock_compiled": stock(torch.float32, compiled=True),
    "stock_bf16": stock(torch.bfloat16),
    "stock_bf16_eager": stock(torch.bfloat16, "eager"),
    "stock_bf16_compiled": stock(torch.bfloat16, compiled=True),
    "onnxruntime": onnx_runtime,
    "openvino": openvino("f32"),
    "openvino_bf16": openvino("bf16"),
    **{name: exported(name) for name in EXPORTED},
    "ours": ours(torch.float32),
    "ours_bf16": ours(torch.bfloat16),
    "ours_compiled": ours(torch.float32, compiled=True),
}

ENGINES = ("onnxruntime", "openvino")


def needs_export(names: list[str]) -> bool:
    return any(name.startswith(ENGINES) for name in names)


def open_peer(name: str, folder: Path, shape: tuple[int, int, int], threads: int) -> Predict:
    """The function that predicts images (batch, height, width) by the way of this name."""
    return PEERS[bare(name)](folder, images(*shape), threads)
