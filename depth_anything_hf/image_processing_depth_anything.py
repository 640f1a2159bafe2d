# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image processor: the resize rule and ImageNet normalisation, saved as stock's `DPTImageProcessor`."""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from torch.nn import functional as F
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, SizeDict
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorKwargs, DPTImageProcessorPil


PATCH_SIZE = 14
PAPER_INPUT_SIZE = 518
INTERPOLATIONS = ("pillow", "opencv")
UPSAMPLINGS = ("bilinear", "bicubic", None)


class DepthAnythingImageProcessorKwargs(DPTImageProcessorKwargs, total=False):
    """Stock's settings and the two of this package."""

    interpolation: Literal["pillow", "opencv"]
    upsampling: Literal["bilinear", "bicubic"] | None


class DepthAnythingImageProcessor(DPTImageProcessorPil):
    """Stock's processor on its PIL backend, with Depth Anything's settings as defaults.

    The image is resized so that one side becomes `size` (the side that needs the smaller change, which is the shorter
    one for ordinary photographs larger than `size`), the aspect ratio is kept, and both sides are rounded to a
    multiple of 14. torchvision is neither needed nor used.

    Two settings are not stock's, which keeps them in its files without using them:

    Attributes:
        interpolation: "pillow" resizes the 8-bit image as stock does. "opencv" is the authors' preparation
            (`image2tensor` of their code): `cv2.INTER_CUBIC` on the image as float64 in 0..1, and both sides become at
            least `size`, also where the image is smaller.
        upsampling: how predictions come back to the image's size: "bilinear" with aligned corners, as in the authors'
            code, or "bicubic", as in stock. None leaves it to who asks: `post_process_depth_estimation` does what
            stock does, and `DepthPredictor` what the authors do.

    Raises:
        ValueError: another `interpolation` or `upsampling`.
    """

    valid_kwargs = DepthAnythingImageProcessorKwargs
    size = {"height": PAPER_INPUT_SIZE, "width": PAPER_INPUT_SIZE}
    image_mean = IMAGENET_DEFAULT_MEAN
    image_std = IMAGENET_DEFAULT_STD
    ensure_multiple_of = PATCH_SIZE
    keep_aspect_ratio = True
    interpolation = "pillow"
    upsampling = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check_choice("interpolation", self.interpolation, INTERPOLATIONS)
        _check_choice("upsampling", self.upsampling, UPSAMPLINGS)

    @classmethod
    def for_input_size(cls, side: int, **kwargs: Any) -> DepthAnythingImageProcessor:
        """A processor for models trained on images whose side is `side` pixels; `kwargs` are other settings.

        Raises:
            ValueError: `side` is not a positive multiple of 14.
        """
        if side < PATCH_SIZE or side % PATCH_SIZE:
            raise ValueError(
                f"input size {side} is not a positive multiple of {PATCH_SIZE}; the nearest is "
                f"{max(1, round(side / PATCH_SIZE)) * PATCH_SIZE}"
            )
        return cls(size={"height": side, "width": side}, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The saved form: stock's class name, so that `AutoImageProcessor` opens it without this package."""
        saved = super().to_dict()
        saved["image_processor_type"] = "DPTImageProcessor"
        return saved

    def post_process_depth_estimation(self, outputs: Any, target_sizes: Any | None = None) -> list[dict[str, Any]]:
        """Predictions at the images' sizes.

        Args:
            outputs: output of the model; `predicted_depth` is (B, h, w).
            target_sizes: (height, width) of each image; None keeps the model's size.

        Returns:
            For each image {"predicted_depth": (height, width)}, interpolated as `upsampling` says.

        Raises:
            ValueError: not one size for each image.
        """
        maps = outputs.predicted_depth
        if self.upsampling != "bilinear" or target_sizes is None:
            return super().post_process_depth_estimation(outputs, target_sizes)
        if len(maps) != len(target_sizes):
            raise ValueError(f"got {len(maps)} predictions, but {len(target_sizes)} target sizes")
        return [
            {"predicted_depth": upsample_bilinear(one, (int(height), int(width)))}
            for one, (height, width) in zip(maps, target_sizes, strict=True)
        ]

    def _preprocess(  # type: ignore[override]
        self, images: list[np.ndarray], interpolation: str = "pillow", **kwargs: Any
    ) -> list[np.ndarray]:
        """Channels-first arrays in, channels-first arrays out; stock's steps but for the resizing."""
        _check_choice("interpolation", interpolation, INTERPOLATIONS)
        if interpolation == "pillow":
            return list(super()._preprocess(images, **kwargs))
        resized = [_resize_with_opencv(image, **kwargs) for image in images]
        remaining = {**kwargs, "do_rescale": False, "do_resize": False}
        return [image.astype(np.float32) for image in super()._preprocess(resized, **remaining)]


def lower_bound_size(
    height: int, width: int, *, target: tuple[int, int], multiple: int, keep_aspect_ratio: bool
) -> tuple[int, int]:
    """Height and width to which the authors' code resizes an image (`Resize` with "lower_bound").

    Both sides are at least `target` and are rounded to the nearest multiple, or up where that would fall below it.
    """
    scales = (target[0] / height, target[1] / width)
    if keep_aspect_ratio:
        scales = (max(scales), max(scales))

    def fit(length: float, at_least: int) -> int:
        rounded = round(length / multiple) * multiple
        return rounded if rounded >= at_least else math.ceil(length / multiple) * multiple

    return fit(scales[0] * height, target[0]), fit(scales[1] * width, target[1])


def upsample_bilinear(one: Any, size: tuple[int, int]) -> Any:
    """A map (h, w) at another (height, width), with aligned corners."""
    return F.interpolate(one[None, None], size=size, mode="bilinear", align_corners=True)[0, 0]


def _resize_with_opencv(
    image: np.ndarray,
    *,
    do_resize: bool,
    size: SizeDict,
    do_rescale: bool,
    rescale_factor: float,
    keep_aspect_ratio: bool,
    ensure_multiple_of: int,
    **_: Any,
) -> np.ndarray:
    """(C, H, W) of any type -> float64 (C, h, w), rescaled before it is resized."""
    values = image.astype(np.float64).transpose(1, 2, 0)
    if do_rescale:
        values = values * rescale_factor
    if do_resize:
        if size.height is None or size.width is None:
            raise ValueError(f"size must have a height and a width, got {dict(size)}")
        height, width = lower_bound_size(
            *values.shape[:2],
            target=(size.height, size.width),
            multiple=ensure_multiple_of,
            keep_aspect_ratio=keep_aspect_ratio,
        )
        # OpenCV drops the channel axis of a map with a single channel.
        resized = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
        values = np.asarray(resized, np.float64).reshape(height, width, -1)
    return values.transpose(2, 0, 1)


def _check_choice(name: str, value: Any, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")
