# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Cameras of other sizes and turned pictures see the same; what no camera is is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from depth_anything_hf.data.decoding.orientation import turn_upright
from depth_anything_hf.geometry.intrinsics import CameraIntrinsics, focal_from_equivalent


CAMERA = CameraIntrinsics(640, 480, 600.0, 610.0, 300.5, 250.25, "test")


def test_field_of_view_and_matrix_go_round() -> None:
    camera = CameraIntrinsics.from_field_of_view(63.5, 48, 64)
    assert camera.field_of_view_degrees == pytest.approx(63.5)
    assert CameraIntrinsics.from_matrix(camera.matrix, 48, 64) == replace(camera, source="given")


def test_a_scaled_camera_sees_the_same_through_the_same_part_of_the_picture() -> None:
    scaled = CAMERA.scale_to(240, 320)
    assert (scaled.width, scaled.height) == (320, 240)
    # The border between the second and the third pixel of the one is that of the fourth and fifth of the other.
    assert (3.5 - CAMERA.cx) / CAMERA.fx == pytest.approx((1.5 - scaled.cx) / scaled.fx)
    assert (3.5 - CAMERA.cy) / CAMERA.fy == pytest.approx((1.5 - scaled.cy) / scaled.fy)
    assert "640 x 480" in scaled.notes[-1] and CAMERA.scale_to(480, 640) is CAMERA


@pytest.mark.parametrize("size", [(480, 480), (640, 480), (360, 640)])
def test_a_picture_of_another_ratio_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"640 x 480 pixels, the picture has {size[1]} x {size[0]}"):
        CAMERA.scale_to(*size)


def test_rounding_of_a_small_picture_is_no_other_ratio() -> None:
    assert CameraIntrinsics.from_focal_length(1000, 1080, 1920).scale_to(67, 120).height == 67


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_turned_camera_sees_each_pixel_where_the_turned_picture_has_it(orientation: int) -> None:
    small = CameraIntrinsics(8, 6, 7.0, 9.0, 3.2, 2.1)
    across = np.broadcast_to((np.arange(8) - small.cx) / small.fx, (6, 8))
    down = np.broadcast_to(((np.arange(6) - small.cy) / small.fy)[:, None], (6, 8))
    turned = small.turn_upright(orientation)
    assert (turned.width, turned.height) == (6, 8)
    new_across = np.broadcast_to((np.arange(6) - turned.cx) / turned.fx, (8, 6))
    # A quarter turn makes down to across, up to the sign.
    upright_down = turn_upright(np.ascontiguousarray(down), orientation)
    np.testing.assert_allclose(np.abs(new_across), np.abs(upright_down))
    new_down = np.broadcast_to(((np.arange(8) - turned.cy) / turned.fy)[:, None], (8, 6))
    np.testing.assert_allclose(np.abs(new_down), np.abs(turn_upright(np.ascontiguousarray(across), orientation)))


def test_a_35_mm_equivalent_is_by_the_diagonal() -> None:
    # The diagonal field of view of 43.27 mm film behind a lens of that length is twice the arc tangent of a half.
    focal = focal_from_equivalent(math.hypot(36, 24), 3000, 4000)
    assert 2 * math.atan(2500 / focal) == pytest.approx(2 * math.atan(0.5))


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"width": 0}, "at least 1 pixel"),
        ({"fx": 0.0}, "fx and fy must be positive"),
        ({"fy": -480.0}, "fx and fy must be positive"),
        ({"fx": math.nan}, "fx and fy must be positive"),
        ({"cx": math.inf}, "cx and cy must be finite"),
        ({"distortion": (0.1,)}, "4, 5, 8, 12, 14 finite numbers"),
        ({"distortion": (0.1, math.nan, 0.0, 0.0)}, "finite numbers"),
        ({"distortion": (0.1,) * 5, "distortion_model": "fisheye"}, "must be 4 finite"),
        ({"distortion_model": "fov"}, "must be one of"),
    ],
)
def test_impossible_cameras_are_refused(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        replace(CAMERA, **changed)


@pytest.mark.parametrize("matrix", [np.eye(4), np.eye(3) * 2, CAMERA.matrix.T, np.full((3, 3), np.nan)])
def test_matrices_of_no_pinhole_are_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected an intrinsic matrix"):
        CameraIntrinsics.from_matrix(matrix, 4, 4)


def test_pixel_centres_are_those_of_opencv() -> None:
    point = np.array([[[0.4, -0.2, 2.0]]])
    pixel, _ = cv2.projectPoints(point, np.zeros(3), np.zeros(3), CAMERA.matrix, None)
    expected = (CAMERA.fx * 0.2 + CAMERA.cx, CAMERA.fy * -0.1 + CAMERA.cy)
    np.testing.assert_allclose(pixel.ravel(), expected)
