# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Exported files run on a GPU: ONNX in ONNX Runtime's CUDA provider, programs of torch moved there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from on_gpu import DEVICE, ON_GPU
from torch.export.passes import move_to_device_pass

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.export import export_model


pytestmark = ON_GPU

SIZES = [(56, 56), (42, 98)]
# As a share of the range; kernels of a GPU sum in another order.
TOLERANCE = 5e-5
PROVIDER = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}[DEVICE.type]


@pytest.fixture(autouse=True)
def full_float32() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def images_of(size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(sum(size)))


@torch.inference_mode()
def difference(folder: Path, size: tuple[int, int], found: np.ndarray) -> float:
    """To the model on the CPU, as a share of the range."""
    expected = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()(images_of(size)).predicted_depth.numpy()
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.ptp(expected))


@pytest.mark.slow
def test_a_program_of_torch_gives_the_maps_of_the_model(
    tmp_path: Path, save_model: Any, record_property: Callable[[str, object], None]
) -> None:
    folder = save_model()
    program = torch.export.load(export_model(folder, tmp_path / "model.pt2", format="torch"))
    module = move_to_device_pass(program, DEVICE).module()
    for size in SIZES:
        with torch.no_grad():
            found = module(images_of(size).to(DEVICE)).cpu().numpy()
        share = difference(folder, size, found)
        record_property(f"{size[0]}x{size[1]}", share)
        assert share <= TOLERANCE, size


@pytest.mark.slow
def test_onnx_runtime_gives_the_maps_of_the_model(
    tmp_path: Path, save_model: Any, record_property: Callable[[str, object], None]
) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    if PROVIDER not in onnxruntime.get_available_providers():
        pytest.skip(f"this build of ONNX Runtime has no {PROVIDER}")
    folder = save_model()
    path = export_model(folder, tmp_path / "model.onnx", format="onnx")
    options = {"use_tf32": "0"} if DEVICE.type == "cuda" else {}
    session = onnxruntime.InferenceSession(path, providers=[(PROVIDER, options)])
    # What CUDA's libraries lack makes ONNX Runtime go on with the CPU in silence.
    assert session.get_providers()[0] == PROVIDER
    for size in SIZES:
        (found,) = session.run(None, {"pixel_values": images_of(size).numpy()})
        share = difference(folder, size, found)
        record_property(f"{size[0]}x{size[1]}", share)
        assert share <= TOLERANCE, size
