# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Augmentation: geometry is exact, labels are never invented, colour changes touch the picture only."""

from __future__ import annotations

import math
import pickle
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from depth_anything_hf.data.cutmix import BatchCutMix, cutmix, sample_cutmix_box
from depth_anything_hf.data.haze import add_haze, sample_haze
from depth_anything_hf.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    TrainingTransform,
    covering_size,
    resize_image,
    scale_brightness,
    scale_contrast,
    scale_saturation,
    shift_hue,
)


def make_sample(height: int = 60, width: int = 80, kind: str | None = "depth", seed: int = 0) -> dict[str, Any]:
    """A picture whose red and green channels give the row and column, and a label with a value per pixel."""
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)
    sample: dict[str, Any] = {"image": image, "name": f"sample {seed}"}
    if kind is not None:
        sample[kind] = (1 + rows * width + columns).astype(np.float32) / 100
    return sample


def as_image(pixel_values: torch.Tensor) -> np.ndarray:
    """Undoes the normalisation: float (h, w, 3) in 0-255."""
    return (pixel_values.permute(1, 2, 0).numpy() * IMAGENET_STD + IMAGENET_MEAN) * 255


def plain(size: int | tuple[int, int], **options: Any) -> TrainingTransform:
    return TrainingTransform(size, **{"horizontal_flip": 0.0, **options})


# Geometry


def test_without_augmentation_at_its_own_size_a_sample_is_only_normalised() -> None:
    sample = make_sample(56, 84)
    result = plain((56, 84), target="depth")(sample, np.random.default_rng(0))
    assert set(result) == {"pixel_values", "labels", "name"} and result["name"] == "sample 0"
    assert result["pixel_values"].dtype == result["labels"].dtype == torch.float32
    assert result["pixel_values"].shape == (3, 56, 84)
    assert np.abs(as_image(result["pixel_values"]) - sample["image"]).max() < 1e-3
    assert np.array_equal(result["labels"].numpy(), sample["depth"])
    assert sample["image"].dtype == np.uint8


def test_crops_of_picture_and_label_are_the_same_and_reach_every_place() -> None:
    sample = make_sample(56, 84)
    lefts = set()
    for seed in range(200):
        result = plain(56, target="depth")(sample, np.random.default_rng(seed))
        picture = np.rint(as_image(result["pixel_values"])).astype(int)
        left = picture[0, 0, 1]
        assert np.array_equal(picture, sample["image"][:, left : left + 56])
        assert np.array_equal(result["labels"].numpy(), sample["depth"][:, left : left + 56])
        lefts.add(int(left))
    assert lefts == set(range(29))


@pytest.mark.parametrize(("option", "axis"), [("horizontal_flip", 1), ("vertical_flip", 0)])
def test_flips_are_exact(option: str, axis: int) -> None:
    sample = make_sample(28, 28)
    result = plain(28, target="depth", **{option: 1.0})(sample, np.random.default_rng(0))
    assert np.array_equal(result["labels"].numpy(), np.flip(sample["depth"], axis))
    assert np.array_equal(np.rint(as_image(result["pixel_values"])), np.flip(sample["image"], axis))


def test_flip_probability() -> None:
    sample = make_sample(14, 14)
    transform = TrainingTransform(14, target="depth", horizontal_flip=0.3)
    flipped = [
        bool(transform(sample, np.random.default_rng(seed))["labels"][0, 0] != sample["depth"][0, 0])
        for seed in range(500)
    ]
    assert abs(np.mean(flipped) - 0.3) < 0.06


