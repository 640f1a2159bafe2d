# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the Auto classes: stock's until someone asks for ours, and then ours for the whole process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tiny_model import TINY_SIDE_PIXELS, MakeModel

from depth_anything_hf import DepthAnythingImageProcessor


SCRIPT = """
import sys
import numpy as np
from PIL import Image
from transformers import AutoModelForDepthEstimation, pipeline
import depth_anything_hf

def kind():
    return type(AutoModelForDepthEstimation.from_pretrained(sys.argv[1])).__module__.split(".")[0]

picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (56, 56, 3), dtype=np.uint8))
before = kind(), pipeline("depth-estimation", model=sys.argv[1])(picture)["predicted_depth"]
depth_anything_hf.register_auto_classes()
depth_anything_hf.register_auto_classes()
after = kind(), pipeline("depth-estimation", model=sys.argv[1])(picture)["predicted_depth"]
print(before[0], after[0], float((before[1] - after[1]).abs().max()) < 1e-5)
"""


def test_auto_classes_are_replaced_only_when_asked(tmp_path: Path, make_tiny_model: MakeModel) -> None:
    make_tiny_model().save_pretrained(tmp_path)
    DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(tmp_path)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["transformers", "depth_anything_hf", "True"]
