# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the image processor: the resize rule, the numbers it gives, and the file it shares with stock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.utils import is_torchvision_available

from depth_anything_hf.models.image_preparation import lower_bound_size
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.outputs import DepthAnythingOutput


# preprocessor_config.json of the published checkpoints (depth-anything/Depth-Anything-V2-*-hf), as far as it is read.
PUBLISHED_SETTINGS: dict[str, Any] = {
    "do_normalize": True,
    "do_pad": False,
    "do_rescale": True,
    "do_resize": True,
    "ensure_multiple_of": 14,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "keep_aspect_ratio": True,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 518, "width": 518},
}


def photograph(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "side", "expected"),
    [
        (480, 640, 518, (518, 686)),
        (640, 480, 518, (686, 518)),
        (1080, 1920, 518, (518, 924)),
        (518, 518, 518, (518, 518)),
        (375, 1242, 518, (518, 1722)),
        # Both sides below `size`: the longer one needs the smaller change.
        (240, 320, 518, (392, 518)),
        (90, 120, 70, (70, 98)),
        # The width is halved rather than the height scaled by 2.5.
        (100, 500, 252, (56, 252)),
    ],
)
def test_sizes(height: int, width: int, side: int, expected: tuple[int, int]) -> None:
    pixel_values = DepthAnythingImageProcessor.for_input_size(side)(photograph(height, width), return_tensors="pt")
    assert pixel_values["pixel_values"].shape == (1, 3, *expected)


