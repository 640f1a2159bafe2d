# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""8-bit OpenVINO graphs: what an engine computes wrongly stays in floating point, and whole files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


openvino = pytest.importorskip("openvino")
pytest.importorskip("nncf")

from depth_anything_hf.export import export_model, open_exported  # noqa: E402
from depth_anything_hf.export.quantization_openvino import operations, quantize  # noqa: E402


CHANNELS = 8
pytestmark = pytest.mark.filterwarnings("ignore")


def residual_unit() -> Any:
    """A convolution without bias that a residual unit and the sum behind it read, between one before and one after."""
    from openvino import opset13 as op

    random = np.random.default_rng(0)
    images = op.parameter([-1, 3, -1, -1], np.float32)

    def convolution(values: Any, inputs: int, bias: bool) -> Any:
        weights = (random.standard_normal((CHANNELS, inputs, 3, 3)) / np.sqrt(9 * inputs)).astype(np.float32)
        result = op.convolution(values, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
        added = random.standard_normal((1, CHANNELS, 1, 1)).astype(np.float32)
        return op.add(result, op.constant(added)) if bias else result

    before = op.relu(convolution(images, 3, True))
    branch = convolution(before, CHANNELS, False)
    unit = convolution(op.relu(convolution(op.relu(branch), CHANNELS, True)), CHANNELS, True)
    return openvino.Model([op.result(convolution(op.add(unit, branch), CHANNELS, True))], [images], "unit")


def test_a_convolution_read_twice_is_right_in_8_bits() -> None:
    images = [
        np.random.default_rng(index).standard_normal((1, 3, 20, 20 + index)).astype(np.float32) for index in range(9)
    ]
    core, options = openvino.Core(), {"INFERENCE_PRECISION_HINT": "f32"}
    expected = core.compile_model(residual_unit(), "CPU", options)([images[-1]])[0].copy()
    quantized = quantize(residual_unit(), "int8", images[:-1])
    kinds = [node.get_type_name() for node in quantized.get_ops()]
    assert kinds.count("FakeQuantize") == 2, "the unit's own two convolutions are in 8 bits"
    found = core.compile_model(quantized, "CPU", options)([images[-1]])[0]
    assert np.abs(found - expected).mean() / np.ptp(expected) < 0.01
    assert [each.kind for each in operations(residual_unit())].count("convolution") == 5


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["int8", "int8-weights"])
def test_exported_files_are_small_free_and_checked_on_held_out_pictures(
    precision: str, save_model: Any, photographs: Path, tmp_path: Path
) -> None:
    folder = save_model()
    in_float = export_model(folder, tmp_path / "out", format="openvino")
    path = export_model(folder, tmp_path / "out", format="openvino", precision=precision, calibration=photographs)
    content = json.loads(path.with_name(path.name + ".parity.json").read_text(encoding="utf-8"))
    assert content["accepted"] and content["mean"] < 0.05
    assert content["own_images"]["images"] == 10 and content["own_images"]["order"] > 0.995
    assert content["metadata"]["calibration"] == {
        "source": "photographs", "images": 40, "held_out": 10, "seed": 0, "skipped": []
    }  # fmt: skip
    assert "none of them used to calibrate" in path.with_name(path.name + ".parity.md").read_text(encoding="utf-8")
    assert path.with_suffix(".bin").stat().st_size < 0.5 * in_float.with_suffix(".bin").stat().st_size
    assert open_exported(path)(np.zeros((2, 3, 42, 84), np.float32)).shape == (2, 42, 84)
