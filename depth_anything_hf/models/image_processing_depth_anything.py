# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image processor: the resize rule and ImageNet normalization, saved as stock's `DPTImageProcessor`."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from torch.nn import functional as F
from transformers.image_utils import SizeDict
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorKwargs, DPTImageProcessorPil
from transformers.utils.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from .image_preparation import prepare_with_opencv, stock_size


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
        interpolation: "pillow" resizes the 8-bit image as stock does. "opencv" is the authors' preprocessing
            (`image2tensor` of their code): `cv2.INTER_CUBIC` on the image as float64 in 0..1, and both sides become at
            least `size`, also where the image is smaller. For 8-bit images it is computed in float32, within 1.1e-6
            of theirs.
        upsampling: how predictions are resized to the image's size: "bilinear" with aligned corners, as in the
            authors' code, or "bicubic", as in stock. None leaves it to the caller: `post_process_depth_estimation`
            does what stock does, and `DepthPredictor` what the authors do.

    Raises:
        ValueError: another `interpolation` or `upsampling`.
    """

    valid_kwargs = DepthAnythingImageProcessorKwargs
    size = {"height": PAPER_INPUT_SIZE, "width": PAPER_INPUT_SIZE}  # noqa: RUF012 - as stock declares it
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
        """Return a processor for models trained on images whose side is `side` pixels.

        Args:
            side: height and width in pixels.
            **kwargs: other settings.

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
        """Return the saved form, with stock's class name: `AutoImageProcessor` opens it without this package."""
        saved = super().to_dict()
        saved["image_processor_type"] = "DPTImageProcessor"
        return saved

    def post_process_depth_estimation(self, outputs: Any, target_sizes: Any | None = None) -> list[dict[str, Any]]:
        """Resize predictions to the images' sizes.

        Args:
            outputs: output of the model; `predicted_depth` is (B, h, w).
            target_sizes: (height, width) of each image; None keeps the model's size.

        Returns:
            For each image {"predicted_depth": (height, width)}, interpolated as `upsampling` says.

        Raises:
            ValueError: the number of sizes is not that of predictions.
        """
        maps = outputs.predicted_depth
        if self.upsampling != "bilinear" or target_sizes is None:
            resized: list[dict[str, Any]] = super().post_process_depth_estimation(outputs, target_sizes)
            return resized
        if len(maps) != len(target_sizes):
            raise ValueError(
                f"got {len(maps)} predictions, but {len(target_sizes)} target sizes; give one (height, width) for each"
            )
        return [
            {"predicted_depth": upsample_bilinear(one, (int(height), int(width)))}
            for one, (height, width) in zip(maps, target_sizes, strict=True)
        ]

    def resize(  # type: ignore[override]
        self,
        image: np.ndarray,
        size: SizeDict,
        resample: Any,
        ensure_multiple_of: int = 1,
        keep_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> np.ndarray:
        """Resize as stock does, which is silent about why a side of 0 pixels fails.

        Raises:
            ValueError: an image so narrow that a side would be rounded to 0, or a size without height and width.
        """
        if size.height is not None and size.width is not None:
            height, width = image.shape[-2:]
            target = (size.height, size.width)
            stock_size(height, width, target=target, multiple=ensure_multiple_of, keep_aspect_ratio=keep_aspect_ratio)
        resized: np.ndarray = super().resize(image, size, resample, ensure_multiple_of, keep_aspect_ratio, **kwargs)
        return resized

    def _preprocess(  # type: ignore[override]
        self, images: list[np.ndarray], interpolation: str = "pillow", **kwargs: Any
    ) -> list[np.ndarray]:
        """Channels-first arrays in, channels-first arrays out; stock's steps but for how they are computed."""
        _check_choice("interpolation", interpolation, INTERPOLATIONS)
        prepare = self._prepare_with_pillow if interpolation == "pillow" else prepare_with_opencv
        prepared = [prepare(image, **kwargs) for image in images]
        done = {"do_resize": False, "do_rescale": False, "do_normalize": False}
        return list(super()._preprocess(prepared, **{**kwargs, **done}))

    def _prepare_with_pillow(self, image: np.ndarray, **kwargs: Any) -> np.ndarray:
        """Compute stock's numbers to the bit, by a lookup table: a resized 8-bit image has 256 values per channel."""
        only_values: Any = {**kwargs, "do_resize": False, "do_pad": False}
        only_size: Any = {**kwargs, "do_rescale": False, "do_normalize": False, "do_pad": False}
        channels = len(image)
        if image.dtype != np.uint8 or channels not in (1, 3, 4):
            prepared: np.ndarray = super()._preprocess([image], **{**kwargs, "do_pad": False})[0]
            return prepared
        every_value = np.repeat(np.arange(256, dtype=np.uint8)[None, None], channels, axis=0)
        table = super()._preprocess([every_value], **only_values)[0]  # (C, 1, 256)
        resized = super()._preprocess([image], **only_size)[0].transpose(1, 2, 0)
        looked_up = cv2.LUT(np.ascontiguousarray(resized), np.ascontiguousarray(table.transpose(2, 1, 0)))
        return looked_up.reshape(resized.shape).transpose(2, 0, 1)


def upsample_bilinear(one: Any, size: tuple[int, int]) -> Any:
    """Resize a map (h, w) to another (height, width), bilinearly with aligned corners."""
    return F.interpolate(one[None, None], size=size, mode="bilinear", align_corners=True)[0, 0]


def _check_choice(name: str, value: Any, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")
