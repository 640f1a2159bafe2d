# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Augmentation: geometry is exact, labels are never invented, colour changes touch the image only."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
import torch

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
from depth_anything_hf.losses.loss_weights import RelativeLoss


def make_sample(height: int = 60, width: int = 80, kind: str | None = "depth", seed: int = 0) -> dict[str, Any]:
    """An image whose red and green channels give the row and column, and a label with a value per pixel."""
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)
    sample: dict[str, Any] = {"image": image, "name": f"sample {seed}"}
    if kind is not None:
        sample[kind] = (1 + rows * width + columns).astype(np.float32) / 100
    return sample


def as_image(pixel_values: torch.Tensor) -> np.ndarray:
    """Undoes the normalization: float (h, w, 3) in 0-255."""
    return (pixel_values.permute(1, 2, 0).numpy() * IMAGENET_STD + IMAGENET_MEAN) * 255


def plain(size: int | tuple[int, int], **options: Any) -> TrainingTransform:
    return TrainingTransform(size, **{"horizontal_flip": 0.0, **options})


def test_without_augmentation_at_its_own_size_a_sample_is_only_normalized() -> None:
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
    columns = np.mgrid[0:200, 0:300][1].astype(np.float32)
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
    with pytest.raises(ValueError, match="size must be a whole number or a list of 2"):
        TrainingTransform((28, 28, 28))  # type: ignore[arg-type]


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
    with pytest.raises(ValueError, match=r"sample 0.*disparity.*target='disparity'"):
        plain(14, target="depth")(make_sample(14, 14, "disparity"), random)
    infinite = make_sample(14, 14, "disparity")
    infinite["disparity"][3, 3] = np.inf
    with pytest.raises(ValueError, match=r"sample 0.*infinite"):
        plain(14)(infinite, random)
    with pytest.raises(ValueError, match="sample 0: expected depth or disparity, got both"):
        plain(14)({**make_sample(14, 14), "disparity": np.ones((14, 14), np.float32)}, random)
    with pytest.raises(ValueError, match="sample 0: expected a label of the size of the image"):
        plain(14)({**make_sample(14, 14), "depth": np.ones((14, 15), np.float32)}, random)
    for kind in ("disparity", None):
        with pytest.raises(ValueError, match=r"sample 0.*haze.*depth"):
            plain(14, haze=True)(make_sample(14, 14, kind), random)


def test_an_unlabelled_sample_has_no_labels() -> None:
    result = TrainingTransform.strong(28)(make_sample(40, 40, None), np.random.default_rng(0))
    assert set(result) == {"pixel_values", "name"}


def test_a_label_without_valid_pixels_passes() -> None:
    sample = make_sample(14, 14)
    sample["depth"][:] = np.nan
    result = TrainingTransform(14, haze=True)(sample, np.random.default_rng(0))
    assert torch.isnan(result["labels"]).all() and torch.isfinite(result["pixel_values"]).all()


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


def test_hazed_sample_is_farther_from_its_colours_where_it_is_deeper() -> None:
    sample = make_sample(28, 28)
    sample["image"][:] = 0
    result = plain(28, haze=True, target="depth")(sample, np.random.default_rng(5))
    by_depth = as_image(result["pixel_values"])[..., 0].ravel()[np.argsort(result["labels"].numpy(), axis=None)]
    assert (np.diff(by_depth) >= -1e-3).all() and by_depth[-1] > by_depth[0]


# Pixels that are nearer than they can be


def label_of(transform: TrainingTransform, kind: str, label: np.ndarray) -> np.ndarray:
    sample = {"image": np.zeros((*label.shape, 3), dtype=np.uint8), kind: label, "name": "x"}
    return transform(sample, np.random.default_rng(0))["labels"].numpy()


def ramp_with_a_speck() -> np.ndarray:
    """2 to 4 metres; one pixel at a millimetre, a row of sky, and an invalid pixel."""
    depth = np.linspace(2, 4, 56 * 56, dtype=np.float32).reshape(56, 56)
    depth[30, 30], depth[0], depth[40, 40] = 1e-3, np.inf, np.nan
    return depth


