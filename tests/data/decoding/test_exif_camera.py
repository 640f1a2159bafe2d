# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Focal lengths in pixels of photographs whose lens is known."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from depth_anything_hf.data.decoding.exif_camera import ExifCamera, read_exif_camera
from depth_anything_hf.geometry.intrinsics import CameraIntrinsics


BASE = ExifTags.Base
FILM = math.hypot(36, 24)


def photograph(size: tuple[int, int] = (40, 30), make: str = "", orientation: int = 1, **tags: Any) -> bytes:
    picture, exif = Image.new("RGB", size), Image.Exif()
    exif[BASE.Orientation] = orientation
    if make:
        exif[BASE.Make] = make
    exif.get_ifd(ExifTags.IFD.Exif).update({BASE[name]: value for name, value in tags.items()})
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


def camera(content: bytes, height: int = 30, width: int = 40) -> CameraIntrinsics:
    found = read_exif_camera(content).intrinsics(height, width)
    assert found is not None
    return found


def test_the_35_mm_equivalent_goes_by_the_diagonal() -> None:
    found = camera(photograph(FocalLengthIn35mmFilm=26))
    assert found.fx == found.fy == pytest.approx(26 * 50 / FILM)
    assert (found.cx, found.cy) == (19.5, 14.5)
    assert "26 mm (35 mm equivalent)" in found.source and found.notes == ()


def test_a_turned_photograph_has_the_same_focal_length() -> None:
    content = photograph(orientation=6, FocalLengthIn35mmFilm=26)
    assert read_exif_camera(content).orientation == 6
    assert camera(content, height=40, width=30).fx == pytest.approx(26 * 50 / FILM)


# A lens of 4.25 mm on a sensor 5.6 mm wide: 40 pixels lie on 5.6 mm.
SENSOR = {"FocalLength": IFDRational(425, 100), "FocalPlaneXResolution": IFDRational(4000, 560)}


@pytest.mark.parametrize(
    ("unit", "factor"), [(2, 25.4), (3, 10.0), (4, 1.0), (5, 0.001)], ids=["inch", "cm", "mm", "um"]
)
def test_lens_and_sensor_tell_too(unit: int, factor: float) -> None:
    resolution = IFDRational(round(40 / 5.6 * factor * 1e6), 1_000_000)
    tags = {"FocalLength": 4.25, "FocalPlaneXResolution": resolution, "FocalPlaneResolutionUnit": unit}
    found = camera(photograph(**tags))
    assert found.fx == pytest.approx(4.25 / 5.6 * 40, rel=1e-3)
    assert "4.25 mm on a sensor 5.6 mm wide" in found.source


def test_digital_zoom_is_a_crop_that_lengthens_the_lens() -> None:
    zoom = {"DigitalZoomRatio": IFDRational(2, 1)}
    found = camera(photograph(FocalLengthIn35mmFilm=26, **zoom))
    assert found.fx == pytest.approx(2 * 26 * 50 / FILM) and "digital zoom 2x" in found.source
    lens = camera(photograph(FocalPlaneResolutionUnit=4, **SENSOR, **zoom))
    assert lens.fx == pytest.approx(2 * 4.25 / 5.6 * 40, rel=1e-3)


def test_an_equivalent_that_has_the_zoom_in_it_is_not_multiplied_again() -> None:
    # The pair of photographs of https://bugs.launchpad.net/hugin/+bug/2064625.
    zoom = {"FocalLength": 3.99, "FocalLengthIn35mmFilm": 55, "DigitalZoomRatio": IFDRational(1951, 1000)}
    found = camera(photograph(make="Apple", **zoom))
    assert found.fx == pytest.approx(55 * 50 / FILM) and "in it" in found.source
    # Of any maker where lens and sensor say what the equivalent without zoom would be: 4.25 mm are 26.3 mm here.
    equivalent = 4.25 / 5.6 * 40 / 50 * FILM
    rest = {"FocalPlaneResolutionUnit": 4, "DigitalZoomRatio": 2.0, **SENSOR}
    for factor in (1, 2):
        content = photograph(FocalLengthIn35mmFilm=round(equivalent * factor), **rest)
        assert camera(content).fx == pytest.approx(2 * 4.25 / 5.6 * 40, rel=0.03)


