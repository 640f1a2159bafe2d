# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""8-bit ONNX files by ONNX Runtime: linear layers alone, their weights alone, or all but the head, calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ..utils.quiet import hide_logged_warnings, keep_root_logger
from .inputs import PIXEL_VALUES
from .quantization_layers import Kind, Operation, float_layers


with keep_root_logger():
    # The latter calls `logging.basicConfig`.
    from onnxruntime import quantization
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

# Weights of a linear layer that share a scale.
BLOCK = 32
_KINDS: dict[str, Kind] = {
    "Shape": "shape",
    "Conv": "convolution",
    "ConvTranspose": "convolution",
    "MatMul": "product",
    "Gemm": "product",
}


def quantize(source: Path, target: Path, precision: str, images: Sequence[np.ndarray]) -> None:
    """Write an ONNX file in 8 bits; its metadata stay.

    Args:
        source: ONNX file in float32.
        target: file to write.
        precision: "int8", linear layers whose activations get their scales at each call; "int8-weights", the weights
            of linear layers alone, by ONNX Runtime's own operation `MatMulNBits`; or "int8-static", all but the head,
            the patch embedding and the positions, with the scales of the images.
        images: float32 (1, 3, H, W), normalized, to calibrate "int8-static" with.
    """
    # It advises to prepare graphs, which fails with free sizes, and names layers that it leaves.
    with hide_logged_warnings():
        if precision == "int8":
            quantization.quantize_dynamic(source, target, op_types_to_quantize=["MatMul"], per_channel=True)
        elif precision == "int8-weights":
            blocks = MatMulNBitsQuantizer(onnx.load(source), bits=8, block_size=BLOCK)
            blocks.process()
            blocks.model.save_model_to_file(str(target), False)
        else:
            model = onnx.load(source)
            found = float_layers(operations(model), _producers(model)[model.graph.output[0].name])
            # ONNX Runtime computes convolutions with several readers right.
            left_out = [name for name, reason in found.items() if reason != "branches"]
            quantization.quantize_static(
                source,
                target,
                _Images(images),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "MatMul"],
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                nodes_to_exclude=left_out,
            )


def operations(model: onnx.ModelProto) -> list[Operation]:
    """Describe the operations of an ONNX graph, each behind those that it reads."""
    producers = _producers(model)
    inputs = [Operation(producers[each.name], "input", ()) for each in model.graph.input]
    return inputs + [
        Operation(
            node.name,
            _KINDS.get(node.op_type, "other"),
            tuple(producers[name] for name in node.input if name in producers),
            has_bias=len(node.input) > 2,
        )
        for node in model.graph.node
    ]


def _producers(model: onnx.ModelProto) -> dict[str, str]:
    """Return the operation that each value comes from; weights come from none."""
    found = {name: node.name for node in model.graph.node for name in node.output}
    return found | {each.name: f"input {each.name}" for each in model.graph.input}


class _Images(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Images one after the other, as ONNX Runtime asks for them."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._rest = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        image = next(self._rest, None)
        return None if image is None else {PIXEL_VALUES: image}
