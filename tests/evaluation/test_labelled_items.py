# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Any dataset of images and labels is scored like a folder of the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.evaluation.labelled_items import labelled_dataset


def test_a_dataset_with_names_and_arrays_stays_as_it_is(labelled_folder):
    dataset = DepthFolder(labelled_folder)
    assert labelled_dataset(dataset, "evaluation") is dataset


@pytest.mark.parametrize("kind", [Image.fromarray, torch.from_numpy, np.asarray])
def test_pictures_tensors_and_samples_without_names_become_samples(labelled_folder, kind):
    folder = DepthFolder(labelled_folder, limit=2)
    items = [
        {"image": kind(sample["image"]), "depth": torch.from_numpy(sample["depth"])}
        for sample in map(folder.__getitem__, range(2))
    ]
    dataset = labelled_dataset(items, "evaluation")
    assert len(dataset) == 2 and dataset[1]["name"] == "list[1]"
    assert np.array_equal(dataset[1]["image"], folder[1]["image"]) and np.array_equal(
        dataset[1]["depth"], folder[1]["depth"]
    )


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (3, TypeError, "evaluation is a int, expected a dataset"),
        ([], ValueError, "evaluation is empty"),
        (
            [{"pixel_values": 1, "labels": 2}],
            ValueError,
            r"\['labels', 'pixel_values'\], expected a dict",
        ),
        ([{"image": np.zeros((4, 4, 3), np.uint8)}], ValueError, r"keys \['image'\], .*'depth' or 'disparity'"),
        ([(1, 2)], ValueError, "is tuple, expected a dict"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_what_is_expected(items, error, message):
    with pytest.raises(error, match=message):
        labelled_dataset(items, "evaluation")


def test_a_normalized_image_is_refused_by_name():
    dataset = labelled_dataset([{"image": torch.zeros(3, 4, 4), "depth": torch.ones(4, 4)}], "evaluation")
    with pytest.raises(ValueError, match=r"list\[0\]: the image is float32 \(3, 4, 4\), expected uint8"):
        _ = dataset[0]
