# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Refuse small files that would fill the memory."""

from __future__ import annotations

from PIL import Image

from .errors import UnreadableImageError


def check_pixel_count(count: int, name: str) -> None:
    """Refuse a map of too many values, by the limit that Pillow has for images.

    Raises:
        UnreadableImageError: more values than twice `PIL.Image.MAX_IMAGE_PIXELS`; the message starts with `name`.
    """
    if Image.MAX_IMAGE_PIXELS is not None and count > 2 * Image.MAX_IMAGE_PIXELS:
        raise UnreadableImageError(
            f"{name}: {count} values are more than the limit of {2 * Image.MAX_IMAGE_PIXELS}. If you trust the file, "
            "raise PIL.Image.MAX_IMAGE_PIXELS; the limit is twice that."
        )
