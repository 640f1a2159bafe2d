# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Camera files as other programs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from depth_anything_hf.inference.camera_files import read_cameras
from depth_anything_hf.inference.colmap_cameras import camera_of_picture, read_picture_cameras
from depth_anything_hf.inference.stored_camera import StoredCamera


FX, FY, CX, CY = 577.5, 578.25, 318.5, 242.25
BY_ROWS = [FX, 0, CX, 0, FY, CY, 0, 0, 1]
BY_COLUMNS = [FX, 0, 0, 0, FY, 0, CX, CY, 1]
SIZE = {"width": 640, "height": 480}
FOUR = f"{FX} 0 {CX} 0\n0 {FY} {CY} 0\n0 0 1 0\n0 0 0 1\n"
NUMBERS = {"fx": FX, "fy": FY, "cx": CX, "cy": CY}

FILES: dict[str, tuple[str, Any, bool]] = {
    # name: (file, content, whether it has the size)
    "Open3D": ("intrinsic.json", {**SIZE, "intrinsic_matrix": BY_COLUMNS}, True),
    "Open3D, of a trajectory": (
        "camera.json",
        {"class_name": "PinholeCameraParameters", "intrinsic": {**SIZE, "intrinsic_matrix": BY_COLUMNS}},
        True,
    ),
    "RealSense": (
        "intrinsics.json",
        {
            **SIZE,
            "ppx": CX,
            "ppy": CY,
            "fx": FX,
            "fy": FY,
            "model": "distortion.inverse_brown_conrady",
            "coeffs": [0] * 5,
        },
        True,
    ),
    "RealSense, color": (
        "rs.json",
        {
            "depth_scale": 0.001,
            "color": {**SIZE, "ppx": CX, "ppy": CY, "fx": FX, "fy": FY, "model": 2, "coeffs": [0] * 5},
        },
        True,
    ),
    "RealSense, printed": (
        "rs.txt",
        f"[ 640x480  p[{CX} {CY}]  f[{FX} {FY}]  Inverse Brown Conrady [0 0 0 0 0] ]",
        True,
    ),
    "ARKit, by columns": ("arkit.json", {"intrinsics": BY_COLUMNS, "imageResolution": [640, 480]}, True),
    "ARKit, nested columns": ("arkit.json", {"intrinsics": [[FX, 0, 0], [0, FY, 0], [CX, CY, 1]]}, False),
    "ARKit, by rows": ("frame_0.json", {"intrinsics": BY_ROWS, "cameraPoseARFrame": [1] * 16}, False),
    "Record3D": ("metadata.json", {"K": BY_COLUMNS, "w": 640, "h": 480}, True),
    "Polycam": ("camera.json", {**SIZE, **NUMBERS, "t_00": 1.0}, True),
    "ScanNet": ("intrinsic_color.txt", FOUR, False),
    "ScanNet, scene": (
        "scene0000_00.txt",
        f"colorHeight = 480\ncolorWidth = 640\nfx_color = {FX}\nfx_depth = 577.8\nfy_color = {FY}\nmx_color = {CX}\n"
        f"my_color = {CY}\nsceneType = Apartment\n",
        True,
    ),
    "matrix of 3 x 3": ("K.txt", f"{FX}, 0, {CX}\n0, {FY}, {CY}\n0, 0, 1\n", False),
    "ARKitScenes": ("a.pincam", f"640 480 {FX} {FY} {CX} {CY}", True),
    "four numbers": ("calib.txt", f"{FX} {FY} {CX} {CY}\n", False),
    "ROS": (
        "camera.yaml",
        f"image_width: 640\nimage_height: 480\ncamera_matrix:\n  rows: 3\n  cols: 3\n  data: {BY_ROWS}\n"
        "distortion_model: plumb_bob\ndistortion_coefficients:\n  rows: 1\n  cols: 5\n  data: [0, 0, 0, 0, 0]\n",
        True,
    ),
    "OpenCV": (
        "camera.yml",
        "%YAML:1.0\n---\nimage_width: 640\nimage_height: 480\ncamera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n"
        f"   dt: d\n   data: {BY_ROWS}\n",
        True,
    ),
    "nerfstudio": (
        "transforms.json",
        {"w": 640, "h": 480, "fl_x": FX, "fl_y": FY, "cx": CX + 0.5, "cy": CY + 0.5, "camera_model": "OPENCV"},
        True,
    ),
    "COLMAP": (
        "cameras.txt",
        f"# Camera list with one line of data per camera:\n1 PINHOLE 640 480 {FX} {FY} {CX + 0.5} {CY + 0.5}\n",
        True,
    ),
}


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("program", FILES)
def test_one_camera_in_the_files_of_many_programs(program: str, tmp_path: Path) -> None:
    name, content, has_size = FILES[program]
    (camera,) = read_cameras(write(tmp_path, name, content))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (FX, FY, CX, CY)
    assert (camera.width, camera.height) == ((640, 480) if has_size else (None, None))
    found = camera.for_picture(480, 640)
    assert not found.has_distortion and name in found.source
    assert ("no picture size" in " ".join(found.notes)) == (not has_size)


