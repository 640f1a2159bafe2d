# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""KITTI: annotated depth, the Eigen test list and the selection."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from public_datasets import (
    CAMERA,
    KITTI_DRIVE,
    expected_depth,
    genuine,
    names_of,
    stored_depth,
    write_codes,
    write_picture,
)

from depth_anything_hf.data.public.catalog import open_public


def test_kitti(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("kitti", roots["kitti"])
    assert names_of(samples) == [f"{KITTI_DRIVE}/image_02/0000000005", f"{KITTI_DRIVE}/image_02/0000000069"]
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=0.002, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    for kind in ("raw", "data_depth_annotated"):
        shutil.copytree(roots["kitti"], tmp_path / kind)
    assert len(open_public("kitti", tmp_path, "val")) == 2
    assert len(open_public("kitti", tmp_path, raw_root=roots["kitti"], depth_root=roots["kitti"])) == 2


@pytest.mark.parametrize(
    "lines",
    [
        "2011_09_26/{0}/image_02/data/0000000069.png {0}/proj_depth/groundtruth/image_02/0000000069.png 721.5\n"
        "2011_09_26/{0}/image_02/data/0000000070.png None 721.5\n",
        "2011_09_26/{0} 0000000069 l\n2011_09_26/{0} 0000000070 l\n",
        "2011_09_26/{0}/image_02/data/69.png\n",
    ],
)
@pytest.mark.filterwarnings("ignore:.*have no annotated depth")
def test_kitti_eigen_test_list(lines: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    (tmp_path / "list.txt").write_text(lines.format(KITTI_DRIVE))
    samples = open_public("kitti", roots["kitti"], "eigen-test", list_file=tmp_path / "list.txt")
    assert names_of(samples) == [f"{KITTI_DRIVE}/image_02/0000000069"]


def test_kitti_eigen_test_list_that_is_wrong(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"eigen_test_files_with_gt.txt: no such file.*cleinc/bts"):
        open_public("kitti", roots["kitti"], "eigen-test")
    listed = tmp_path / "list.txt"
    listed.write_text(f"2011_09_26/{KITTI_DRIVE} 0000000069 l\n2011_09_26/{KITTI_DRIVE} 0000000070 l\n")
    with pytest.warns(UserWarning, match="1 of 2 images have no annotated depth"):
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)
    listed.write_text("2011_09_26/2011_09_26_drive_0009_sync 0000000069 l\n")
    with pytest.raises(FileNotFoundError, match="2 files of KITTI") as caught:
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)
    expected = "val/2011_09_26_drive_0009_sync/proj_depth/groundtruth/image_02/0000000069.png"
    assert expected in str(caught.value).replace("\\", "/")
    listed.write_text("what is this\n")
    with pytest.raises(ValueError, match="expected a drive and a frame number, got the line 'what is this'"):
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)


def test_kitti_selection(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "depth_selection" / "val_selection_cropped"
    write_picture(folder / "image" / f"{KITTI_DRIVE}_image_0000000008_image_02.png")
    depth = folder / "groundtruth_depth" / f"{KITTI_DRIVE}_groundtruth_depth_0000000008_image_02.png"
    write_codes(depth, stored_depth(0, factor=256))
    (folder / "intrinsics").mkdir()
    numbers = " ".join(map(str, CAMERA.ravel()))
    (folder / "intrinsics" / f"{KITTI_DRIVE}_image_0000000008_image_02.txt").write_text(numbers)
    sample = open_public("kitti", tmp_path, "selection")[0]
    assert np.array_equal(sample["intrinsics"], CAMERA) and sample["name"].endswith("image_0000000008_image_02")
    assert np.allclose(sample["depth"], expected_depth(), atol=0.002, equal_nan=True)


def test_genuine_kitti(tmp_path: pathlib.Path) -> None:
    picture, label = (genuine("kitti", f"{name}_0000000100.png") for name in ("image", "proj_depth_groundtruth"))
    places = {
        picture: tmp_path / "2011_09_26" / KITTI_DRIVE / "image_02/data/0000000100.png",
        label: tmp_path / "val" / KITTI_DRIVE / "proj_depth/groundtruth/image_02/0000000100.png",
    }
    for source, place in places.items():
        place.parent.mkdir(parents=True)
        shutil.copy(source, place)
    sample = open_public("kitti", tmp_path)[0]
    valid = np.isfinite(sample["depth"])
    assert sample["image"].shape[:2] == sample["depth"].shape
    found = [valid.mean(), *np.percentile(sample["depth"][valid], [0, 50, 100])]
    assert np.allclose(found, [0.1827, 5.129, 13.242, 80.809], atol=0.0005)
