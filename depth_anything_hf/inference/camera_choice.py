# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which camera a picture was taken with: a given one, a camera file, a focal length, a field of view, or its EXIF."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from ..data.decoding.exif_camera import ExifCamera, read_exif_camera
from ..geometry.intrinsics import CameraIntrinsics, focal_from_equivalent
from ..utils.option_errors import OptionError, option_errors
from ..utils.paths import local_path
from ..utils.typed_fields import convert_argument
from .camera_files import read_cameras
from .colmap_cameras import camera_of_picture, read_picture_cameras
from .stored_camera import StoredCamera


Camera: TypeAlias = "CameraIntrinsics | np.ndarray | str | os.PathLike[str]"

FOCAL = re.compile(r"\s*(?P<number>[-+.\deE]+)\s*(?P<unit>px|pixels?|mm)?\s*", re.IGNORECASE)
# No lens for film of 35 mm is shorter: such a number is that of a phone's lens itself.
SHORTEST_EQUIVALENT_MM = 8.0
HOW_TO_GIVE = (
    "give --focal 1200 (pixels) or 26mm (35 mm equivalent), --fov 60 (degrees across the picture) or --camera FILE; "
    "in Python focal=, fov= or camera="
)


@dataclass(frozen=True)
class CameraChoice:
    """A camera for any picture, by at most one way; without any, each picture's EXIF.

    Attributes:
        camera: intrinsics; they are scaled to the picture's size.
        matrix: intrinsic matrix of pictures of the size at hand.
        stored: cameras of a file.
        path: that file.
        key_of_picture: which of several cameras a picture has, see `read_picture_cameras`.
        focal: focal length in pixels, or in millimetres.
        is_millimetres: whether `focal` is in millimetres.
        sensor_width: millimetres across the picture; None: `focal` is a 35 mm equivalent.
        fov: degrees between the left and the right border.
    """

    camera: CameraIntrinsics | None = None
    matrix: np.ndarray | None = None
    stored: tuple[StoredCamera, ...] = ()
    path: Path | None = None
    key_of_picture: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    focal: float | None = None
    is_millimetres: bool = False
    sensor_width: float | None = None
    fov: float | None = None

    @classmethod
    def make(
        cls,
        camera: Camera | None = None,
        focal: float | str | None = None,
        fov: float | None = None,
        sensor_width: float | None = None,
    ) -> CameraChoice:
        """Check the arguments, and read the camera file.

        Args:
            camera: intrinsics, a matrix (3, 3) for pictures of the size at hand, or the path of a camera file.
            focal: pixels of the picture as it is (a number, or "1200px"), or millimetres ("26mm"): the 35 mm
                equivalent, or with `sensor_width` the lens's own focal length.
            fov: degrees between the left and the right border of the picture.
            sensor_width: millimetres of the sensor across the picture as it is.

        Raises:
            OptionError: more than one way, or a value that no camera has.
            FileNotFoundError: no such camera file.
            ValueError: a file without a camera that can be used.
        """
        with option_errors():
            fov, sensor_width = (
                convert_argument(name, value, float | None)
                for name, value in {"fov": fov, "sensor_width": sensor_width}.items()
            )
        ways = [name for name, value in (("camera", camera), ("focal", focal), ("fov", fov)) if value is not None]
        if len(ways) > 1:
            raise OptionError(f"{' and '.join(ways)} say the same in different ways; give one of them")
        if sensor_width is not None and not (isinstance(focal, str) and focal.strip().lower().endswith("mm")):
            raise OptionError("sensor_width has a meaning beside a focal length in millimetres only, such as 4.25mm")
        if sensor_width is not None and not 0 < sensor_width < math.inf:
            raise OptionError(f"sensor_width must be a positive number of millimetres, got {sensor_width}")
        if fov is not None and not 0 < fov < 180:
            raise OptionError(f"fov must be between 0 and 180 degrees (both excluded), got {fov}")
        if focal is not None:
            number, is_millimetres = _parse_focal(focal)
            if is_millimetres and sensor_width is None and number < SHORTEST_EQUIVALENT_MM:
                raise OptionError(
                    f"focal {focal}: no lens is as short as {number:g} mm as a 35 mm equivalent; give that, such as "
                    "26mm, or the lens's own focal length together with sensor_width"
                )
            return cls(focal=number, is_millimetres=is_millimetres, sensor_width=sensor_width)
        if isinstance(camera, CameraIntrinsics):
            return cls(camera=camera)
        if isinstance(camera, str | os.PathLike):
            path = local_path(camera)
            stored = tuple(read_cameras(path))
            if any(each.is_straightened for each in stored):
                raise OptionError(
                    f"{path} is the camera of a picture whose distortion was taken out, not of the picture itself; "
                    "give the camera file that it was made from, or for straightened pictures a copy without "
                    "undistorted_from"
                )
            # Once, for it also lists the points of all pictures.
            keys = read_picture_cameras(path) if len(stored) > 1 else {}
            return cls(stored=stored, path=path, key_of_picture=keys)
        if camera is not None:
            with option_errors():
                CameraIntrinsics.from_matrix(camera, 1, 1)
            return cls(matrix=np.asarray(camera, dtype=np.float64))
        return cls(fov=fov)

    @property
    def is_given(self) -> bool:
        """Whether a camera was given, so that EXIF is not asked."""
        return any(way is not None for way in (self.camera, self.matrix, self.focal, self.fov)) or bool(self.stored)

    @property
    def has_distortion(self) -> bool:
        """Whether pictures, or some of them, are straightened before they are predicted."""
        given = self.camera is not None and self.camera.has_distortion
        return given or any(each.has_distortion for each in self.stored)

    def for_picture(self, source: Any, height: int, width: int) -> CameraIntrinsics:
        """Return the camera of a picture, with or without distortion.

        Args:
            source: the picture, as a predictor takes it; of a pair, the picture itself.
            height: of the upright picture, pixels.
            width: of the upright picture, pixels.

        Raises:
            ValueError: no camera was given and EXIF has none, or the given one does not fit the picture.
        """
        if self.camera is not None:
            return self.camera.scale_to(height, width)
        if self.matrix is not None:
            return CameraIntrinsics.from_matrix(self.matrix, height, width, "given matrix")
        if self.fov is not None:
            return CameraIntrinsics.from_field_of_view(self.fov, height, width, f"given field of view {self.fov:g}°")
        if self.focal is not None:
            return self._by_focal_length(self.focal, height, width)
        source = source[1] if isinstance(source, tuple) and len(source) == 2 else source
        exif = find_camera(source)
        if self.stored:
            return self._choose(source, height, width).for_picture(height, width, exif.orientation)
        camera = exif.intrinsics(height, width)
        if camera is None:
            raise ValueError(f"no camera is known: its EXIF has no focal length; {HOW_TO_GIVE}")
        return camera

    def _by_focal_length(self, focal: float, height: int, width: int) -> CameraIntrinsics:
        if not self.is_millimetres:
            return CameraIntrinsics.from_focal_length(focal, height, width, f"given focal length {focal:g} px")
        if self.sensor_width is None:
            pixels = focal_from_equivalent(focal, height, width)
            source = f"given focal length {focal:g} mm (35 mm equivalent)"
        else:
            pixels = focal / self.sensor_width * width
            source = f"given focal length {focal:g} mm on a sensor {self.sensor_width:g} mm wide"
        return CameraIntrinsics.from_focal_length(pixels, height, width, source)

    def _choose(self, source: Any, height: int, width: int) -> StoredCamera:
        if len(self.stored) == 1:
            return self.stored[0]
        name = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
        key = camera_of_picture(self.key_of_picture, name) if name else None
        chosen = [camera for camera in self.stored if camera.key == key]
        if not chosen:
            chosen = [camera for camera in self.stored if camera.fits(height, width)]
        if len(chosen) != 1:
            raise ValueError(
                f"{self.path} has {len(self.stored)} cameras, {len(chosen)} of them for pictures of {width} x "
                f"{height} pixels, and no images.txt beside it names this picture; give a file with the one camera"
            )
        return chosen[0]


