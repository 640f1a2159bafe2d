# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image processor: the resize rule and ImageNet normalisation, saved as stock's `DPTImageProcessor`."""

from __future__ import annotations

from typing import Any

from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil


PATCH_SIZE = 14
PAPER_INPUT_SIZE = 518


class DepthAnythingImageProcessor(DPTImageProcessorPil):
    """Stock's processor on its PIL backend, with Depth Anything's settings as defaults.

    The image is resized so that one side becomes `size` (the side that needs the smaller change, which is the shorter
    one for ordinary photographs larger than `size`), the aspect ratio is kept, and both sides are rounded to a
    multiple of 14. torchvision is neither needed nor used.
    """

    size = {"height": PAPER_INPUT_SIZE, "width": PAPER_INPUT_SIZE}
    image_mean = IMAGENET_DEFAULT_MEAN
    image_std = IMAGENET_DEFAULT_STD
    ensure_multiple_of = PATCH_SIZE
    keep_aspect_ratio = True

    @classmethod
    def for_input_size(cls, side: int) -> DepthAnythingImageProcessor:
        """A processor for models trained on images whose side is `side` pixels.

        Raises:
            ValueError: `side` is not a positive multiple of 14.
        """
        if side < PATCH_SIZE or side % PATCH_SIZE:
            raise ValueError(
                f"input size {side} is not a positive multiple of {PATCH_SIZE}; the nearest is "
                f"{max(1, round(side / PATCH_SIZE)) * PATCH_SIZE}"
            )
        return cls(size={"height": side, "width": side})

    def to_dict(self) -> dict[str, Any]:
        """The saved form: stock's class name, so that `AutoImageProcessor` opens it without this package."""
        saved = super().to_dict()
        saved["image_processor_type"] = "DPTImageProcessor"
        return saved
