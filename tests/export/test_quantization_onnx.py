# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""8-bit ONNX files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from depth_anything_hf.export import export_model, open_exported  # noqa: E402


def test_the_users_logging_stays_as_it_is() -> None:
    code = """
import logging
from depth_anything_hf.export import quantization_onnx
assert not logging.root.handlers and logging.root.level == logging.WARNING, (logging.root.handlers, logging.root)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "precision", ["int8", *(pytest.param(each, marks=pytest.mark.long) for each in ("int8-static", "int8-weights"))]
)
def test_exported_files_are_free_and_checked_on_held_out_pictures(
    precision: str, save_model: Any, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    path = export_model(save_model(), tmp_path / "out", precision=precision, calibration=photographs)
    content = json.loads(path.with_name(path.name + ".parity.json").read_text(encoding="utf-8"))
    assert content["accepted"] and content["mean"] < 0.05
    assert content["own_images"]["images"] == 10 and content["own_images"]["order"] > 0.995
    opened = open_exported(path)
    assert opened.metadata["precision"] == precision and opened.metadata["prediction_kind"] == "disparity"
    assert opened(np.zeros((2, 3, 42, 84), np.float32)).shape == (2, 42, 84)
    # What is in 8 bits, and that quantizers leave nothing behind.
    stored = {each.data_type for each in onnx.load(path).graph.initializer}
    assert stored & {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    assert not list((tmp_path / "work").iterdir())
    assert sorted(each.name for each in path.parent.iterdir()) == [
        path.name, f"{path.name}.parity.json", f"{path.name}.parity.md"
    ]  # fmt: skip
