# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicting imports no library that only training or labelled data need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from depth_anything_hf import inference, losses, models


@pytest.mark.parametrize(
    "module", ["inference.predictor", "inference.calibration", "inference.measured_points", "models.loading"]
)
def test_predicting_needs_no_datasets(module: str) -> None:
    script = (
        f"import sys, depth_anything_hf.{module}\n"
        "print([name for name in ('datasets', 'pyarrow', 'pandas', 'typer', 'tensorboard') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


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
