# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One way to a camera, said in the result; none and two are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from depth_anything_hf.geometry.intrinsics import CameraIntrinsics
from depth_anything_hf.inference.camera_choice import CameraChoice, describe_camera, find_unknown
from depth_anything_hf.utils.option_errors import OptionError


FILM = math.hypot(36, 24)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.jpg", exif=exif)
    return tmp_path / "photo.jpg"


@pytest.mark.parametrize(
    ("arguments", "focal", "said"),
    [
        ({"focal": 52}, 52, "52 px"),
        ({"focal": "52px"}, 52, "52 px"),
        ({"focal": " 52.5 "}, 52.5, "52.5 px"),
        ({"focal": "26mm"}, 26 * 50 / FILM, "26 mm (35 mm equivalent)"),
        ({"focal": "4.25 mm", "sensor_width": 5.6}, 4.25 / 5.6 * 40, "on a sensor 5.6 mm wide"),
        ({"fov": 90}, 20, "90°"),
        ({"camera": np.diag([52.0, 52.0, 1.0])}, 52, "matrix"),
        ({"camera": CameraIntrinsics(80, 60, 104, 104, 40, 30, "mine")}, 52, "mine"),
        ({}, 28 * 50 / FILM, "EXIF: 28 mm"),
    ],
)
def test_the_camera_and_how_it_is_known(photograph: Path, arguments: dict[str, Any], focal: float, said: str) -> None:
    camera = CameraChoice.make(**arguments).for_picture(photograph, 30, 40)
    assert (camera.width, camera.height) == (40, 30)
    assert camera.fx == pytest.approx(focal) and camera.fy == pytest.approx(focal)
    assert said in describe_camera(camera) and f"focal length {focal:.1f} px" in describe_camera(camera)


def test_what_is_given_wins_over_exif_and_a_pair_is_its_picture(photograph: Path) -> None:
    assert CameraChoice.make(focal=99).for_picture(photograph, 30, 40).fx == 99
    assert CameraChoice.make().for_picture(("a name", str(photograph)), 30, 40).fx == pytest.approx(28 * 50 / FILM)
    assert CameraChoice.make().for_picture(photograph.read_bytes(), 30, 40).fx == pytest.approx(28 * 50 / FILM)


@pytest.mark.parametrize("source", [np.zeros((30, 40, 3), np.uint8), Image.new("RGB", (40, 30)), "https://a.b/c.jpg"])
def test_without_exif_a_camera_must_be_given(source: Any) -> None:
    with pytest.raises(ValueError, match=r"no camera is known: its EXIF has no focal length; give --focal 1200"):
        CameraChoice.make().for_picture(source, 30, 40)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"focal": 50, "fov": 60}, "focal and fov say the same"),
        ({"focal": 50, "camera": np.eye(3)}, "camera and focal say the same"),
        ({"focal": 0}, "focal must be pixels"),
        ({"focal": "26 inches"}, "focal must be pixels"),
        ({"focal": "1e"}, "focal must be pixels"),
        ({"focal": "inf"}, "focal must be pixels"),
        ({"focal": True}, "focal must be pixels"),
        ({"focal": "4.25mm"}, "no lens is as short as 4.25 mm as a 35 mm equivalent"),
        ({"focal": 50, "sensor_width": 36.0}, "beside a focal length in millimetres only"),
        ({"sensor_width": 36.0}, "beside a focal length in millimetres only"),
        ({"focal": "26mm", "sensor_width": 0.0}, "positive number of millimetres"),
        ({"fov": 180}, "fov must be between 0 and 180"),
        ({"fov": math.nan}, "fov must be a number, got nan"),
        ({"camera": np.eye(4)}, "expected an intrinsic matrix"),
    ],
)
def test_no_camera_and_two_are_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        CameraChoice.make(**arguments)


def test_of_several_cameras_of_colmap_the_pictures_own_is_taken(tmp_path: Path, photograph: Path) -> None:
    file = tmp_path / "cameras.txt"
    file.write_text("1 PINHOLE 40 30 50 50 20 15\n2 PINHOLE 60 40 70 70 30 20\n")
    assert CameraChoice.make(camera=file).for_picture(photograph, 30, 40).fx == 50
    file.write_text("1 PINHOLE 40 30 50 50 20 15\n2 PINHOLE 40 30 70 70 20 15\n")
    choice = CameraChoice.make(camera=str(file))
    with pytest.raises(ValueError, match=r"has 2 cameras, 2 of them for pictures of 40 x 30"):
        choice.for_picture(photograph, 30, 40)
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 2 photo.jpg\n\n")
    assert CameraChoice.make(camera=str(file)).for_picture(photograph, 30, 40).fx == 70


def test_a_turned_photograph_has_the_turned_camera_of_its_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 8
    Image.new("RGB", (40, 30)).save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "camera.json").write_text(
        json.dumps({"width": 40, "height": 30, "fx": 50, "fy": 55, "cx": 18.0, "cy": 13.0})
    )
    camera = CameraChoice.make(camera=tmp_path / "camera.json").for_picture(tmp_path / "turned.jpg", 40, 30)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (55, 50, 13, 21)


def test_pictures_without_a_focal_length_are_found(tmp_path: Path, photograph: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "plain.png")
    assert find_unknown([photograph, tmp_path / "plain.png"]) == [tmp_path / "plain.png"]