@pytest.mark.parametrize("tiny", [1e-39, 1e-45, 1e-30, 9e-7])
def test_a_depth_that_nothing_can_measure_is_an_invalid_pixel(tiny):
    depth = np.full((56, 56), 2.0, dtype=np.float32)
    depth[3, 3] = tiny
    labels = label_of(TrainingTransform(56, horizontal_flip=0.0), "depth", depth)
    assert np.isnan(labels[3, 3]) and np.isnan(labels).sum() == 1 and np.nanmax(labels) == 0.5


def test_near_clip_in_metres_holds_back_what_is_nearer():
    depth = ramp_with_a_speck()
    labels = label_of(TrainingTransform(56, horizontal_flip=0.0, near_clip=0.5), "depth", depth)
    plain = label_of(TrainingTransform(56, horizontal_flip=0.0), "depth", depth)
    assert plain[30, 30] == pytest.approx(1000) and labels[30, 30] == 2.0
    plain[30, 30] = 2.0
    np.testing.assert_array_equal(labels, plain)
    assert (labels[0] == 0).all() and np.isnan(labels[40, 40])


def test_near_clip_as_a_share_is_of_the_pixels_that_are_measured():
    depth = ramp_with_a_speck()
    labels = label_of(TrainingTransform(56, horizontal_flip=0.0, near_clip="2%"), "depth", depth)
    limit = np.quantile(depth[np.isfinite(depth)], 0.02)
    assert labels.max(where=~np.isnan(labels), initial=0) == labels[30, 30] == pytest.approx(1 / limit)
    assert (labels == labels[30, 30]).sum() == pytest.approx(0.02 * 55 * 56, abs=2)
    assert (labels[0] == 0).all() and np.isnan(labels[40, 40])


def test_near_clip_of_disparity_takes_a_share_only():
    disparity = 1 / np.where(np.isinf(ramp_with_a_speck()), np.inf, ramp_with_a_speck())
    labels = label_of(TrainingTransform(56, horizontal_flip=0.0, near_clip="2%"), "disparity", disparity)
    limit = np.quantile(disparity[np.isfinite(disparity) & (disparity > 0)], 0.98)
    assert labels[30, 30] == np.nanmax(labels) == pytest.approx(limit)
    assert (labels[0] == 0).all() and np.isnan(labels[40, 40])
    with pytest.raises(ValueError, match=r"near_clip is 0.1 metres, but the label is disparity.*such as '2%'"):
        label_of(TrainingTransform(56, near_clip=0.1), "disparity", disparity)


def test_near_clip_of_a_label_without_a_valid_pixel_changes_nothing():
    for kind in ("depth", "disparity"):
        empty = np.full((56, 56), np.nan, dtype=np.float32)
        assert np.isnan(label_of(TrainingTransform(56, near_clip="2%"), kind, empty)).all()


@pytest.mark.parametrize("wrong", ["0%", "50%", "-1", "near", "0", "nan", "2%%", ""])
def test_near_clip_is_a_percentage_or_metres(wrong):
    with pytest.raises(ValueError, match=r"near_clip is '.*', expected a percentage .* such as '2%', or metres"):
        TrainingTransform(56, near_clip=wrong)


def test_near_clip_is_for_disparity():
    with pytest.raises(ValueError, match=r"near_clip is 2%, but target is 'depth', which has min_depth"):
        TrainingTransform(56, target="depth", near_clip="2%")


def test_what_a_near_pixel_costs_is_what_the_documents_say():
    across = np.arange(518, dtype=np.float32) / 517
    slope = 1 + 3.7 * (across + across[:, None]) / 2
    exact = torch.from_numpy(1 / slope)[None]

    def cost(depth: np.ndarray, near_clip: Any) -> list[float]:
        labels = label_of(TrainingTransform(518, horizontal_flip=0.0, near_clip=near_clip), "depth", depth)
        terms = RelativeLoss(gradient_weight=2.0).terms(exact, torch.from_numpy(labels)[None], None, 0.0)
        return [values.item() for _, values in terms.values()]

    for place, gradients, clipped in ((259, 0.17, 0.001), (256, 13.7, 0.0095)):
        depth = slope.copy()
        depth[place, place] = 1e-3
        assert cost(depth, None) == pytest.approx([0.081, gradients], rel=0.03)
        assert cost(depth, "0.1%") == pytest.approx([0.0005, clipped], abs=5e-4)
    assert cost(slope, "2%") == pytest.approx([0.032, 0.020], rel=0.02)
