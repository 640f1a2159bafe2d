# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels of first samples that cannot be learned from, and what is said about them."""

from __future__ import annotations

from pathlib import Path

import cv2
import datasets
import numpy as np
import pytest
import torch

from depth_anything_hf.data.datasets import DepthFolder, DepthTable
from depth_anything_hf.data.first_labels import describe_useless_labels, first_labels
from depth_anything_hf.data.item_mixture import ItemMixture
from depth_anything_hf.data.mixture import Mixture, check_first_samples
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


METRIC = TrainingTransform(28, target="depth", min_depth=1e-3, max_depth=10.0)
RELATIVE = TrainingTransform(28)


def folder_of(root: Path, labels: list[np.ndarray]) -> Path:
    """A folder with one grey picture for each label, which is stored as it is."""
    for name in ("images", "depth"):
        (root / name).mkdir(parents=True)
    for index, label in enumerate(labels):
        cv2.imwrite(str(root / "images" / f"{index:02}.png"), np.full((*label.shape, 3), 127, dtype=np.uint8))
        if label.dtype == np.uint16:
            cv2.imwrite(str(root / "depth" / f"{index:02}.png"), label)
        else:
            np.save(root / "depth" / f"{index:02}.npy", label)
    return root


@pytest.fixture
def millimetres() -> list[np.ndarray]:
    return [np.arange(500, 500 + 56 * 56, dtype=np.uint16).reshape(56, 56)] * 3


@pytest.mark.parametrize("max_depth", [None, 10.0])
@pytest.mark.parametrize("kind", ["folder", "table", "stream"])
def test_a_scale_in_the_wrong_direction_is_named_with_its_inverse(tmp_path, millimetres, kind, max_depth, table_cache):
    root = folder_of(tmp_path / "rooms", millimetres)
    options = {"scale": 0.001, "max_depth": max_depth}
    transform = METRIC if max_depth is None else RELATIVE
    if kind == "folder":
        mixture = Mixture([DepthFolder(root, **options)], transform, names=["rooms"])
    else:
        columns = {name: [str(path) for path in sorted((root / f"{name}").iterdir())] for name in ("images", "depth")}
        table = datasets.Dataset.from_dict({"image": columns["images"], "depth": columns["depth"]})
        if kind == "table":
            mixture = Mixture([DepthTable(table, label="depth", **options)], transform, names=["rooms"])
        else:
            table.to_parquet(tmp_path / "rooms.parquet")
            source = DataSource(str(tmp_path / "rooms.parquet"), label="depth", streaming=True, **options)
            mixture = StreamingMixture([open_source(source)], transform, names=["rooms"])
    with pytest.raises(
        ValueError, match=r"^rooms: of the labels of its first 3 samples 0 have a valid pixel"
    ) as caught:
        check_first_samples(mixture)
    low = "0.001" if max_depth is None else "0"
    assert f"depth is 5e+05 to 3.635e+06 m, and valid is {low} to 10 m" in str(caught.value)
    assert "scale is 0.001" in str(caught.value)
    assert "with its inverse, 1000, they would be 0.5 to 3.635 m" in str(caught.value)


def test_millimetres_read_as_metres_are_guessed(tmp_path, millimetres):
    root = folder_of(tmp_path / "rooms", [each.astype(np.float32) for each in millimetres])
    expected = (
        r"500 to 3635 m, and valid .* scale to 1000, which gives 0\.5 to 3\.635 m; if .* max_depth has to be larger$"
    )
    with pytest.raises(ValueError, match=expected):
        check_first_samples(Mixture([DepthFolder(root)], METRIC))


@pytest.mark.parametrize("low", [0.5, 1.5])
def test_metres_divided_by_a_scale_are_told(tmp_path, low):
    """Whether all of them are too near to be valid or only hardly more than 0, which would train in silence."""
    depth = np.linspace(low, low + 0.25 if low < 1 else 9.0, 56 * 56, dtype=np.float32).reshape(56, 56)
    root = folder_of(tmp_path / "rooms", [depth] * 2)
    mixture = Mixture([DepthFolder(root, scale=1000)], METRIC, names=["rooms"])
    if low < 1:
        with pytest.raises(ValueError, match=r"^rooms: .* 0 have a valid pixel") as raised:
            check_first_samples(mixture)
        text = str(raised.value)
    else:
        with pytest.warns(UserWarning, match=r"^rooms: .* 2 have a valid pixel") as warned:
            check_first_samples(mixture)
        text = str(warned[0].message)
    assert f"depth is {low / 1000:g} to {depth.max() / 1000:g} m, and valid is 0.001 to 10 m; that is 1% of it" in text
    assert f"scale is 1000, with 1 they would be {low:g} to {depth.max():g} m" in text


