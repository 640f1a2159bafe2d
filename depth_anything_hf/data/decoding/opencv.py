# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode encoded pictures and maps with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np


def decode_with_opencv(content: bytes, flags: int = cv2.IMREAD_UNCHANGED) -> np.ndarray | None:
    """Return the pixels (H, W) or (H, W, channels) as `cv2.imdecode` does; None where OpenCV cannot decode them."""
    try:
        return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flags)
    except cv2.error:
        return None