@pytest.mark.parametrize("size", [14, 28, 56, 112, (42, 98), (98, 42)])
@pytest.mark.parametrize("kind", ["depth", "disparity"])
def test_resized_labels_are_values_of_the_original(size: int | tuple[int, int], kind: str) -> None:
    sample = make_sample(45, 61, kind)
    sample[kind][5:9, 20:30] = np.nan
    target = "depth" if kind == "depth" else "disparity"
    labels = plain(size, target=target)(sample, np.random.default_rng(1))["labels"].numpy()
    assert set(labels[~np.isnan(labels)]) <= set(sample[kind][~np.isnan(sample[kind])].tolist())


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_nearest_takes_the_centre_of_a_block(factor: int) -> None:
    sample = make_sample(14 * factor, 14 * factor)
    labels = plain(14, target="depth")(sample, np.random.default_rng(0))["labels"].numpy()
    assert np.array_equal(labels, sample["depth"][factor // 2 :: factor, factor // 2 :: factor])


def test_enlarged_label_repeats_its_pixels() -> None:
    sample = make_sample(14, 14)
    labels = plain(42, target="depth")(sample, np.random.default_rng(0))["labels"].numpy()
    assert np.array_equal(labels, sample["depth"].repeat(3, 0).repeat(3, 1))


def test_picture_and_label_stay_aligned_under_resizing() -> None:
    rows, columns = np.mgrid[0:200, 0:300].astype(np.float32)
    image = np.repeat((columns[..., None] * 0.8).astype(np.uint8), 3, axis=2)
    sample = {"image": image, "disparity": columns * 0.8, "name": "ramp"}
    for side in (70, 154, 322):
        result = plain(side)(sample, np.random.default_rng(3))
        difference = as_image(result["pixel_values"])[..., 0] - result["labels"].numpy()
        assert abs(np.median(difference)) < 0.8, side


def test_covering_size_fits_the_short_side() -> None:
    assert covering_size((480, 640), (518, 518)) == (518, 691)
    assert covering_size((640, 480), (518, 518)) == (691, 518)
    assert covering_size((375, 1242), (518, 518)) == (518, 1716)
    assert covering_size((100, 100), (56, 84)) == (84, 84)
    for height in range(50, 120, 7):
        resized = covering_size((height, 83), (56, 84))
        assert resized[0] >= 56 and resized[1] >= 84


def test_shrinking_does_not_alias_and_enlarging_is_bicubic() -> None:
    checkers = (np.indices((280, 280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    shrunk = resize_image(np.repeat(checkers[..., None], 3, axis=2), (98, 98))
    assert shrunk.std() < 25 and abs(shrunk.mean() - 127.5) < 2
    image = make_sample(20, 30)["image"]
    assert np.array_equal(resize_image(image, (40, 60)), cv2.resize(image, (60, 40), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize(("size", "nearest"), [(224 + 5, 224), (520, 518), (1, 14), (0, 14), ((56, 100), 98)])
def test_size_must_be_whole_patches(size: Any, nearest: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 14.*nearest is {nearest}"):
        TrainingTransform(size)


def test_wrong_options_are_named() -> None:
    wrong: list[dict[str, Any]] = [
        {"target": "distance"},
        {"horizontal_flip": 1.5},
        {"blur": -0.1},
        {"hue": 0.6},
        {"channel_gain": 2},
        {"min_depth": 5, "max_depth": 2},
    ]
    for options in wrong:
        with pytest.raises(ValueError, match=next(iter(options))):
            TrainingTransform(28, **options)
    with pytest.raises(ValueError, match="height, width"):
        TrainingTransform((28, 28, 28))  # type: ignore[arg-type]


# Labels


def test_disparity_of_depth_has_sky_zero_and_keeps_invalid_pixels() -> None:
    sample = make_sample(14, 14)
    sample["depth"][0, :2] = np.inf, np.nan
    labels = plain(14)(sample, np.random.default_rng(0))["labels"].numpy()
    assert labels[0, 0] == 0 and np.isnan(labels[0, 1])
    assert np.allclose(labels[1:], 1 / sample["depth"][1:])


def test_metric_target_drops_sky_and_the_range_outside() -> None:
    sample = make_sample(14, 14)
    sample["depth"][0, :5] = np.inf, np.nan, 0.05, 81, 80
    labels = plain(14, target="depth", min_depth=0.1, max_depth=80)(sample, np.random.default_rng(0))["labels"].numpy()
    assert np.isnan(labels[0, :4]).all() and labels[0, 4] == 80
    assert np.array_equal(labels[1:], sample["depth"][1:])


def test_label_errors_name_the_sample() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="sample 0.*disparity.*target='disparity'"):
        plain(14, target="depth")(make_sample(14, 14, "disparity"), random)
    infinite = make_sample(14, 14, "disparity")
    infinite["disparity"][3, 3] = np.inf
    with pytest.raises(ValueError, match="sample 0.*infinite"):
        plain(14)(infinite, random)
    with pytest.raises(ValueError, match="sample 0.*not both"):
        plain(14)({**make_sample(14, 14), "disparity": np.ones((14, 14), np.float32)}, random)
    with pytest.raises(ValueError, match="sample 0.*differ in size"):
        plain(14)({**make_sample(14, 14), "depth": np.ones((14, 15), np.float32)}, random)
    for kind in ("disparity", None):
        with pytest.raises(ValueError, match="sample 0.*haze.*depth"):
            plain(14, haze=True)(make_sample(14, 14, kind), random)


def test_an_unlabelled_sample_has_no_labels() -> None:
    result = TrainingTransform.strong(28)(make_sample(40, 40, None), np.random.default_rng(0))
    assert set(result) == {"pixel_values", "name"}


def test_a_label_without_valid_pixels_passes() -> None:
    sample = make_sample(14, 14)
    sample["depth"][:] = np.nan
    result = TrainingTransform(14, haze=True)(sample, np.random.default_rng(0))
    assert torch.isnan(result["labels"]).all() and torch.isfinite(result["pixel_values"]).all()


# Colour


def test_equal_generators_give_equal_results_and_others_do_not() -> None:
    sample = make_sample(70, 90)
    transform = TrainingTransform.strong(56, haze=True, channel_gain=0.1)
    first, second, other = (transform(sample, np.random.default_rng([1, 2, seed])) for seed in (3, 3, 4))
    assert torch.equal(first["pixel_values"], second["pixel_values"])
    assert torch.equal(first["labels"], second["labels"])
    assert not torch.equal(first["pixel_values"], other["pixel_values"])


def test_clean_picture_has_the_same_crop_and_flip_without_recolouring() -> None:
    sample = make_sample(70, 90, None)
    transform = TrainingTransform(
        56, colour_jitter=1.0, blur=1.0, channel_gain=0.2, vertical_flip=0.5, keep_clean=True
    )
    for seed in range(20):
        result = transform(sample, np.random.default_rng(seed))
        bare = TrainingTransform(56, vertical_flip=0.5)(sample, np.random.default_rng(seed))
        assert torch.allclose(result["clean_pixel_values"], bare["pixel_values"])
        assert not torch.allclose(result["clean_pixel_values"], result["pixel_values"])


def test_presets() -> None:
    weak, strong = TrainingTransform.weak(518), TrainingTransform.strong(518, blur=0.25)
    assert (weak.horizontal_flip, weak.colour_jitter, weak.blur) == (0.5, 0.0, 0.0)
    assert (strong.horizontal_flip, strong.colour_jitter, strong.blur) == (0.5, 0.8, 0.25)


def test_colour_steps_do_what_they_say() -> None:
    colours = np.random.default_rng(0).uniform(0.3, 0.6, (20, 30, 3)).astype(np.float32)
    grey = colours @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    for step in (scale_brightness, scale_contrast, scale_saturation):
        assert np.allclose(step(colours, 1.0), colours, atol=1e-6)
        assert step(colours, 9.0).max() <= 1 and step(colours, 9.0).min() >= 0
    assert np.allclose(scale_brightness(colours, 1.3), 1.3 * colours)
    assert np.allclose(scale_contrast(colours, 0.0), grey.mean(), atol=1e-5)
    assert np.allclose(scale_saturation(colours, 0.0), grey[..., None], atol=1e-5)
    assert np.allclose(shift_hue(colours, 0.0), colours)
    assert np.allclose(shift_hue(colours, 1 / 3), colours[..., [2, 0, 1]], atol=1e-4)
    assert np.allclose(shift_hue(colours, -1 / 3), colours[..., [1, 2, 0]], atol=1e-4)
    assert np.allclose(shift_hue(np.full((4, 4, 3), 0.5, np.float32), 0.2), 0.5)


def test_channel_gain_stays_in_its_range() -> None:
    sample = {"image": np.full((14, 14, 3), 100, dtype=np.uint8), "name": "grey"}
    gains = []
    for seed in range(300):
        pixel_values = plain(14, channel_gain=0.07)(sample, np.random.default_rng(seed))["pixel_values"]
        gains.append(as_image(pixel_values)[0, 0] / 100)
    assert np.min(gains) > 0.929 and np.max(gains) < 1.071
    assert np.std(gains) == pytest.approx(0.07 / math.sqrt(3), rel=0.1)
    assert np.abs(np.corrcoef(np.transpose(gains))[0, 1]) < 0.2


def test_blur_smooths_and_keeps_the_mean() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (56, 56, 3), dtype=np.uint8)
    sample = {"image": noise, "name": "noise"}
    deviations = [
        as_image(plain(56, blur=1.0)(sample, np.random.default_rng(seed))["pixel_values"]).std() for seed in range(30)
    ]
    assert max(deviations) <= noise.std() + 0.1 and min(deviations) < 0.3 * noise.std()


# Haze


def test_haze_follows_its_closed_form() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    depth = random.uniform(0.3, 30, (12, 9)).astype(np.float32)
    airlight = np.array([0.8, 0.75, 0.9])
    transmission = np.exp(-0.2 * depth.astype(np.float64))[..., None]
    expected = image * transmission + 255 * airlight * (1 - transmission)
    hazy = add_haze(image, depth, 0.2, airlight)
    assert hazy.dtype == np.uint8 and np.abs(hazy - expected).max() <= 0.501
    assert np.array_equal(add_haze(image, depth, 0.0, airlight), image)


def test_haze_at_sky_and_at_unknown_depth() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    depth = np.array([[np.inf, np.nan, 2], [2, 2, 2]], dtype=np.float32)
    hazy = add_haze(image, depth, 0.3, np.array([1.0, 1.0, 1.0]))
    assert (hazy[0, 0] == 255).all() and np.array_equal(hazy[0, 1], hazy[0, 2])
    assert np.array_equal(add_haze(image, np.full((2, 3), np.nan, np.float32), 0.3, np.ones(3)), image)
    with pytest.raises(ValueError, match="size"):
        add_haze(image, depth[:1], 0.3, np.ones(3))


def test_haze_distribution() -> None:
    draws = [sample_haze(np.random.default_rng(seed)) for seed in range(2000)]
    densities = np.array([density for density, _ in draws])
    airlights = np.stack([airlight for _, airlight in draws])
    assert densities.min() >= 0.08 and densities.max() <= 0.35
    assert np.log(densities).mean() == pytest.approx((math.log(0.08) + math.log(0.35)) / 2, abs=0.04)
    assert airlights.min() >= 0.57 and airlights.max() <= 0.98
    assert np.ptp(airlights, axis=1).max() <= 0.061


def test_hazed_sample_is_farther_from_its_colours_where_it_is_deeper() -> None:
    sample = make_sample(28, 28)
    sample["image"][:] = 0
    result = plain(28, haze=True, target="depth")(sample, np.random.default_rng(5))
    by_depth = as_image(result["pixel_values"])[..., 0].ravel()[np.argsort(result["labels"].numpy(), axis=None)]
    assert (np.diff(by_depth) >= -1e-3).all() and by_depth[-1] > by_depth[0]


# CutMix


def make_batch(count: int, height: int = 42, width: int = 56) -> dict[str, Any]:
    values = torch.arange(count, dtype=torch.float32)
    return {
        "pixel_values": values[:, None, None, None].expand(count, 3, height, width).clone(),
        "labels": 10 + values[:, None, None].expand(count, height, width).clone(),
        "clean_pixel_values": values[:, None, None, None].expand(count, 3, height, width).clone(),
        "name": [str(index) for index in range(count)],
    }


def test_cutmix_mixes_pictures_and_labels_by_the_region() -> None:
    batch = make_batch(6)
    mixed = cutmix(batch, np.random.default_rng(0), probability=1.0)
    assert mixed["partner"].tolist() == [5, 0, 1, 2, 3, 4]
    assert mixed["region"].dtype == torch.bool and mixed["region"].shape == (6, 42, 56)
    for index in range(6):
        region = mixed["region"][index]
        rows, columns = region.any(dim=1).sum(), region.any(dim=0).sum()
        assert region.sum() == rows * columns > 0
        assert (mixed["labels"][index][region] == 10 + (index - 1) % 6).all()
        assert (mixed["labels"][index][~region] == 10 + index).all()
        assert torch.equal(mixed["pixel_values"][index, 2] + 10, mixed["labels"][index])
    assert torch.equal(mixed["clean_pixel_values"], batch["clean_pixel_values"])
    online = torch.where(mixed["region"], batch["labels"][mixed["partner"]], batch["labels"])
    assert torch.equal(online, mixed["labels"])
    assert torch.equal(batch["labels"], make_batch(6)["labels"]) and "region" not in batch


def test_cutmix_probability_and_images_without_a_box() -> None:
    batch = make_batch(400, 14, 14)
    assert not cutmix(batch, np.random.default_rng(0), probability=0.0)["region"].any()
    mixed = cutmix(batch, np.random.default_rng(0), probability=0.5)
    has_box = mixed["region"].flatten(1).any(dim=1)
    assert abs(has_box.float().mean() - 0.5) < 0.08
    assert torch.equal(mixed["labels"][~has_box], batch["labels"][~has_box])
    with pytest.raises(ValueError, match="probability"):
        cutmix(batch, np.random.default_rng(0), probability=2)


def test_cutmix_of_a_micro_batch_depends_on_seed_number_and_process_only() -> None:
    batch = {"pixel_values": torch.rand(4, 3, 28, 42), "labels": torch.rand(4, 28, 42), "name": list("abcd")}
    mix = pickle.loads(pickle.dumps(BatchCutMix(seed=7, probability=0.5, process_index=2)))
    expected = cutmix(batch, np.random.default_rng([7, 11, 2, 3]), 0.5)
    mix(batch, 3)
    mixed = mix(batch, 11)
    assert expected["region"].any()
    assert mixed.keys() == expected.keys()
    assert all(torch.equal(mixed[key], expected[key]) for key in ("pixel_values", "labels", "region", "partner"))
    assert not torch.equal(mix(batch, 12)["region"], mixed["region"])


def test_cutmix_of_probability_zero_leaves_a_micro_batch_alone() -> None:
    batch = {"pixel_values": torch.rand(2, 3, 14, 14)}
    assert BatchCutMix(seed=0, probability=0.0)(batch, 0) is batch
    with pytest.raises(ValueError, match=r"probability of CutMix must be in \[0, 1\], got -0.5"):
        BatchCutMix(seed=0, probability=-0.5)


def test_cutmix_keeps_invalid_pixels_of_both_sides_and_works_without_labels() -> None:
    batch = make_batch(2)
    batch["labels"][0] = torch.nan
    mixed = cutmix(batch, np.random.default_rng(1), probability=1.0)
    assert torch.equal(torch.isnan(mixed["labels"][1]), mixed["region"][1])
    assert torch.equal(torch.isnan(mixed["labels"][0]), ~mixed["region"][0])
    del batch["labels"]
    assert "labels" not in cutmix(batch, np.random.default_rng(1), probability=1.0)


@pytest.mark.parametrize(("height", "width"), [(518, 518), (112, 336)])
def test_cutmix_boxes_have_the_documented_area_and_aspect(height: int, width: int) -> None:
    boxes = np.array([sample_cutmix_box(height, width, np.random.default_rng(seed)) for seed in range(1500)])
    tops, lefts, heights, widths = boxes.T
    assert (tops >= 0).all() and (tops + heights <= height).all() and (lefts + widths <= width).all()
    areas = heights * widths / (height * width)
    assert areas.min() > 0.017 and areas.max() < 0.41 and areas.mean() == pytest.approx(0.21, abs=0.01)
    aspects = np.log((heights / height) / (widths / width))
    assert np.abs(aspects).max() < math.log(1 / 0.3) + 0.1 and abs(aspects.mean()) < 0.06