def test_an_encoding_is_named_where_its_labels_are_useless(tmp_path):
    far = [np.full((56, 56), 60000, np.uint16)]
    mixture = Mixture([DepthFolder(folder_of(tmp_path, far), encoding="kitti")], METRIC, names=["rooms"])
    (told,) = describe_useless_labels(mixture)
    assert "their depth is 234.4 to 234.4 m, and valid is 0.001 to 10 m; its files were read as 'kitti'" in told
    assert "`depth-anything-hf encodings --file FILE`" in told and "set scale" not in told


def test_a_source_that_also_shows_something_near_is_no_reason_to_warn(tmp_path):
    near, far = (np.linspace(low, 2 * low, 56 * 56, dtype=np.float32).reshape(56, 56) for low in (0.02, 2.0))
    check_first_samples(Mixture([DepthFolder(folder_of(tmp_path / "near", [near, far]))], METRIC))
    constant_in_part = np.where(np.arange(56) < 28, np.float32(0.03), far)
    check_first_samples(Mixture([DepthFolder(folder_of(tmp_path / "part", [constant_in_part]))], METRIC))


def test_labels_that_a_clip_made_constant_are_warned_of_with_the_clip(tmp_path):
    depth = np.linspace(1, 9, 56 * 56, dtype=np.float32).reshape(56, 56)
    mixture = Mixture([DepthFolder(folder_of(tmp_path / "rooms", [depth]))], TrainingTransform(28, near_clip="10"))
    with pytest.warns(UserWarning, match=r"one value everywhere, such as 0\.1; .* and near_clip, 10: nearer pixels"):
        check_first_samples(mixture)


def test_one_of_several_sources_without_a_label_is_named(tmp_path):
    good, empty = np.linspace(1, 5, 56 * 56, dtype=np.float32).reshape(56, 56), np.zeros((56, 56), dtype=np.float32)
    roots = [folder_of(tmp_path / "good", [good]), folder_of(tmp_path / "empty", [empty] * 12)]
    mixture = Mixture([DepthFolder(root) for root in roots], RELATIVE, names=["good", "empty"])
    with pytest.raises(ValueError, match=r"^empty: .* first 10 samples 0 .*no value in them is usable, all are 0"):
        check_first_samples(mixture)
    (described,) = describe_useless_labels(mixture)
    assert described.startswith("empty: ")


def test_some_samples_without_a_label_are_no_fault(tmp_path):
    good, empty = np.linspace(1, 5, 56 * 56, dtype=np.float32).reshape(56, 56), np.full((56, 56), np.nan, np.float32)
    mixture = Mixture([DepthFolder(folder_of(tmp_path / "rooms", [empty, empty, good]))], RELATIVE)
    check_first_samples(mixture)
    found = first_labels(mixture, 0)
    assert (found.samples, found.valid_samples, found.lowest, found.highest) == (3, 1, 1.0, 5.0)
    assert describe_useless_labels(mixture) == []


def test_what_only_the_objective_takes_as_invalid_is_known_by_its_range(tmp_path):
    far = np.linspace(30, 50, 56 * 56, dtype=np.float32).reshape(56, 56)
    mixture = Mixture([DepthFolder(folder_of(tmp_path / "far", [far]))], TrainingTransform(28, target="depth"))
    check_first_samples(mixture)
    (described,) = describe_useless_labels(mixture, (0.001, 10.0))
    assert "30 to 50 m, and valid is 0.001 to 10 m" in described


def test_labels_of_one_value_are_a_warning(tmp_path):
    constant = np.full((56, 56), 2.0, dtype=np.float32)
    mixture = Mixture([DepthFolder(folder_of(tmp_path / "flat", [constant] * 2))], RELATIVE, names=["flat"])
    with pytest.warns(UserWarning, match=r"^flat: each label .* has one value everywhere, such as 0\.5"):
        check_first_samples(mixture)


def test_stored_labels_are_no_matter_where_a_teacher_makes_them(tmp_path):
    empty = np.zeros((56, 56), dtype=np.float32)
    transform = TrainingTransform(28, keep_clean=True)
    check_first_samples(Mixture([DepthFolder(folder_of(tmp_path / "rooms", [empty]))], transform))


def test_labels_of_items_that_are_tensors_already_are_described_too():
    items = [{"pixel_values": torch.rand(3, 28, 28), "labels": torch.full((28, 28), 500.0)}] * 3
    (described,) = describe_useless_labels(ItemMixture(items, name="rooms"), (0.001, 10.0))
    assert described.startswith(
        "rooms: of the labels of its first 3 samples 0 have a valid pixel; their values are 500"
    )
    assert "valid is 0.001 to 10 m" in described
