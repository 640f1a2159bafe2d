# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""CutMix: images and labels are mixed by the region, and each micro-batch by its own random numbers."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf.data.cutmix import BatchCutMix, cutmix, sample_cutmix_box
from depth_anything_hf.losses.loss_weights import RelativeLoss


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


def test_an_image_alone_in_its_batch_stays_as_it_is() -> None:
    batch = {"pixel_values": torch.rand(1, 3, 28, 28), "labels": torch.rand(1, 28, 28)}
    mixed = cutmix(batch, np.random.default_rng(0), probability=1.0)
    assert not mixed["region"].any() and mixed["partner"].tolist() == [0]
    prediction = torch.rand(1, 28, 28)
    apart = RelativeLoss().terms(prediction, mixed["labels"], mixed["region"], 0.0)
    whole = RelativeLoss().terms(prediction, batch["labels"], None, 0.0)
    assert all(torch.equal(apart[name][1], whole[name][1]) for name in ("ssi", "gradient"))
