# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The camera of a photograph, by what its EXIF says of focal length, sensor and digital zoom."""

from __future__ import annotations

import io
import math
import os
import struct
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import ExifTags, Image

from ...geometry.intrinsics import CameraIntrinsics, focal_from_equivalent
from ...utils.paths import local_path
from ...visualization.encode import PNG_SIGNATURE
from .files import FileLike, read_bytes
from .limits import open_to_look
from .orientation import TURNS


# EXIF 3.0, tag FocalPlaneResolutionUnit -> millimetres; 1 is no unit.
MILLIMETRES = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
# Some cameras write sums of bytes into these tags; no lens and no sensor has them.
EQUIVALENTS_MM, SENSOR_WIDTHS_MM, LARGEST_ZOOM = (4.0, 3000.0), (0.5, 150.0), 100.0
# Between two ways to say one thing, of which each is rounded.
AGREEMENT = 0.1


@dataclass(frozen=True)
class ExifCamera:
    """What EXIF says of a camera; None: nothing, or nothing that can be.

    Attributes:
        orientation: 1 to 8.
        width: of the picture as the camera stored it, pixels.
        height: likewise.
        focal_mm: of the lens itself.
        equivalent_mm: of the lens that sees the same on film of 35 mm.
        pixels_per_mm: on the sensor, of the picture as the camera stored it.
        zoom: digital zoom, by which the middle of the picture was enlarged; 1: none.
        make: maker of the camera.
    """

    orientation: int = 1
    width: int | None = None
    height: int | None = None
    focal_mm: float | None = None
    equivalent_mm: float | None = None
    pixels_per_mm: float | None = None
    zoom: float = 1.0
    make: str = ""

    @property
    def knows_focal_length(self) -> bool:
        """Whether a focal length in pixels follows."""
        return self.equivalent_mm is not None or (self.focal_mm is not None and self.pixels_per_mm is not None)

    def intrinsics(self, height: int, width: int) -> CameraIntrinsics | None:
        """Return the camera of the picture as it is now, upright; None where EXIF has no focal length.

        The 35 mm equivalent comes first. Digital zoom multiplies it, unless it has the zoom in it already: as from
        Apple's cameras, or where focal length and sensor size say so. Without it, focal length and sensor size tell.

        Args:
            height: of the upright picture, pixels.
            width: of the upright picture, pixels.
        """
        stored, notes = self._stored_size(height, width)
        by_sensor = None if self.pixels_per_mm is None or self.focal_mm is None else self.focal_mm * self.pixels_per_mm
        zoom = self.zoom
        if self.equivalent_mm is not None:
            focal = focal_from_equivalent(self.equivalent_mm, *stored)
            source = f"EXIF: {self.equivalent_mm:g} mm (35 mm equivalent)"
            if zoom > 1 and self._has_zoom(focal, by_sensor):
                source, zoom = f"{source} with digital zoom {zoom:g}x in it", 1.0
        elif by_sensor is not None:
            focal = by_sensor
            sensor = max(stored) / (self.pixels_per_mm or 1.0)
            source = f"EXIF: {self.focal_mm:g} mm on a sensor {sensor:.3g} mm wide"
        else:
            return None
        if zoom > 1:
            source = f"{source}, digital zoom {zoom:g}x"
        # Another picture size of the same ratio is a resized picture, any other one is cropped.
        scale = math.hypot(height, width) / math.hypot(*stored) if not notes else 1.0
        return CameraIntrinsics.from_focal_length(focal * zoom * scale, height, width, source, notes)

    def _stored_size(self, height: int, width: int) -> tuple[tuple[int, int], tuple[str, ...]]:
        """Return the size (height, width) that the tags are about, and a note where the picture was cropped since."""
        if not (self.width and self.height):
            return (height, width), ()
        sides, stored = sorted((height, width)), sorted((self.height, self.width))
        camera = CameraIntrinsics.from_focal_length(1.0, stored[0], stored[1])
        if camera.has_ratio_of(*sides):
            return (self.height, self.width), ()
        if sides[0] > stored[0] or sides[1] > stored[1]:
            return (height, width), ()
        note = (
            f"cropped since from {self.width} x {self.height} pixels: taken as cropped around its middle and not "
            "resized"
        )
        return (self.height, self.width), (note,)

    def _has_zoom(self, focal: float, by_sensor: float | None) -> bool:
        if by_sensor is not None:
            for factor, has_zoom in ((self.zoom, True), (1.0, False)):
                if abs(math.log(focal / (by_sensor * factor))) < AGREEMENT:
                    return has_zoom
        # https://bugs.launchpad.net/hugin/+bug/2064625 has such a pair of pictures.
        return self.make.strip().lower() == "apple"