@pytest.mark.parametrize("zoom", [IFDRational(0, 1), IFDRational(1, 1), IFDRational(0, 0), IFDRational(60000, 1)])
def test_no_zoom_and_zooms_that_cannot_be_leave_the_lens(zoom: IFDRational) -> None:
    assert camera(photograph(FocalLengthIn35mmFilm=26, DigitalZoomRatio=zoom)).fx == pytest.approx(26 * 50 / FILM)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"FocalLengthIn35mmFilm": 0},
        {"FocalLengthIn35mmFilm": 61437},
        {"FocalLength": 4.25},
        {"FocalLength": IFDRational(0, 0), "FocalPlaneXResolution": 10.0},
        {"FocalLength": 4.25, "FocalPlaneXResolution": 7.1, "FocalPlaneResolutionUnit": 1},
        {"FocalLength": 4.25, "FocalPlaneXResolution": 1e9, "FocalPlaneResolutionUnit": 4},
    ],
)
def test_without_a_focal_length_that_can_be_there_is_no_camera(tags: dict[str, Any]) -> None:
    found = read_exif_camera(photograph(**tags))
    assert found.intrinsics(30, 40) is None and not found.knows_focal_length


def test_a_resized_photograph_keeps_its_angle_and_a_cropped_one_its_pixels() -> None:
    tags = {"FocalLengthIn35mmFilm": 26, "ExifImageWidth": 400, "ExifImageHeight": 300}
    assert camera(photograph(**tags)).fx == pytest.approx(26 * 50 / FILM)
    assert camera(photograph(**tags), height=400, width=300).fx == pytest.approx(26 * 500 / FILM)
    cropped = camera(photograph((200, 200), **tags), height=200, width=200)
    assert cropped.fx == pytest.approx(26 * 500 / FILM) and "cropped" in cropped.notes[0]


def test_files_pictures_and_what_is_none(tmp_path: Path) -> None:
    content = photograph(FocalLengthIn35mmFilm=26)
    (tmp_path / "a.jpg").write_bytes(content)
    (tmp_path / "broken.jpg").write_bytes(content[:30])
    with Image.open(tmp_path / "a.jpg") as picture:
        assert read_exif_camera(picture) == read_exif_camera(tmp_path / "a.jpg") == read_exif_camera(content)
    assert not read_exif_camera(tmp_path / "broken.jpg").knows_focal_length
    with pytest.raises(FileNotFoundError):
        read_exif_camera(tmp_path / "none.jpg")


def png(before: PngInfo | None = None, exif: bytes = b"") -> bytes:
    file = io.BytesIO()
    options: dict[str, Any] = {"exif": exif} if exif else {}
    Image.new("RGB", (40, 30)).save(file, "PNG", pnginfo=before, **options)
    return file.getvalue()


def test_of_a_png_exif_is_read_and_pixels_are_not() -> None:
    exif = Image.Exif()
    exif[BASE.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[BASE.FocalLengthIn35mmFilm] = 26
    content = exif.tobytes()
    profile, xmp, comment = PngInfo(), PngInfo(), PngInfo()
    # As ImageMagick writes it.
    profile.add_text("Raw profile type exif", f"\nexif\n{len(content):8}\n{content.hex()}\n", zip=True)
    xmp.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta tiff:Orientation="6"/>')
    comment.add_text("Comment", "x" * 200)
    for picture in (png(exif=content), png(profile)):
        found = read_exif_camera(picture)
        assert (found.equivalent_mm, found.orientation) == (26, 6)
    assert read_exif_camera(png(xmp)).orientation == 6
    plain = png(comment)
    assert read_exif_camera(plain) == ExifCamera()
    pixels = plain.index(b"IDAT")
    assert read_exif_camera(plain[: pixels + 8]) == ExifCamera()
