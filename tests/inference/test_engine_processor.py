# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image processors of engines against the processor of the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_predictors import random_image

from depth_anything_hf.inference.engine_processor import PlainProcessor, WrappedProcessor, open_processor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.loading import load_processor
from depth_anything_hf.utils.option_errors import OptionError


SIZES = [(60, 80), (80, 60), (3, 9), (300, 90), (70, 70), (41, 127)]


@pytest.mark.parametrize("interpolation", ["pillow", "opencv"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"keep_aspect_ratio": False},
        {"size": {"height": 84, "width": 56}},
        {"resample": 2, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2], "rescale_factor": 1 / 127.5},
        {"upsampling": "bicubic", "ensure_multiple_of": 28},
    ],
)
def test_values_are_those_of_the_checkpoints_processor(
    interpolation: Any, settings: dict[str, Any], tmp_path: Path
) -> None:
    options = {"size": {"height": 70, "width": 70}, **settings}
    DepthAnythingImageProcessor(interpolation=interpolation, **options).save_pretrained(tmp_path)
    expected = load_processor(str(tmp_path), "depth_anything", None, {})
    found = open_processor(str(tmp_path), None, {})
    assert isinstance(found, PlainProcessor) and found.upsampling == expected.upsampling
    for size in SIZES:
        image = random_image(size)
        values = expected(images=image, input_data_format="channels_last", return_tensors="np")["pixel_values"][0]
        prepared = found.prepare(image)
        assert prepared.dtype == np.float32 and prepared.flags.c_contiguous
        np.testing.assert_array_equal(prepared, values)


def test_what_only_transformers_knows_is_left_to_it(tmp_path: Path) -> None:
    DepthAnythingImageProcessor.for_input_size(70).save_pretrained(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_normalize": False}))
    found = open_processor(str(tmp_path), 56, {})
    assert isinstance(found, WrappedProcessor) and found.upsampling is None
    image = random_image((60, 80))
    expected = load_processor(str(tmp_path), "depth_anything", 56, {})(images=image, return_tensors="np")
    np.testing.assert_array_equal(found.prepare(image), expected["pixel_values"][0])


def test_an_input_size_replaces_the_checkpoints_or_is_refused(tmp_path: Path) -> None:
    DepthAnythingImageProcessor.for_input_size(70).save_pretrained(tmp_path)
    assert open_processor(str(tmp_path), 84, {}).prepare(random_image((50, 100))).shape == (3, 42, 84)
    for wrong in (60, 0, -14, 70.0, True):
        with pytest.raises(OptionError, match="input size"):
            open_processor(str(tmp_path), wrong, {})  # type: ignore[arg-type]


def test_images_too_narrow_for_a_patch_are_refused_as_such(tmp_path: Path) -> None:
    DepthAnythingImageProcessor.for_input_size(70).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"20x2000, too narrow: resized to 0x70, .* crop"):
        open_processor(str(tmp_path), None, {}).prepare(random_image((20, 2000)))
