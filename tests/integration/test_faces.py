# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The faces of the rooms whose names are imported when first used: all are there, and imports stay light."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest


ROOMS = (
    "conversion",
    "evaluation",
    "geometry",
    "hub",
    "metrics",
    "pseudo_labels",
    "rendering",
    "visualization",
)
HEAVY = ("accelerate", "cv2", "datasets", "mitsuba", "pyarrow", "torch", "transformers")


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_is_that_of_the_file_that_defines_it(room: str) -> None:
    face = import_module(f"depth_anything_hf.{room}")
    assert sorted(face._MODULES) == sorted(face.__all__)
    for name, module in face._MODULES.items():
        assert name in dir(face)
        value = getattr(face, name)
        assert value is getattr(import_module(f"depth_anything_hf.{room}.{module}"), name)
        # Constants and types do not say where they are defined.
        assert getattr(value, "__module__", f".{room}.{module}").endswith((f".{room}.{module}", "typing", "builtins"))
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        face.absent  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        *((f"import depth_anything_hf.{room}", set()) for room in ROOMS),
        ("from depth_anything_hf.metrics import METRICS", set()),
        ("from depth_anything_hf.evaluation import PROTOCOLS", set()),
        ("from depth_anything_hf.metrics import depth_metrics, boundary_f1", {"torch", "cv2"}),
        ("from depth_anything_hf.visualization import colour_map, encode_png, sheet", {"cv2"}),
        ("from depth_anything_hf.rendering import render_dataset", {"cv2"}),
        ("from depth_anything_hf.hub import write_model_card, Publisher", set()),
        ("from depth_anything_hf.pseudo_labels import verify_labels, push_labels", {"cv2", "datasets", "pyarrow"}),
    ],
)
def test_nothing_heavy_is_imported_in_vain(statement: str, allowed: set[str]) -> None:
    code = f"import sys\n{statement}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= allowed
