# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The steps of the image processor in a graph, against the processor itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.export.preprocessing import ImagePreparation


SIZES = ((126, 126), (151, 203), (320, 240), (61, 77), (540, 1080), (1080, 540))


def photograph(height: int, width: int) -> np.ndarray:
    random = torch.Generator().manual_seed(height)
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 9, 9, generator=random), (height, width), mode="bilinear"
    )
    noisy = 0.7 * smooth + 0.3 * torch.rand(1, 3, height, width, generator=random)
    image: np.ndarray = (255 * noisy[0]).permute(1, 2, 0).to(torch.uint8).numpy()
    return image


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fields", [{}, {"do_normalize": False}, {"image_mean": [0.1, 0.2, 0.3], "do_rescale": False}])
@pytest.mark.parametrize("interpolation", ["pillow", "opencv"])
def test_images_become_those_of_the_processor(
    interpolation: str, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    processor = DepthAnythingImageProcessor.for_input_size(126, interpolation=interpolation, **fields)
    image = photograph(*size)
    expected = processor(images=image, input_data_format="channels_last", return_tensors="pt")["pixel_values"]
    computed = ImagePreparation(processor, 14)(torch.from_numpy(image)[None])
    assert computed.shape == expected.shape
    differences = (computed - expected).abs() / expected.std()
    if interpolation == "opencv":
        assert differences.max() <= 2e-5
    else:
        # Rounded to bytes as by Pillow, but for a few pixels whose exact value lies between two.
        assert (differences > 1e-5).float().mean() <= 1e-3
        assert differences.max() <= 2 / 255 / (expected.std() / (expected.max() - expected.min()))


def test_a_fixed_size_does_not_keep_the_aspect_ratio() -> None:
    for interpolation in ("pillow", "opencv"):
        processor = DepthAnythingImageProcessor(
            size={"height": 70, "width": 98}, keep_aspect_ratio=False, interpolation=interpolation
        )
        image = photograph(90, 70)
        computed = ImagePreparation(processor, 14)(torch.from_numpy(image)[None])
        expected = processor(images=image, return_tensors="pt")["pixel_values"]
        assert computed.shape == expected.shape == (1, 3, 70, 98)
        assert (computed - expected).abs().max() <= 2 / 255 / 0.2


def test_what_the_graph_does_not_do_is_refused() -> None:
    for fields, message in (
        ({"do_resize": False}, "does not resize images"),
        ({"resample": 2}, "filter 2, expected bicubic"),
        ({"do_pad": True}, "pads images"),
        ({"ensure_multiple_of": 16}, "multiples of 16, which need not be multiples of 14"),
        ({"size": {"height": 28, "width": 28}}, "smaller than 3 patches of 14"),
    ):
        with pytest.raises(ValueError, match=message):
            ImagePreparation(DepthAnythingImageProcessor(**fields), 14)
