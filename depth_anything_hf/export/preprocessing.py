# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The steps of the image processor inside an exported graph: resize rule, resampling, normalization, and back."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.image_preparation import lower_bound_size, stock_size
from ..models.resampling import bicubic_matrix, count_of, resample
from .inputs import LARGEST_GRID, SMALLEST_GRID


# Pillow's number of the bicubic filter, and the step of its weights where it resizes bytes (libImaging/Resample.c).
BICUBIC, PILLOW_STEP = 3, 2.0**-22


class ImagePreparation(nn.Module):
    """Prepares bytes (B, H, W, 3) as an image processor does.

    Args:
        processor: of a Depth Anything model.
        patch_size: of the model.

    Raises:
        ValueError: the processor does what is not written here.
    """

    def __init__(self, processor: Any, patch_size: int) -> None:
        super().__init__()
        check_processor(processor, patch_size)
        self.target = (int(processor.size["height"]), int(processor.size["width"]))
        self.multiple = int(processor.ensure_multiple_of)
        self.patch_size = patch_size
        self.keeps_aspect_ratio = bool(processor.keep_aspect_ratio)
        self.is_pillow = processor.interpolation == "pillow"
        self.is_bicubic_back = processor.upsampling == "bicubic"
        factor = float(processor.rescale_factor) if processor.do_rescale else 1.0
        mean, deviation = (
            torch.tensor(values, dtype=torch.float64).expand(3)
            for values in ((processor.image_mean, processor.image_std) if processor.do_normalize else (0.0, 1.0))
        )
        # Around zero float32 has twice the precision for bytes.
        self.middle = 0.0 if self.is_pillow else 128.0
        gain, offset = factor / deviation, (self.middle * factor - mean) / deviation
        self.register_buffer("gain", gain.float()[:, None, None], persistent=False)
        self.register_buffer("offset", offset.float()[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 (B, H, W, 3) -> float32 (B, 3, h, w), normalized."""
        sides = (images.shape[1], images.shape[2])
        new_sides = self._network_size(sides) if self.keeps_aspect_ratio else self.fixed_size()
        rows, columns = (
            bicubic_matrix(new, side, antialias=self.is_pillow) for new, side in zip(new_sides, sides, strict=True)
        )
        maps = images.permute(0, 3, 1, 2).to(torch.float32)
        if self.is_pillow:
            # Pillow resizes bytes to bytes, first the width, and rounds its weights.
            rows, columns = (torch.round(matrix / PILLOW_STEP) * PILLOW_STEP for matrix in (rows, columns))
            maps = _as_bytes(torch.matmul(_as_bytes(torch.matmul(maps, columns.T)).mT, rows.T).mT)
        else:
            maps = resample(maps - self.middle, rows, columns)
        return maps * cast(Tensor, self.gain) + cast(Tensor, self.offset)

    def resize_back(self, maps: Tensor, images: Tensor) -> Tensor:
        """Resize maps (B, h, w) to the size of the images (B, H, W, 3), as the predictor does."""
        size = (images.shape[1], images.shape[2])
        mode = "bicubic" if self.is_bicubic_back else "bilinear"
        return F.interpolate(maps[:, None].float(), size=size, mode=mode, align_corners=not self.is_bicubic_back)[:, 0]

    def fixed_size(self) -> tuple[int, int]:
        """Return the height and width that all images get where the aspect ratio is not kept."""
        rule = stock_size if self.is_pillow else lower_bound_size
        return rule(*self.target, target=self.target, multiple=self.multiple, keep_aspect_ratio=False)

    def _network_size(self, sides: tuple[int, int]) -> tuple[int, int]:
        """Compute the processor's rule in the graph, in float64 and in its order, so that it rounds alike."""
        counts = [count_of(side).to(torch.float64) for side in sides]
        scales = [target / count for target, count in zip(self.target, counts, strict=True)]
        if self.is_pillow:
            scale = torch.where((1 - scales[1]).abs() < (1 - scales[0]).abs(), scales[1], scales[0])
        else:
            scale = torch.maximum(scales[0], scales[1])
        new_sides = []
        for count, target in zip(counts, self.target, strict=True):
            exact = scale * count / self.multiple
            multiples = torch.round(exact)
            if not self.is_pillow:
                multiples = torch.where(multiples * self.multiple < target, torch.ceil(exact), multiples)
            patches = multiples.to(torch.int64) * (self.multiple // self.patch_size)
            number: Any = patches.item()
            torch._check(number >= SMALLEST_GRID)  # type: ignore[no-untyped-call]
            torch._check(number <= LARGEST_GRID)  # type: ignore[no-untyped-call]
            new_sides.append(number * self.patch_size)
        return cast("tuple[int, int]", tuple(new_sides))


def check_processor(processor: Any, patch_size: int) -> None:
    """Refuse what the graph does not do.

    Raises:
        ValueError: no resizing, other filters than bicubic ones, padding, or sizes that are no multiples of the patch
            size.
    """
    wrong = None
    if not processor.do_resize or processor.size.get("height") is None or processor.size.get("width") is None:
        wrong = "does not resize images to a height and width"
    elif processor.interpolation == "pillow" and int(processor.resample) != BICUBIC:
        wrong = f"resamples by Pillow's filter {int(processor.resample)}, expected bicubic ({BICUBIC})"
    elif processor.do_pad:
        wrong = "pads images"
    elif processor.ensure_multiple_of % patch_size:
        wrong = f"makes sides multiples of {processor.ensure_multiple_of}, which need not be multiples of {patch_size}"
    elif min(processor.size["height"], processor.size["width"]) < SMALLEST_GRID * patch_size:
        wrong = f"makes images smaller than {SMALLEST_GRID} patches of {patch_size} pixels"
    if wrong is not None:
        raise ValueError(
            f"preprocessing cannot be a part of the file: the image processor {wrong}; export without it, and prepare "
            "images as the processor does"
        )


def _as_bytes(values: Tensor) -> Tensor:
    return torch.clamp(torch.floor(values + 0.5), 0, 255)
