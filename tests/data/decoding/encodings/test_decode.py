# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What follows the decoder: confidence beside the map, rays, kinds; and all genuine files of devices."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from encoded_maps import apple_jpeg, colmap, dpt, gdepth, npy, npz, openmvs, pfm, pgm, png, tiff
from PIL import Image, PngImagePlugin
from shared_files import device_file, device_meta

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.decoding.limits import allow_pixels
from depth_anything_hf.data.decoding.map_meaning import MEANING_KEYWORD, STRAIGHTENED_TEXT, describe_map


DEPTH = np.full((6, 8), 2000, np.uint16)
# Folder -> encoding; None: as the file proves.
GENUINE = {
    "apple_heic_disparity": None,
    "arkit_lidar_mm": "arkit",
    "drake_mm_near0_far65535": "drake",
    "exr_channel_Y": None,
    "gdepth_lensblur_jpeg": None,
    "nyu_raw_pgm": "kinect_raw",
    "realsense_65535": "realsense",
    "realsense_mm": "mm",
    "redwood_mm": "mm",
    "sunrgbd_bitrot": "sunrgbd",
    "truedepth_tenth_mm": "truedepth",
    "tum_5000": "tum",
}


@pytest.mark.parametrize("folder", GENUINE)
def test_genuine_files_of_devices(folder: str) -> None:
    path, told = device_meta(folder)
    values = LabelRules("depth", encoding=GENUINE[folder]).read(path)
    valid = np.isfinite(values)
    found = {"valid_share": valid.mean(), "min": values[valid].min(), "max": values[valid].max()}
    found["median"] = np.median(values[valid])
    assert {key: float(value) for key, value in found.items()} == pytest.approx(
        told["statistics_m"], rel=1e-3, abs=5e-5
    )
    assert list(values.shape[::-1]) == told["size_wh"]


def test_genuine_files_that_are_no_depth_map() -> None:
    with pytest.raises(UnreadableImageError, match="a deep OpenEXR file"):
        LabelRules("depth").read(device_file("openexr_deep_z", "Trunks.exr"))
    heights = device_file("geotiff_nodata", "float_raster_with_nodata.tif")
    with pytest.raises(UnreadableImageError, match="heights above a datum"):
        LabelRules("depth").read(heights)
    below = LabelRules("depth", encoding="elevation:camera_height=10").read(heights)
    assert np.isfinite(below).mean() == pytest.approx(0.6282, rel=1e-3)
    assert (np.nanmin(below), np.nanmax(below)) == (9.75, 10)


def test_confidence_of_files_beside_the_map(tmp_path: Path) -> None:
    for name in ("depth", "confidence"):
        (tmp_path / name).mkdir()
    path = tmp_path / "depth" / "000001.png"
    path.write_bytes(png(DEPTH))
    confidence = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
    (tmp_path / "confidence" / "000001.png").write_bytes(png(confidence))
    encoding = "stray:confidence=../confidence/{stem}.png,min_confidence=2"
    np.testing.assert_array_equal(np.isfinite(read_label(path, encoding=encoding)), confidence == 2)
    with pytest.raises(ValueError, match="there are no files beside it"):
        read_label(path.read_bytes(), encoding=encoding)
    (tmp_path / "confidence" / "000001.png").write_bytes(png(confidence[:3]))
    with pytest.raises(BrokenSampleError, match=r"confidence of 3 x 8 \(height x width\) for a map of 6 x 8"):
        read_label(path, encoding=encoding)
    with pytest.raises(ValueError, match="mm has no confidence in its files"):
        read_label(path, encoding="mm:min_confidence=1")


@pytest.mark.filterwarnings("ignore:.*along 100% of the flat surfaces")
def test_rays_of_a_fisheye_and_of_a_panorama() -> None:
    distance = np.full((101, 101), 4.0, np.float32)
    told = "npy:geometry=ray,fx=40,camera=fisheye"
    planar = read_label(npy(distance), encoding=told)
    angle = np.hypot(*np.meshgrid(np.arange(101) - 50, np.arange(101) - 50)) / 40
    np.testing.assert_allclose(planar, np.where(angle < np.pi / 2, 4 * np.cos(angle), np.nan), rtol=1e-5, atol=1e-6)
    with pytest.raises(BrokenSampleError, match="a panorama has no optical axis"):
        read_label(npy(distance), encoding="npy:geometry=panorama")
    assert (read_label(npy(distance), encoding="npy:geometry=panorama,ray=keep") == 4).all()


def test_damaged_files_are_refused_by_name_and_never_depth_below_0() -> None:
    """Bytes that were cut or changed are no map, or a map all the same, whatever encoding is asked for."""
    rng = np.random.default_rng(0)
    codes, floats = DEPTH + np.arange(8, dtype=np.uint16), rng.uniform(1, 9, (6, 8)).astype(np.float32)
    told = 'GDepth:Format="RangeLinear" GDepth:Near="1" GDepth:Far="9"'
    files = {
        "mm": png(codes),
        "kinect_raw": pgm(codes),
        "pfm": pfm(floats),
        "npz:min_confidence=2": npz(depth=floats, conf=floats),
        "colmap": colmap(floats),
        "openmvs:min_confidence=2": openmvs(floats, (16, 12), np.eye(3), floats),
        "sintel": dpt(floats),
        "tiff": tiff(floats),
        "gdepth": gdepth(png(codes.astype(np.uint8)), told, part=100),
        "apple_jpeg": apple_jpeg(codes.astype(np.uint8), "disparity", 0.5, 3),
        "ros_depth": bytes(12) + png(codes),
    }
    refusals = []
    for encoding, content in files.items():
        for turn in range(20):
            changed = bytearray(content[: rng.integers(1, len(content))] if turn % 2 else content)
            for _ in range(turn % 5):
                changed[rng.integers(min(300, len(changed)))] = rng.integers(256)
            try:
                with allow_pixels(10_000):
                    values = LabelRules("depth", encoding=(None, encoding)[turn % 3 > 0]).read(bytes(changed))
                assert values.dtype == np.float32 and not (values <= 0).any(), (encoding, turn)
            except ValueError as error:
                refusals.append(str(error))
    assert len(refusals) > 100 and all(each.startswith("bytes: ") for each in refusals)


def test_a_file_of_predict_is_what_it_says() -> None:
    def written(stored: np.ndarray, **told: object) -> bytes:
        texts = PngImagePlugin.PngInfo()
        texts.add_text(MEANING_KEYWORD, describe_map(**told))  # type: ignore[arg-type]
        stream = io.BytesIO()
        Image.fromarray(stored).save(stream, "PNG", pnginfo=texts)
        return stream.getvalue()

    assert (read_label(written(DEPTH, kind="depth", scale=1000), encoding="mm") == 2).all()
    floats = DEPTH.astype(np.float32)
    for content, encoding in (
        (written(DEPTH, kind="depth", scale=1000), "kitti"),
        (written(DEPTH, kind="disparity", minimum=0.1, maximum=2.0), "mm"),
        (npz(depth=floats, kind=np.array("depth")), "npz:scale=1000"),
        (npz(disparity=floats, kind=np.array("disparity")), "npz:key=disparity"),
    ):
        with pytest.raises(ValueError, match=r"its own text says what its numbers are \(\w+\), and not "):
            read_label(content, encoding=encoding)
    assert (read_label(npz(depth=floats, kind=np.array("depth")), encoding="npz") == 2000).all()
    straightened = written(DEPTH, kind="depth", scale=1000, **STRAIGHTENED_TEXT)
    with pytest.raises(ValueError, match="no label of the picture as it is"):
        read_label(straightened, encoding="mm")
