# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicting imports no library that only training or labelled data need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_process
from tiny_predictors import SIDE

from depth_anything_hf import inference, losses, models


def test_predicting_needs_neither_datasets_nor_torchvision(checkpoint: Path) -> None:
    script = """
import sys
sys.modules["torchvision"] = None
import depth_anything_hf.inference.calibration, depth_anything_hf.inference.measured_points
from depth_anything_hf.inference.predictor import DepthPredictor
print([name for name in ("torch", "transformers") if name in sys.modules])
print(DepthPredictor.from_pretrained(sys.argv[1], device="cpu").input_size)
print([name for name in ("datasets", "pyarrow", "pandas", "typer", "tensorboard") if name in sys.modules])
"""
    done = run_process("-c", script, checkpoint)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", str(SIDE), "[]"]


@pytest.mark.parametrize("face", [inference, losses, models])
def test_a_face_imports_its_names_when_they_are_used(face) -> None:
    assert set(face.__all__) == set(face._MODULES) and set(face.__all__) <= set(dir(face))
    for name, module in face._MODULES.items():
        assert getattr(face, name).__module__ == f"{face.__name__}.{module}"
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'"):
        _ = face.nothing


@pytest.mark.parametrize("face", ["inference", "losses", "models", "cpu"])
def test_a_face_alone_is_quick(face: str) -> None:
    script = f"import sys, depth_anything_hf.{face}\nprint('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
