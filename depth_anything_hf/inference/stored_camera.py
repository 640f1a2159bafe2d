# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A camera as a file has it, possibly without a picture size, and how it becomes that of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..geometry.intrinsics import DISTORTION_LENGTHS, CameraIntrinsics, DistortionModel


# Of the picture's side: how far from the middle a principal point may lie whose file has no picture size.
LARGEST_OFFSET = 0.15
QUARTER_TURNS = (5, 6, 7, 8)
# A principal point that is nearer to the middle is hardly another one in the turned picture.
UNTURNED_PIXELS = 0.5


@dataclass(frozen=True)
class StoredCamera:
    """Numbers of a camera file; pixel centres are whole numbers.

    Attributes:
        fx: focal length, pixels.
        fy: focal length, pixels.
        cx: principal point, pixels; None: not in the file.
        cy: likewise.
        width: of the pictures that the numbers are for; None: not in the file.
        height: likewise.
        distortion: coefficients of OpenCV, of any number.
        distortion_model: "opencv" or "fisheye".
        source: the file, in words.
        key: of one camera among several; "" for the only one.
        is_straightened: whether it is of pictures whose distortion `predict` has taken out.
    """

    fx: float
    fy: float
    cx: float | None
    cy: float | None
    width: int | None
    height: int | None
    distortion: tuple[float, ...] = ()
    distortion_model: DistortionModel = "opencv"
    source: str = "camera file"
    key: str = ""
    is_straightened: bool = False

    @property
    def has_distortion(self) -> bool:
        """Whether straight lines are bent in the pictures."""
        return self.distortion_model == "fisheye" or any(self.distortion)

    def for_picture(self, height: int, width: int, orientation: int = 1) -> CameraIntrinsics:
        """Return the camera of an upright picture: scaled to its size, and turned as its EXIF turns it.

        Args:
            height: of the upright picture, pixels.
            width: of the upright picture, pixels.
            orientation: of EXIF.

        Raises:
            ValueError: a size of another ratio, or no size in the file and a principal point far from the picture's
                middle, or neither size nor principal point.
        """
        is_quarter = orientation in QUARTER_TURNS
        stored = (width, height) if is_quarter else (height, width)
        if self.width is None or self.height is None:
            sizes = [size for size in (stored, (height, width)) if self._offset(*size) <= LARGEST_OFFSET]
            camera = self._of_size(*(sizes or [stored])[0])
        else:
            camera = self._of_own_size()
        if is_quarter and camera.has_ratio_of(*stored) and camera.width != camera.height:
            camera = camera.turn_upright(orientation)
        elif orientation != 1 and _has_sides(camera):
            note = (
                "EXIF turns the picture, and the size does not tell which way: taken as the camera of the upright one"
            )
            camera = replace(camera, notes=(*camera.notes, note))
        return camera.scale_to(height, width)

    def fits(self, height: int, width: int) -> bool:
        """Return whether the camera is for pictures of that size, upright or not."""
        return {height, width} == {self.height, self.width}

    def _of_own_size(self) -> CameraIntrinsics:
        assert self.width is not None and self.height is not None
        notes: tuple[str, ...] = ()
        cx, cy = self.cx, self.cy
        if cx is None or cy is None:
            cx, cy = self.width / 2 - 0.5, self.height / 2 - 0.5
            notes = ("principal point taken in the middle",)
        return self._make(self.height, self.width, cx, cy, notes)

    def _of_size(self, height: int, width: int) -> CameraIntrinsics:
        """Take the numbers for those of the picture, where its principal point says that they may be."""
        missing = f"{self.source}: no picture size (width and height)"
        if self.cx is None or self.cy is None:
            raise ValueError(f"{missing} and no principal point, so that its focal length says nothing; add the size")
        if self._offset(height, width) > LARGEST_OFFSET:
            raise ValueError(
                f"{missing}, and its principal point ({self.cx:g}, {self.cy:g}) lies far from the middle of a picture "
                f"of {width} x {height} pixels: it is for pictures of another size; add the size to the file"
            )
        note = f"no picture size in the file: taken as {width} x {height}, whose middle its principal point is near"
        return self._make(height, width, self.cx, self.cy, (note,))

    def _offset(self, height: int, width: int) -> float:
        if self.cx is None or self.cy is None:
            return math.inf
        return max(abs((self.cx + 0.5) / width - 0.5), abs((self.cy + 0.5) / height - 0.5))

    def _make(self, height: int, width: int, cx: float, cy: float, notes: tuple[str, ...]) -> CameraIntrinsics:
        distortion = fit_length(self.distortion, self.distortion_model)
        try:
            return CameraIntrinsics(
                width, height, self.fx, self.fy, cx, cy, self.source, notes, distortion, self.distortion_model
            )
        except ValueError as error:
            raise ValueError(f"{self.source}: {error}") from error


def _has_sides(camera: CameraIntrinsics) -> bool:
    """Return whether a camera is another one once its picture is turned by a half."""
    offset = max(abs(camera.cx + 0.5 - camera.width / 2), abs(camera.cy + 0.5 - camera.height / 2))
    is_tangential = camera.distortion_model == "opencv" and any(camera.distortion[2:4])
    return offset > UNTURNED_PIXELS or is_tangential


def fit_length(coefficients: Sequence[float], model: DistortionModel) -> tuple[float, ...]:
    """Return coefficients with zeros at the end left out or added, so that OpenCV takes their number."""
    given = tuple(map(float, coefficients))
    while given and given[-1] == 0:
        given = given[:-1]
    longer = [length for length in DISTORTION_LENGTHS[model] if length >= len(given)]
    return given + (0.0,) * (longer[0] - len(given)) if longer else given
