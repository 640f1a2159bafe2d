# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""8-bit OpenVINO graphs by NNCF: everything but what must stay in floating point, or the weights alone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from .quantization_layers import Kind, Operation, float_layers
from .telemetry import without_telemetry


_KINDS: dict[str, Kind] = {
    "Parameter": "input",
    "ShapeOf": "shape",
    "Convolution": "convolution",
    "GroupConvolution": "convolution",
    "ConvolutionBackpropData": "convolution",
    "MatMul": "product",
}


def quantize(model: Any, precision: str, images: Sequence[np.ndarray]) -> Any:
    """Return an `openvino.Model` in 8 bits.

    OpenVINO 2026.4 computes an 8-bit convolution without bias wrongly if its result is read in more than one place:
    one of the readers gets it multiplied by its scale once more, which leaves next to nothing. These convolutions, the
    head, the patch embedding and the positions stay in floating point.

    Args:
        model: `openvino.Model` in float32 with one input.
        precision: "int8", or "int8-weights", for which no images are needed.
        images: float32 (1, 3, H, W), normalized, to calibrate with.
    """
    nncf = _import_nncf()
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    # Its progress is no output of a command.
    with redirect_stdout(sys.stderr), without_telemetry():
        if precision == "int8-weights":
            return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
        left_out = float_layers(operations(model), model.get_results()[0].get_friendly_name())
        return nncf.quantize(
            model,
            nncf.Dataset(images),
            # Symmetric: OpenVINO rounds zero points of activations, and maps come out farther off.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            # Scales of activations are moved into weights, and attention keeps its softmax.
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(images),
            # The widest range of all pictures: means of ranges, its default, leave the student twice as far off.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
            ),
            # Names of what it would not quantize anyway are an error otherwise.
            ignored_scope=nncf.IgnoredScope(names=sorted(left_out), validate=False),
        )


def operations(model: Any) -> list[Operation]:
    """Describe the operations of an `openvino.Model`, each behind those that it reads."""
    return [
        Operation(
            node.get_friendly_name(),
            _KINDS.get(node.get_type_name(), "other"),
            tuple(node.input_value(index).get_node().get_friendly_name() for index in range(node.get_input_size())),
        )
        for node in model.get_ordered_ops()
    ]


def _import_nncf() -> Any:
    with without_telemetry():
        import nncf
    nncf.set_log_level(logging.ERROR)
    return nncf
