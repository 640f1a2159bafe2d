# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the image processor in NumPy, OpenCV and Pillow alone, which are imported in no time.

Engines other than PyTorch are ready before PyTorch and transformers would be.
"""

from __future__ import annotations

import math
import numbers
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ..utils.option_errors import OptionError


def size_of(processor: Any) -> int | None:
    """Return the height that a processor resizes to; None if it keeps the size."""
    size = getattr(processor, "size", None)
    height = size.get("height") if isinstance(size, dict) else getattr(size, "height", None)
    return None if height is None else int(height)


def check_input_size(name: str, input_size: Any, multiple: int) -> None:
    """Check a side that images are to be resized to.

    Args:
        name: of the model, for the message.
        input_size: in pixels.
        multiple: sides are multiples of it.

    Raises:
        OptionError: it does not fit.
    """
    if isinstance(input_size, bool) or not isinstance(input_size, numbers.Integral):
        raise OptionError(f"input size must be a whole number of pixels, got {input_size!r}")
    if input_size < 1 or input_size % multiple:
        nearest = max(1, round(int(input_size) / multiple)) * multiple
        raise OptionError(
            f"input size {input_size} does not fit {name}: it must be a positive multiple of {multiple}, e.g. "
            f"{nearest}"
        )


def lower_bound_size(
    height: int, width: int, *, target: tuple[int, int], multiple: int, keep_aspect_ratio: bool
) -> tuple[int, int]:
    """Compute the height and width to which the authors' code resizes an image (`Resize` with "lower_bound").

    Both sides are at least `target` and are rounded to the nearest multiple, or up where that would fall below it.
    """
    scales = (target[0] / height, target[1] / width)
    if keep_aspect_ratio:
        scales = (max(scales), max(scales))

    def fit(length: float, at_least: int) -> int:
        rounded = round(length / multiple) * multiple
        return rounded if rounded >= at_least else math.ceil(length / multiple) * multiple

    return fit(scales[0] * height, target[0]), fit(scales[1] * width, target[1])


def stock_size(
    height: int, width: int, *, target: tuple[int, int], multiple: int, keep_aspect_ratio: bool
) -> tuple[int, int]:
    """Compute the height and width to which `DPTImageProcessor` of transformers resizes an image.

    Of the two scales the one nearer to 1 holds for both sides, and sides are rounded to the nearest multiple.

    Raises:
        ValueError: a side would be rounded to 0.
    """
    scales = (target[0] / height, target[1] / width)
    if keep_aspect_ratio:
        # As there, a tie goes to the height.
        scales = (scales[1],) * 2 if abs(1 - scales[1]) < abs(1 - scales[0]) else (scales[0],) * 2
    resized = (round(scales[0] * height / multiple) * multiple, round(scales[1] * width / multiple) * multiple)
    if min(resized) < 1:
        raise ValueError(
            f"images are {height}x{width}, too narrow: resized to {resized[0]}x{resized[1]}, in multiples of "
            f"{multiple} pixels; crop the longer side"
        )
    return resized


def prepare_with_pillow(
    image: np.ndarray,
    *,
    size: tuple[int, int],
    resample: int,
    rescale_factor: float,
    image_mean: Any,
    image_std: Any,
    keep_aspect_ratio: bool,
    ensure_multiple_of: int,
) -> np.ndarray:
    """Resize, rescale and normalize as transformers' `DPTImageProcessor` does, to the bit.

    Args:
        image: uint8 (H, W, 3).
        size: height and width to resize to, by the rule of `stock_size`.
        resample: Pillow's filter.
        rescale_factor: of the bytes.
        image_mean: of each channel.
        image_std: of each channel.
        keep_aspect_ratio: see `stock_size`.
        ensure_multiple_of: likewise.

    Returns:
        float32 (3, h, w).
    """
    height, width = stock_size(
        *image.shape[:2], target=size, multiple=ensure_multiple_of, keep_aspect_ratio=keep_aspect_ratio
    )
    resized = np.asarray(Image.fromarray(image).resize((width, height), resample=Image.Resampling(resample)))
    # A resized 8-bit image has 256 values per channel.
    values = (np.arange(256, dtype=np.float64)[:, None] * rescale_factor).astype(np.float32)
    channels = image.shape[2]
    mean = np.broadcast_to(np.array(image_mean, dtype=np.float32), channels)
    deviation = np.broadcast_to(np.array(image_std, dtype=np.float32), channels)
    table = ((values - mean) / deviation)[None]
    return np.ascontiguousarray(cv2.LUT(resized, table).transpose(2, 0, 1))


def prepare_with_opencv(
    image: np.ndarray,
    *,
    do_resize: bool,
    size: Any,
    do_rescale: bool,
    rescale_factor: float,
    do_normalize: bool,
    image_mean: Any,
    image_std: Any,
    keep_aspect_ratio: bool,
    ensure_multiple_of: int,
    **_: Any,
) -> np.ndarray:
    """(C, H, W) of any type -> float32 (C, h, w), resized, rescaled and normalized."""
    channels = len(image)
    values, middle = _as_floats(image.transpose(1, 2, 0))
    if do_resize:
        if size.height is None or size.width is None:
            raise ValueError(f"size must have a height and a width, in pixels, got {dict(size)}")
        height, width = lower_bound_size(
            *values.shape[:2],
            target=(size.height, size.width),
            multiple=ensure_multiple_of,
            keep_aspect_ratio=keep_aspect_ratio,
        )
        with _without_ipp():
            # OpenCV drops the channel axis of a map with a single channel.
            values = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, -1)
    factor = rescale_factor if do_rescale else 1.0
    mean = _one_for_each_channel("image_mean", image_mean if do_normalize else 0.0, channels)
    deviation = _one_for_each_channel("image_std", image_std if do_normalize else 1.0, channels)
    # The weights of the interpolation sum to one, so rescaling and normalization are one factor and one summand.
    gain = (factor / deviation).astype(values.dtype)
    offset = ((middle * factor - mean) / deviation).astype(values.dtype)
    prepared = np.empty((channels, *values.shape[:2]), dtype=np.float32)
    for channel, plane in enumerate(prepared):
        np.multiply(values[..., channel], gain[channel], out=plane)
        plane += offset[channel]
    return prepared


class _Buffers(threading.local):
    """Memory of one thread, reused for image after image: allocating it anew costs more than filling it."""

    floats = np.empty(0, dtype=np.float32)

    def shaped(self, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape)
        if self.floats.size < size:
            self.floats = np.empty(size, dtype=np.float32)
        return self.floats[:size].reshape(shape)


_buffers = _Buffers()


def _as_floats(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Convert an image (H, W, C) to floating point; return it, valid until this thread's next image, and the offset.

    Bytes become float32 around zero, where it has twice the precision; anything else becomes float64.
    """
    if image.dtype != np.uint8:
        return image.astype(np.float64), 0.0
    floats = _buffers.shaped(image.shape)
    # A byte with its first bit flipped is, read as a signed one, the value less 128.
    np.copyto(floats, np.bitwise_xor(image, 128).view(np.int8))
    return floats, 128.0


@contextmanager
def _without_ipp() -> Iterator[None]:
    """Make OpenCV, in this thread, compute as it does for float64.

    Intel's IPP, which it uses for float32 where it has it, rounds sampling positions differently: the network's input
    then differs by up to 4e-4.
    """
    in_use = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP(in_use)


def _one_for_each_channel(name: str, values: Any, channels: int) -> np.ndarray:
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if given.shape not in ((1,), (channels,)):
        raise ValueError(f"{name} has {given.size} values, expected one or {channels}, one for each channel")
    return np.broadcast_to(given, channels)