def test_an_image_of_the_right_size_is_only_normalized() -> None:
    image = photograph(70, 70)
    values = DepthAnythingImageProcessor.for_input_size(70)(image, return_tensors="pt")["pixel_values"]
    expected = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert values.dtype == torch.float32
    np.testing.assert_allclose(values[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_pixels_are_those_of_the_published_settings() -> None:
    stock = DPTImageProcessorPil(**{**PUBLISHED_SETTINGS, "size": {"height": 98, "width": 98}})
    ours = DepthAnythingImageProcessor.for_input_size(98)
    for image in (photograph(120, 160), Image.fromarray(photograph(133, 77))):
        expected = stock(image, return_tensors="pt")["pixel_values"]
        assert torch.equal(ours(image, return_tensors="pt")["pixel_values"], expected)


def test_the_resize_is_bicubic() -> None:
    image = Image.fromarray(photograph(120, 160))
    values = DepthAnythingImageProcessor.for_input_size(98)(image, return_tensors="np")["pixel_values"][0]
    resized = np.asarray(image.resize((126, 98), Image.Resampling.BICUBIC)) / 255
    expected = (resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(values.transpose(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "resized"), [((2000, 20), "56x0"), ((20, 2000), "0x56")])
def test_images_too_narrow_for_a_patch_are_refused_as_such(size: tuple[int, int], resized: str) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match=rf"{size[0]}x{size[1]}, too narrow: resized to {resized}, .* crop"):
        DepthAnythingImageProcessor.for_input_size(56)(image)


@pytest.mark.parametrize("side", [0, -14, 500, 13])
def test_input_sizes_that_are_no_multiples_are_refused(side: int) -> None:
    nearest = {0: 14, -14: 14, 500: 504, 13: 14}[side]
    with pytest.raises(ValueError, match=rf"{side} is not a positive multiple of 14; the nearest is {nearest}$"):
        DepthAnythingImageProcessor.for_input_size(side)


def test_the_file_is_stocks(tmp_path: Path) -> None:
    DepthAnythingImageProcessor().save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["image_processor_type"] == "DPTImageProcessor"
    assert "auto_map" not in saved
    assert {key: saved.get(key) for key in PUBLISHED_SETTINGS if key != "do_pad"} == {
        key: value for key, value in PUBLISHED_SETTINGS.items() if key != "do_pad"
    }
    assert not saved.get("do_pad")


def test_a_saved_processor_opens_again(tmp_path: Path) -> None:
    DepthAnythingImageProcessor.for_input_size(98).save_pretrained(tmp_path)
    again = DepthAnythingImageProcessor.from_pretrained(tmp_path)
    assert type(again) is DepthAnythingImageProcessor
    image = photograph(120, 160)
    expected = DepthAnythingImageProcessor.for_input_size(98)(image, return_tensors="pt")["pixel_values"]
    assert torch.equal(again(image, return_tensors="pt")["pixel_values"], expected)


def test_a_published_file_opens(tmp_path: Path) -> None:
    published = {**PUBLISHED_SETTINGS, "image_processor_type": "DPTImageProcessor", "size_divisor": None}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(published))
    image = photograph(60, 80)
    opened = DepthAnythingImageProcessor.from_pretrained(tmp_path)
    expected = DepthAnythingImageProcessor()(image, return_tensors="pt")["pixel_values"]
    assert torch.equal(opened(image, return_tensors="pt")["pixel_values"], expected)


@pytest.mark.parametrize(
    ("height", "width", "side", "expected"),
    [
        (480, 640, 518, (518, 686)),
        (1080, 1920, 518, (518, 924)),
        (160, 213, 140, (140, 182)),
        # Where "pillow" keeps close to the image's size, both sides become at least `side` here.
        (240, 320, 518, (518, 686)),
        (100, 500, 252, (252, 1260)),
        # Rounding to the nearest multiple would fall below.
        (100, 101, 100, (112, 112)),
        (70, 70, 70, (70, 70)),
    ],
)
def test_sizes_of_the_authors_code(height: int, width: int, side: int, expected: tuple[int, int]) -> None:
    options: dict[str, Any] = {"target": (side, side), "multiple": 14, "keep_aspect_ratio": True}
    assert lower_bound_size(height, width, **options) == expected
    assert lower_bound_size(width, height, **options) == expected[::-1]
    processor = DepthAnythingImageProcessor(size={"height": side, "width": side}, interpolation="opencv")
    values = processor(photograph(height, width), return_tensors="pt")["pixel_values"]
    assert values.dtype == torch.float32 and values.shape == (1, 3, *expected)


def test_both_sides_may_have_a_target_of_their_own() -> None:
    size = lower_bound_size(480, 640, target=(100, 200), multiple=14, keep_aspect_ratio=False)
    assert size == (112, 210)


def test_opencv_pixels_are_the_authors() -> None:
    # `image2tensor` of Depth-Anything-V2: float64 in 0..1, then the size, then the normalization, then float32.
    image = photograph(160, 213)
    resized = cv2.resize(image / 255.0, (182, 140), interpolation=cv2.INTER_CUBIC)
    expected = ((resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).astype(np.float32).transpose(2, 0, 1)
    processor = DepthAnythingImageProcessor.for_input_size(140, interpolation="opencv")
    for given in (image, Image.fromarray(image), image.transpose(2, 0, 1)):
        values = processor(given, return_tensors="np")["pixel_values"]
        np.testing.assert_allclose(values[0], expected, atol=1e-6)
    for_one_call: Any = {"interpolation": "opencv"}
    per_call = DepthAnythingImageProcessor.for_input_size(140)(image, **for_one_call, return_tensors="np")
    np.testing.assert_array_equal(per_call["pixel_values"], values)
    pillow = DepthAnythingImageProcessor.for_input_size(140)(image, return_tensors="np")["pixel_values"]
    assert np.abs(pillow - values).max() > 1e-2


@pytest.mark.parametrize("size", [(300, 400), (70, 84), (61, 301)])
def test_float32_stays_near_the_authors_float64(size: tuple[int, int]) -> None:
    """Black and white noise, of the highest contrast there is; larger and smaller than the network's input."""
    image = 255 * np.random.default_rng(0).integers(0, 2, (*size, 3), dtype=np.uint8)
    processor = DepthAnythingImageProcessor.for_input_size(140, interpolation="opencv")
    in_use = cv2.ipp.useIPP()
    values = processor(image, return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    assert cv2.ipp.useIPP() == in_use
    resized = cv2.resize(image / 255.0, values.shape[:0:-1], interpolation=cv2.INTER_CUBIC)
    expected = (resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(values.transpose(1, 2, 0), expected, rtol=0, atol=1.5e-6)
    in_floats = processor(image / 255.0, do_rescale=False, return_tensors="np", input_data_format="channels_last")
    np.testing.assert_allclose(in_floats["pixel_values"][0].transpose(1, 2, 0), expected, rtol=0, atol=5e-7)


def test_one_picture_does_not_change_another() -> None:
    """The memory that pictures of one thread share must not reach the results."""
    processor = DepthAnythingImageProcessor.for_input_size(70, interpolation="opencv", do_resize=False)
    pictures = [photograph(84, 98), photograph(70, 70), photograph(98, 84)]
    alone = [processor(picture, return_tensors="np")["pixel_values"][0].copy() for picture in pictures]
    together = processor(pictures, return_tensors=None)["pixel_values"]
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_as_many_means_as_channels() -> None:
    settings: Any = {"interpolation": "opencv", "image_mean": [0.5, 0.5]}
    with pytest.raises(ValueError, match="image_mean has 2 values, expected one or 3, one for each channel"):
        DepthAnythingImageProcessor.for_input_size(70)(photograph(70, 70), **settings)


def test_looked_up_pixels_are_stocks_to_the_bit() -> None:
    """The pillow mode looks its 256 values up; every combination of steps, and pictures that are not bytes."""
    ours, stock = (
        DepthAnythingImageProcessor.for_input_size(70),
        DPTImageProcessorPil(**{**PUBLISHED_SETTINGS, "size": {"height": 70, "width": 70}}),
    )
    image = photograph(120, 160)
    for left_out in ({}, {"do_rescale": False}, {"do_normalize": False}, {"do_resize": False}, {"size_divisor": 32}):
        options: Any = {**left_out, "do_pad": "size_divisor" in left_out, "return_tensors": "np"}
        options |= {"input_data_format": "channels_last", "image_mean": 0.4, "image_std": 0.3}
        for picture in (image, image[..., :1], image.astype(np.float32) / 255):
            values = ours(picture, **options)["pixel_values"]
            expected = stock(picture, **options)["pixel_values"]
            assert values.dtype == expected.dtype
            np.testing.assert_array_equal(values, expected)


def test_steps_can_be_left_out_with_opencv_too() -> None:
    image = photograph(70, 84)
    processor = DepthAnythingImageProcessor(interpolation="opencv", do_resize=False, do_normalize=False)
    values = processor(image, return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(values.transpose(1, 2, 0), image / 255, atol=1e-6)
    values = processor(image, do_rescale=False, return_tensors="np")["pixel_values"][0]
    np.testing.assert_array_equal(values.transpose(1, 2, 0), image)


def test_the_settings_of_this_package_are_saved(tmp_path: Path) -> None:
    settings = {"interpolation": "opencv", "upsampling": "bilinear"}
    DepthAnythingImageProcessor.for_input_size(98, **settings).save_pretrained(tmp_path)
    again = DepthAnythingImageProcessor.from_pretrained(tmp_path)
    assert (again.interpolation, again.upsampling) == ("opencv", "bilinear")
    assert DepthAnythingImageProcessor.from_pretrained(tmp_path, interpolation="pillow").interpolation == "pillow"
    default = DepthAnythingImageProcessor()
    assert (default.interpolation, default.upsampling) == ("pillow", None)


@pytest.mark.parametrize("name", ["interpolation", "upsampling"])
def test_other_settings_are_refused(name: str) -> None:
    settings: Any = {name: "nearest"}
    with pytest.raises(ValueError, match=f"{name} is 'nearest', expected one of "):
        DepthAnythingImageProcessor(**settings)
    if name == "interpolation":
        with pytest.raises(ValueError, match="interpolation is 'nearest'"):
            DepthAnythingImageProcessor()(photograph(70, 70), **settings)


@pytest.mark.parametrize("interpolation", ["pillow", "opencv"])
def test_stock_opens_the_saved_file(interpolation: str, tmp_path: Path) -> None:
    settings = {"interpolation": interpolation, "upsampling": "bilinear"}
    DepthAnythingImageProcessor.for_input_size(98, **settings).save_pretrained(tmp_path)
    assert type(DPTImageProcessorPil.from_pretrained(tmp_path)) is DPTImageProcessorPil
    try:
        stock = AutoImageProcessor.from_pretrained(tmp_path)
    except ImportError as error:
        if is_torchvision_available():
            raise
        pytest.skip(f"this release of transformers opens no stock processor without torchvision: {error}")
    assert type(stock).__module__.startswith("transformers.models.dpt.")
    image = photograph(120, 160)
    ours = DepthAnythingImageProcessor.for_input_size(98)(image, return_tensors="pt")["pixel_values"]
    values = stock(image, return_tensors="pt")["pixel_values"]
    assert values.shape == ours.shape
    # Torchvision's bicubic filter rounds differently: a few grey levels of 1/255, divided by a deviation of 0.22.
    tolerance = 5 / 255 / 0.22 if is_torchvision_available() else 0.0
    assert (values - ours).abs().max() <= tolerance


def test_predictions_come_back_at_the_images_size() -> None:
    ramp = torch.linspace(1, 2, 98).expand(2, 70, 98)
    output = DepthAnythingOutput(predicted_depth=ramp)
    processed = DepthAnythingImageProcessor().post_process_depth_estimation(output, target_sizes=[(90, 120), (35, 49)])
    assert [tuple(result["predicted_depth"].shape) for result in processed] == [(90, 120), (35, 49)]
    for result in processed:
        assert (result["predicted_depth"].diff(dim=1) > -1e-6).all()


def test_predictions_come_back_as_in_the_authors_code() -> None:
    maps = torch.rand(2, 70, 98, generator=torch.Generator().manual_seed(0))
    output, sizes = DepthAnythingOutput(predicted_depth=maps), [(90, 120), (35, 49)]
    processed = DepthAnythingImageProcessor(upsampling="bilinear").post_process_depth_estimation(output, sizes)
    for result, one, size in zip(processed, maps, sizes, strict=True):
        expected = torch.nn.functional.interpolate(one[None, None], size=size, mode="bilinear", align_corners=True)
        assert torch.equal(result["predicted_depth"], expected[0, 0])
    stock = DPTImageProcessorPil().post_process_depth_estimation(output, sizes)
    for settings in ({}, {"upsampling": "bicubic"}):
        ours = DepthAnythingImageProcessor(**settings).post_process_depth_estimation(output, sizes)
        for result, expected in zip(ours, stock, strict=True):
            assert torch.equal(result["predicted_depth"], expected["predicted_depth"])


@pytest.mark.parametrize("upsampling", ["bilinear", "bicubic"])
def test_predictions_without_sizes_and_with_too_few(upsampling: str) -> None:
    processor = DepthAnythingImageProcessor(upsampling=upsampling)
    output = DepthAnythingOutput(predicted_depth=torch.rand(2, 14, 28))
    kept = processor.post_process_depth_estimation(output)
    assert [tuple(result["predicted_depth"].shape) for result in kept] == [(14, 28)] * 2
    with pytest.raises(ValueError, match="target sizes"):
        processor.post_process_depth_estimation(output, [(20, 20)])