def describe_camera(camera: CameraIntrinsics) -> str:
    """Return a line that says what a camera is and how that is known."""
    focal = (
        f"{camera.fx:.1f}" if math.isclose(camera.fx, camera.fy, rel_tol=1e-4) else f"{camera.fx:.1f}, {camera.fy:.1f}"
    )
    said = f"focal length {focal} px, {camera.field_of_view_degrees:.1f}° across; {camera.source}"
    return "; ".join([said, *camera.notes])


def find_unknown(sources: Sequence[Any]) -> list[Any]:
    """Return the pictures whose EXIF has no focal length."""
    return [source for source in sources if not find_camera(source).knows_focal_length]


def find_camera(source: Any) -> ExifCamera:
    """Return what EXIF says of the camera of a picture: nothing for URLs, arrays and what cannot be read."""
    is_url = isinstance(source, str) and "://" in source
    if is_url or not isinstance(source, str | os.PathLike | bytes | dict | Image.Image):
        return ExifCamera()
    try:
        return read_exif_camera(source)
    except (OSError, ValueError):
        # Whoever reads the picture tells.
        return ExifCamera()


def _parse_focal(focal: float | str) -> tuple[float, bool]:
    found = FOCAL.fullmatch(str(focal))
    try:
        number = float(found["number"]) if found is not None else math.nan
    except ValueError:
        number = math.nan
    if found is None or isinstance(focal, bool) or not (math.isfinite(number) and number > 0):
        raise OptionError(f"focal must be pixels such as 1200, or millimetres such as 26mm, got {focal!r}")
    return number, (found["unit"] or "").lower() == "mm"