@pytest.mark.parametrize(
    ("name", "content", "expected", "model"),
    [
        ("a.json", {**SIZE, **NUMBERS, "model": "brown_conrady", "coeffs": [0.1, 0.2, 0.3, 0.4, 0.5]}, 5, "opencv"),
        ("a.json", {**SIZE, **NUMBERS, "k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4}, 4, "opencv"),
        ("a.json", {**SIZE, **NUMBERS, "distortion_coefficients": [[0.1, 0.2, 0.3, 0.4, 0.0]]}, 4, "opencv"),
        ("a.json", {**SIZE, **NUMBERS, "model": "kannala_brandt4", "coeffs": [0.1, 0.2, 0.3, 0.4, 0]}, 4, "fisheye"),
        ("a.txt", f"{FX} {FY} {CX} {CY} 0.1 0.2 0.3 0.4", 4, "opencv"),
        ("c.txt", f"1 OPENCV 640 480 {FX} {FY} {CX} {CY} 0.1 0.2 0.3 0.4", 4, "opencv"),
        ("c.txt", f"1 OPENCV_FISHEYE 640 480 {FX} {FY} {CX} {CY} 0.1 0.2 0.3 0.4", 4, "fisheye"),
        ("a.json", {**SIZE, **NUMBERS, "is_fisheye": True, "k1": 0.1, "k2": 0.2, "k3": 0.3, "k4": 0.4}, 4, "fisheye"),
        ("a.json", {**SIZE, **NUMBERS, "distortion_model": "equidistant", "d": [0, 0, 0, 0]}, 0, "fisheye"),
        ("c.txt", f"1 OPENCV_FISHEYE 640 480 {FX} {FY} {CX} {CY} 0 0 0 0", 0, "fisheye"),
        ("c.txt", f"1 FULL_OPENCV 640 480 {FX} {FY} {CX} {CY} 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8", 8, "opencv"),
    ],
)
def test_distortion_is_read_in_the_order_of_opencv(
    tmp_path: Path, name: str, content: Any, expected: int, model: str
) -> None:
    (camera,) = read_cameras(write(tmp_path, name, content))
    found = camera.for_picture(480, 640)
    assert found.distortion == pytest.approx((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)[:expected])
    assert found.distortion_model == model and found.has_distortion == camera.has_distortion is True


def test_models_of_one_coefficient_are_filled_up_with_zeros(tmp_path: Path) -> None:
    lines = f"1 SIMPLE_RADIAL 640 480 {FX} {CX} {CY} -0.1\n2 RADIAL_FISHEYE 640 480 {FX} {CX} {CY} 0.1 0.2\n"
    radial, fisheye = (camera.for_picture(480, 640) for camera in read_cameras(write(tmp_path, "cameras.txt", lines)))
    assert radial.distortion == (-0.1, 0, 0, 0) and radial.fx == radial.fy == FX and radial.cx == CX - 0.5
    assert fisheye.distortion == (0.1, 0.2, 0, 0) and fisheye.distortion_model == "fisheye"


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.json", {"frames": []}, "no camera that is known here among \\['frames'\\]"),
        ("a.json", {"intrinsics": [1, 2, 3]}, "no matrix with the rows"),
        ("a.json", {"fx": "wide", **SIZE}, "expected a number"),
        ("a.json", {**NUMBERS, "width": 640.5, "height": 480}, "whole pixels"),
        ("a.json", {**SIZE, **NUMBERS, "model": "inverse_brown_conrady", "coeffs": [0.1, 0, 0, 0, 0]}, "undistort"),
        ("a.txt", "a photograph of a camera", "no camera that is known here"),
        ("a.txt", "", "no matrix with the rows"),
        ("a.txt", "1 2 3", "no matrix with the rows"),
        ("c.txt", "1 FOV 640 480 500 500 320 240 0.9", "camera model 'FOV' is not supported"),
        ("c.txt", "1 PINHOLE 640 480 500 500 320", "numbers fx fy cx cy"),
        ("c.bin", "\0\1", "model_converter"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, name: str, content: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        read_cameras(write(tmp_path, name, content))
    assert name in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no such camera file"):
        read_cameras(tmp_path / "missing.json")


def test_a_focal_length_without_a_picture_size_is_refused(tmp_path: Path) -> None:
    (camera,) = read_cameras(write(tmp_path, "a.json", {"fx": 500.0}))
    with pytest.raises(ValueError, match=r"a\.json: no picture size \(width and height\) and no principal point"):
        camera.for_picture(480, 640)
    (sized,) = read_cameras(write(tmp_path, "a.json", {"fx": 500.0, **SIZE}))
    assert sized.for_picture(480, 640).cx == 319.5


def test_a_file_without_size_is_refused_for_pictures_that_it_is_not_for(tmp_path: Path) -> None:
    (camera,) = read_cameras(write(tmp_path, "intrinsic_color.txt", FOUR))
    with pytest.raises(ValueError, match=r"lies far from the middle of a picture of 1296 x 968"):
        camera.for_picture(968, 1296)


def test_a_camera_of_another_size_is_scaled_and_turned_as_the_picture_is(tmp_path: Path) -> None:
    (camera,) = read_cameras(write(tmp_path, "a.json", {**SIZE, **NUMBERS}))
    half = camera.for_picture(240, 320)
    assert half.fx == FX / 2 and half.cx == (CX + 0.5) / 2 - 0.5 and "scaled from 640 x 480" in half.notes[0]
    upright = camera.for_picture(320, 240, orientation=6)
    assert (upright.fx, upright.fy) == (FY / 2, FX / 2)
    assert "turned" in upright.notes[0] and upright.cx == pytest.approx((479 - CY + 0.5) / 2 - 0.5)
    with pytest.raises(ValueError, match="another ratio"):
        camera.for_picture(320, 240)


def test_images_txt_says_which_picture_has_which_camera(tmp_path: Path) -> None:
    cameras = write(tmp_path, "cameras.txt", "1 PINHOLE 4 4 2 2 2 2\n7 PINHOLE 4 4 3 3 2 2\n")
    assert read_picture_cameras(cameras) == {}
    write(
        tmp_path,
        "images.txt",
        "# IMAGE_ID ...\n1 1 0 0 0 0 0 0 1 left/a b.jpg\n\n2 1 0 0 0 0 0 0 7 right/a b.jpg\n1 2 3\n",
    )
    keys = read_picture_cameras(cameras)
    assert camera_of_picture(keys, "/data/right/a b.jpg") == "7"
    assert camera_of_picture(keys, "left\\a b.jpg") == "1"
    assert camera_of_picture(keys, "a b.jpg") is None
    assert camera_of_picture({**keys, ("a b.jpg",): "3"}, "right/a b.jpg") == "7"
    assert [camera.key for camera in read_cameras(cameras)] == ["1", "7"]


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_a_camera_whose_picture_exif_turns_by_a_half_is_taken_as_the_upright_one_and_said(orientation: int) -> None:
    aside = StoredCamera(300.0, 300.0, 350.0, 239.5, 640, 480).for_picture(480, 640, orientation)
    assert aside.cx == 350 and "EXIF turns the picture" in aside.notes[0]
    lens = StoredCamera(300.0, 300.0, 319.5, 239.5, 640, 480, (0.1, 0.0, 0.01)).for_picture(480, 640, orientation)
    assert "EXIF turns the picture" in lens.notes[0]
    middle = StoredCamera(300.0, 300.0, 319.5, 239.5, 640, 480, (0.1,)).for_picture(480, 640, orientation)
    assert not middle.notes and not StoredCamera(300.0, 300.0, 350.0, 239.5, 640, 480).for_picture(480, 640).notes
