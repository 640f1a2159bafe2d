# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What images an exported file takes, by its metadata; others are refused before the engine gets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..models.image_preparation import lower_bound_size, stock_size


# Names of the input: normalized images, or bytes where preprocessing is a part of the file.
PIXEL_VALUES, IMAGES = "pixel_values", "images"
LARGEST_BATCH = 4096
# Rows and columns of patches. In fewer of them a map of the decoder has a single row, which PyTorch traces apart.
SMALLEST_GRID, LARGEST_GRID = 3, 1024
# Of images that the graph resizes.
SMALLEST_SIDE, LARGEST_SIDE = 2, 32768


def input_name(metadata: Mapping[str, Any]) -> str:
    """Return the name of the input: "images" or "pixel_values"."""
    return IMAGES if metadata.get("preprocessing") else PIXEL_VALUES


def check_images(images: np.ndarray, metadata: Mapping[str, Any]) -> None:
    """Check images that are given to an exported file.

    Args:
        images: float32 (B, 3, H, W), or uint8 (B, H, W, 3) where preprocessing is a part of the file.
        metadata: of the file.

    Raises:
        ValueError: of another type or shape, or a size that the file does not take.
    """
    has_preprocessing = bool(metadata.get("preprocessing"))
    dtype, channels = ("uint8", 3) if has_preprocessing else ("float32", 1)
    expected = "(batch, height, width, 3)" if has_preprocessing else "(batch, 3, height, width)"
    is_shaped = images.ndim == 4 and images.shape[channels] == 3 and 1 <= images.shape[0] <= LARGEST_BATCH
    if not is_shaped or str(images.dtype) != dtype:
        raise ValueError(f"images must be {dtype} {expected}, got {images.dtype} {images.shape}")
    if has_preprocessing:
        _check_sides((images.shape[1], images.shape[2]), metadata)
    else:
        _check_network_size((images.shape[2], images.shape[3]), metadata)


def _check_network_size(sides: tuple[int, int], metadata: Mapping[str, Any]) -> None:
    patch, size = metadata["patch_size"], metadata["size"]
    shown = "x".join(map(str, sides))
    if size is not None:
        if list(sides) != list(size):
            raise ValueError(f"images are {shown}, but the file was exported for {'x'.join(map(str, size))} only")
        return
    least, most = patch * SMALLEST_GRID, patch * LARGEST_GRID
    if any(side % patch or not least <= side <= most for side in sides):
        nearest = "x".join(str(min(most, max(least, round(side / patch) * patch))) for side in sides)
        raise ValueError(
            f"images are {shown}, but the file takes multiples of {patch} from {least} on; resize them, the nearest "
            f"is {nearest}"
        )


def _check_sides(sides: tuple[int, int], metadata: Mapping[str, Any]) -> None:
    shown = "x".join(map(str, sides))
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"images are {shown}, expected sides of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels")
    if metadata["size"] is not None or not metadata["keep_aspect_ratio"]:
        return
    rule = lower_bound_size if metadata["interpolation"] == "opencv" else stock_size
    patch, target = metadata["patch_size"], (metadata["input_size"][0], metadata["input_size"][1])
    resized = rule(*sides, target=target, multiple=metadata["ensure_multiple_of"], keep_aspect_ratio=True)
    if min(resized) < patch * SMALLEST_GRID:
        raise ValueError(
            f"images are {shown}, too narrow: resized to {'x'.join(map(str, resized))} for the network, which takes "
            f"{patch * SMALLEST_GRID} pixels a side or more; crop the longer one"
        )
