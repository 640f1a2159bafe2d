# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The intrinsics of a camera for one picture size: where they come from, other sizes, turned pictures.

Integer pixel indices are pixel centres, as in OpenCV: a picture spans -0.5 .. width - 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .camera import pinhole_intrinsics


DistortionModel = Literal["opencv", "fisheye"]
# Numbers that `cv2.undistort` and `cv2.fisheye` take: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [tx ty]]]], and k1..k4.
DISTORTION_LENGTHS: dict[DistortionModel, tuple[int, ...]] = {"opencv": (0, 4, 5, 8, 12, 14), "fisheye": (0, 4)}
# Of the film of 35 mm: 36 mm by 24 mm. Equivalent focal lengths compare diagonals (CIPA DCG-001).
FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
# Of the ratio of width to height, between a camera's picture and another one that shows the same.
RATIO_TOLERANCE = 0.01


@dataclass(frozen=True)
class CameraIntrinsics:
    """A pinhole camera, or one with a lens distortion of OpenCV, for pictures of one size.

    Attributes:
        width: of the picture, pixels.
        height: of the picture, pixels.
        fx: focal length, in pixels of the picture's width.
        fy: focal length, in pixels of its height.
        cx: principal point, pixels from the centre of the left column.
        cy: principal point, pixels from the centre of the top row.
        source: how this is known, in words, such as "EXIF: 26 mm (35 mm equivalent)".
        notes: what was done or assumed on the way, such as scaling to the picture's size.
        distortion: coefficients as OpenCV takes them, see `DISTORTION_LENGTHS`; empty is all zero.
        distortion_model: "opencv" (radial and tangential, `cv2.undistort`; a pinhole where all are zero) or "fisheye"
            (`cv2.fisheye`; equidistant where all are zero).

    Raises:
        ValueError: a size, focal length, principal point or number of coefficients that no such camera has.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    source: str = "given"
    notes: tuple[str, ...] = ()
    distortion: tuple[float, ...] = ()
    distortion_model: DistortionModel = "opencv"

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"width and height must be at least 1 pixel, got {self.width} and {self.height}")
        if not all(math.isfinite(value) and value > 0 for value in (self.fx, self.fy)):
            raise ValueError(f"fx and fy must be positive numbers of pixels, got {self.fx:g} and {self.fy:g}")
        if not (math.isfinite(self.cx) and math.isfinite(self.cy)):
            raise ValueError(f"cx and cy must be finite numbers of pixels, got {self.cx} and {self.cy}")
        if self.distortion_model not in DISTORTION_LENGTHS:
            raise ValueError(
                f"distortion_model must be one of {list(DISTORTION_LENGTHS)}, got {self.distortion_model!r}"
            )
        lengths = DISTORTION_LENGTHS[self.distortion_model]
        if len(self.distortion) not in lengths or not all(map(math.isfinite, self.distortion)):
            raise ValueError(
                f"distortion of the model {self.distortion_model!r} must be {', '.join(map(str, lengths[1:]))} finite "
                f"numbers, got {list(self.distortion)}"
            )

    @classmethod
    def from_matrix(
        cls, matrix: np.ndarray, height: int, width: int, source: str = "given", notes: tuple[str, ...] = ()
    ) -> CameraIntrinsics:
        """Take a pinhole matrix (3, 3) in pixels: rows (fx, 0, cx), (0, fy, cy), (0, 0, 1).

        Raises:
            ValueError: another shape, skew, or a bottom row that no intrinsic matrix has.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.shape != (3, 3):
            raise ValueError(f"expected an intrinsic matrix (3, 3), got {matrix.shape}")
        skew = abs(matrix[0, 1]) > 1e-3 * abs(matrix[0, 0])
        if not np.isfinite(matrix).all() or skew or matrix[1, 0] != 0 or not np.allclose(matrix[2], [0, 0, 1]):
            raise ValueError(
                "expected an intrinsic matrix with the rows (fx, 0, cx), (0, fy, cy), (0, 0, 1), got "
                f"{matrix.tolist()}"
            )
        fx, fy, cx, cy = (float(matrix[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
        return cls(width, height, fx, fy, cx, cy, source, notes)

    @classmethod
    def from_focal_length(
        cls, focal: float, height: int, width: int, source: str = "given", notes: tuple[str, ...] = ()
    ) -> CameraIntrinsics:
        """Take a focal length in pixels, square pixels and the principal point in the middle."""
        return cls(width, height, focal, focal, width / 2 - 0.5, height / 2 - 0.5, source, notes)

    @classmethod
    def from_field_of_view(cls, degrees: float, height: int, width: int, source: str = "given") -> CameraIntrinsics:
        """Take the angle between the left and the right border of the picture, in (0, 180) degrees."""
        return cls.from_matrix(pinhole_intrinsics(height, width, degrees), height, width, source)

    @property
    def matrix(self) -> np.ndarray:
        """Intrinsic matrix, float64 (3, 3), in pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def has_distortion(self) -> bool:
        """Whether straight lines are bent."""
        return self.distortion_model == "fisheye" or any(self.distortion)

    @property
    def field_of_view_degrees(self) -> float:
        """Angle between the left and the right border, without distortion."""
        left, right = (-0.5 - self.cx) / self.fx, (self.width - 0.5 - self.cx) / self.fx
        return math.degrees(math.atan(right) - math.atan(left))

    def has_ratio_of(self, height: int, width: int) -> bool:
        """Return whether a picture of that size may be this camera's, resized."""
        # Rounding to whole pixels changes the ratio of small pictures more.
        tolerance = RATIO_TOLERANCE + 1 / min(height, width, self.height, self.width)
        return abs(math.log(width / height * self.height / self.width)) <= tolerance

    def scale_to(self, height: int, width: int) -> CameraIntrinsics:
        """Return the camera of the picture resized to another size, with a note of it.

        Raises:
            ValueError: the size has another ratio of width to height.
        """
        if (height, width) == (self.height, self.width):
            return self
        if not self.has_ratio_of(height, width):
            raise ValueError(
                f"the camera ({self.source}) is for pictures of {self.width} x {self.height} pixels, the picture has "
                f"{width} x {height}: another ratio, so that it was cropped or turned, and where is not known; give "
                "the camera of this picture's size"
            )
        across, down = width / self.width, height / self.height
        note = f"scaled from {self.width} x {self.height} to {width} x {height} pixels"
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=(self.cx + 0.5) * across - 0.5,
            cy=(self.cy + 0.5) * down - 0.5,
            notes=(*self.notes, note),
        )

    def turn_upright(self, orientation: int) -> CameraIntrinsics:
        """Return the camera of a stored picture once that is turned by a quarter, as its EXIF orientation says.

        Args:
            orientation: of EXIF, 5 to 8.

        Raises:
            ValueError: another orientation, or a camera with distortion.
        """
        right, bottom = self.width - 1 - self.cx, self.height - 1 - self.cy
        places = {5: (self.cy, self.cx), 6: (bottom, self.cx), 7: (bottom, right), 8: (self.cy, right)}
        if orientation not in places:
            raise ValueError(f"orientation must be one of {list(places)}, got {orientation}")
        if self.has_distortion:
            raise ValueError(
                f"the camera ({self.source}) has a distortion and is for the picture as stored, but EXIF turns the "
                "picture; save it without EXIF orientation"
            )
        cx, cy = places[orientation]
        note = "turned as the picture's EXIF orientation says"
        return CameraIntrinsics(
            self.height, self.width, self.fy, self.fx, cx, cy, self.source, notes=(*self.notes, note)
        )


def focal_from_equivalent(millimetres: float, height: int, width: int) -> float:
    """Return the focal length in pixels of a 35 mm equivalent: both see the same across their diagonals."""
    return millimetres * math.hypot(height, width) / FILM_DIAGONAL_MM