def read_exif_camera(source: FileLike | Image.Image) -> ExifCamera:
    """Read what EXIF says of the camera; nothing is decoded but the header.

    Args:
        source: path, encoded bytes, a `datasets` cell, or a PIL image.

    Returns:
        What is known; nothing for a file that Pillow cannot read.

    Raises:
        OSError: no file at the path, or one that may not be read.
        UnreadableImageError: encoded bytes that are empty.
    """
    if isinstance(source, Image.Image):
        return _camera_of(source)
    with ExitStack() as stack:
        # An open file and not its path: pictures are looked at in threads.
        if isinstance(source, str | os.PathLike):
            file: BinaryIO = stack.enter_context(local_path(source).open("rb"))
        else:
            file = io.BytesIO(read_bytes(source)[0])
        try:
            if not _may_have_exif(file):
                return ExifCamera()
            return _camera_of(stack.enter_context(open_to_look(file)))
        except Exception:
            # Pillow raises many kinds of exceptions on damaged files; whoever decodes them tells.
            return ExifCamera()


def _may_have_exif(file: BinaryIO) -> bool:
    """Return False for a PNG without EXIF and XMP, all of which Pillow would decode to find that there is none."""
    try:
        if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
            return True
        while len(head := file.read(8)) == 8:
            (length,), kind = struct.unpack(">I", head[:4]), head[4:]
            if kind == b"eXIf":
                return True
            if kind in (b"tEXt", b"zTXt", b"iTXt"):
                keyword = file.read(min(length, 79)).partition(b"\0")[0].lower()
                if keyword.startswith((b"raw profile type", b"xml:com.adobe.xmp")):
                    return True
                length -= min(length, 79)
            file.seek(length + 4, os.SEEK_CUR)
        return False
    finally:
        file.seek(0)


def _camera_of(picture: Image.Image) -> ExifCamera:
    tags, base = picture.getexif(), ExifTags.Base
    camera: Mapping[int, Any] = {**tags, **tags.get_ifd(ExifTags.IFD.Exif)}
    width, height = (_number(camera, tag) for tag in (base.ExifImageWidth, base.ExifImageHeight))
    focal, equivalent = _number(camera, base.FocalLength), _number(camera, base.FocalLengthIn35mmFilm)
    if equivalent is not None and not EQUIVALENTS_MM[0] <= equivalent <= EQUIVALENTS_MM[1]:
        equivalent = None
    density, zoom = _density(camera, width, picture.width), _number(camera, base.DigitalZoomRatio)
    orientation = picture.info.get("original_orientation") or camera.get(base.Orientation)
    return ExifCamera(
        orientation=int(orientation) if orientation in TURNS else 1,
        width=int(width) if width else None,
        height=int(height) if height else None,
        focal_mm=focal,
        equivalent_mm=equivalent,
        pixels_per_mm=density,
        zoom=zoom if zoom is not None and 1 < zoom <= LARGEST_ZOOM else 1.0,
        make=str(camera.get(base.Make, "")).strip("\0 "),
    )


def _density(camera: Mapping[int, Any], stored_width: float | None, width: int) -> float | None:
    unit = camera.get(ExifTags.Base.FocalPlaneResolutionUnit, 2)
    resolution = _number(camera, ExifTags.Base.FocalPlaneXResolution)
    if unit not in MILLIMETRES or resolution is None:
        return None
    density = resolution / MILLIMETRES[unit]
    return density if SENSOR_WIDTHS_MM[0] <= (stored_width or width) / density <= SENSOR_WIDTHS_MM[1] else None


def _number(camera: Mapping[int, Any], tag: int) -> float | None:
    """Return the positive number of a tag; None where there is none."""
    try:
        value = float(camera[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None
