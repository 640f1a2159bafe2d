# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `datasets` lists."""

from __future__ import annotations

import pathlib

from captured_datasets import write_scannet, write_sun_rgbd
from command_line import run


def test_datasets_are_listed_with_their_licenses() -> None:
    overview = run("datasets").output
    assert "hypersim" in overview and "CC BY-SA 3.0" in overview and "da-2k" in overview
    assert "moge-bundle" in overview and "all of moge-nyu, moge-kitti" in overview
    one = run("datasets", "hypersim").output
    assert "depth_meters.hdf5" in one and "hypersim-val@1" in one
    assert "name must be one of ['hypersim', " in run("datasets", "imaginary").output


def test_a_folder_is_opened_and_its_numbers_are_shown(tmp_path: pathlib.Path) -> None:
    write_scannet(tmp_path)
    shown = run("datasets", "scannet", "--root", str(tmp_path), "--option", "every=2").output.splitlines()
    assert shown[0].endswith(": 3 samples of ScanNet")
    assert shown[1].strip() == ("scene0000_00/color/2.jpg: 8 x 6, depth 1.4 / 10.7 / 20 m, 97.9% valid, camera known")
    assert len(shown) == 4


def test_a_foreign_folder_and_wrong_options_are_told(tmp_path: pathlib.Path) -> None:
    write_sun_rgbd(tmp_path)
    where = ("--root", str(tmp_path))
    assert "found no sample of ScanNet; expected in it:" in run("datasets", "scannet", *where).output
    assert "SUN RGB-D has no option 'evry'" in run("datasets", "sunrgbd", *where, "--option", "evry=2").output
    for text in ("every", "=2", "every=[1"):
        assert f"--option '{text}': expected NAME=VALUE" in run("datasets", "tum", *where, "--option", text).output
    assert "--root needs the NAME of a dataset" in run("datasets", *where).output
    assert "belong to --root" in run("datasets", "tum", "--split", "train").output
    two = run("datasets", "sunrgbd", *where, "--option", "sensors=[xtion]").output
    assert "1 sample of SUN RGB-D" in two and "xtion/sun3ddata/home/at/0001: 8 x 6" in two
