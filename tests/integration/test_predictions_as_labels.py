# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Photographs with the files that `predict` wrote of them are a dataset, without any option."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.data_source import DataSource
from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.source_kinds import detect_kind
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.inference.prediction_files import encode_prediction
from depth_anything_hf.inference.prediction_folder import PredictionFolder
from depth_anything_hf.inference.prediction_formats import FORMATS, OutputSettings
from depth_anything_hf.inference.prediction_sources import find_image_files


NUMBERS = [name for name, each in FORMATS.items() if not each.is_picture]
NAMES = ("a.jpg", "b.png", "scene/c_rgb.png")


def values_of(name: str, kind: str) -> np.ndarray:
    values = np.random.default_rng(len(name)).uniform(1, 9, (30, 40)).astype(np.float32)
    values[:2] = np.nan
    return values if kind == "depth" else values - 4


def predicted(root: Path, kind: str, formats: tuple[str, ...], labels: str = "depth") -> Path:
    """Write photographs, and predictions as the command would, with values that are known."""
    for number, name in enumerate(NAMES):
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(colours).save(path)
    settings = OutputSettings(formats)
    sources = find_image_files([root / "images"])
    with PredictionFolder(root / labels) as folder:
        planned = folder.plan(sources, list(settings.suffixes))
        for one in folder.missing(planned, settings.suffixes, {"kind": kind}):
            image = np.zeros((30, 40, 3), np.uint8)
            folder.save(one, *encode_prediction(values_of(one.source.name, kind), kind, settings, image=image))
    return root


def check_labels(samples: DepthFolder, kind: str, step: float = 0.0) -> None:
    assert samples.label == kind and len(samples) == len(NAMES)
    for index in range(len(samples)):
        sample = samples[index]
        name = Path(sample["name"]).relative_to(samples.root / "images").as_posix()
        expected = values_of(name, kind)
        np.testing.assert_allclose(sample[kind], expected, rtol=0, atol=step + 1e-6)


@pytest.mark.parametrize("with_list", [True, False])
@pytest.mark.parametrize("name", NUMBERS)
def test_each_format_is_a_label_with_the_list_and_without(name: str, with_list: bool, tmp_path: Path) -> None:
    root = predicted(tmp_path / "set", "depth", (name, "color", "side_by_side"))
    if not with_list:
        (root / "depth" / "predictions.json").unlink()
    check_labels(open_source(root), "depth", step={"mm": 0.001, "kitti": 0.002, "png16": 0.001}.get(name, 0))


@pytest.mark.parametrize("labels", ["depth", "disparity", "depth_maps"])
def test_the_kind_is_told_by_the_predictions_and_not_by_the_folder(labels: str, tmp_path: Path) -> None:
    root = predicted(tmp_path / "set", "disparity", ("npz", "png16", "color"), labels)
    check_labels(open_source(root), "disparity")
    check_labels(open_source({"path": str(root), "label": "disparity"}), "disparity")
    # By the files alone, as where they were copied.
    (root / labels / "predictions.json").unlink()
    for path in (root / labels).rglob("*.npz"):
        path.unlink()
    check_labels(open_source(root), "disparity", step=0.001)
    with pytest.raises((ValueError, FileNotFoundError), match="disparity"):
        open_source({"path": str(root), "label": "depth"})


def test_of_several_formats_the_most_exact_one_is_read(tmp_path: Path) -> None:
    every = tuple(FORMATS)
    root = predicted(tmp_path / "set", "depth", every)
    samples = open_source(root)
    check_labels(samples, "depth")
    assert {Path(samples._pairs.pair(index)[1]).suffix for index in range(len(samples))} == {".npz"}
    for path in (root / "depth").rglob("*.np[zy]"):
        path.unlink()
    for path in (root / "depth").rglob("*.tiff"):
        path.unlink()
    check_labels(open_source(root), "depth")
    # Another folder of labels in the same set, and both moved apart.
    moved = tmp_path / "elsewhere"
    shutil.move(root / "depth", moved / "depth")
    shutil.copytree(root / "images", moved / "images")
    check_labels(open_source(moved), "depth")


def test_labels_lie_upright_as_the_photographs_do(tmp_path: Path) -> None:
    root = predicted(tmp_path / "set", "depth", ("mm",))
    # Turned by 180 degrees: the size tells nothing.
    for name in NAMES:
        path = root / "images" / name
        with Image.open(path) as picture:
            exif = picture.getexif()
            exif[274] = 3
            picture.load()
            picture.save(path, exif=exif)
    sample = open_source(root)[1]
    np.testing.assert_allclose(sample["depth"], values_of("b.png", "depth"), atol=0.001)
    stored = np.asarray(Image.open(root / "images" / "b.png"))
    np.testing.assert_array_equal(sample["image"], stored[::-1, ::-1])


@pytest.mark.parametrize("with_list", [True, False])
def test_no_search_for_photographs_takes_the_files(with_list: bool, tmp_path: Path) -> None:
    root = predicted(tmp_path / "set", "depth", tuple(FORMATS), labels="images")
    if not with_list:
        (root / "images" / "predictions.json").unlink()
        with pytest.warns(UserWarning, match="left out"):
            found = PhotoFolder(root / "images").names
    else:
        found = PhotoFolder(root / "images").names
    assert found == [str(root / "images" / name) for name in NAMES]


def test_photographs_beside_their_labels_are_photographs_still(tmp_path: Path) -> None:
    root = predicted(tmp_path / "set", "disparity", tuple(n for n in FORMATS if FORMATS[n].scale is None))
    assert PhotoFolder(root).names == [str(root / "images" / name) for name in NAMES]
    assert detect_kind(DataSource(str(root))) == "folder"
