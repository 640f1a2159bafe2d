# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Floating-point maps in PFM, OpenEXR, npy, npz and TIFF, by whatever numbers they may hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoded_maps import colmap, dpt, npy, npz, pfm, png, tiff

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.decode import decode_map
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError


# NaN of both signs, infinities, zeros, negative, denormal, tiny, ordinary, nothing hit, huge.
SPECIAL = np.array(
    [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, -3.5, 1e-42, 1e-30, 0.25, 12.5, 9.9e9, 1e10, 3e38], np.float32
)
MEANT = np.array(
    [np.nan, np.nan, np.inf, np.nan, np.nan, np.nan, np.nan, 1e-42, 1e-30, 0.25, 12.5, 9.9e9, 1e10, 3e38], np.float32
)


def exr(**channels: np.ndarray) -> bytes:
    OpenEXR = pytest.importorskip("OpenEXR")
    folder = Path(exr.folder)  # type: ignore[attr-defined]
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    path = folder / "a.exr"
    OpenEXR.File(header, {name.replace("_", "."): OpenEXR.Channel(each) for name, each in channels.items()}).write(
        str(path)
    )
    return path.read_bytes()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    exr.folder = tmp_path  # type: ignore[attr-defined]


def random_map(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Any 32 bits for a number, and the special ones in front; with what depth they are."""
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 1 << 32, (16, 20), dtype=np.uint32).view(np.float32)
    stored[0, : len(SPECIAL)] = SPECIAL
    meant = np.array([_meant(float(each)) for each in stored.ravel()], np.float32).reshape(stored.shape)
    np.testing.assert_array_equal(meant[0, : len(MEANT)], MEANT)
    return stored, meant


def _meant(value: float) -> float:
    return value if value > 0 else np.nan


@pytest.mark.filterwarnings("ignore:.*its middle is")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:.*of its pixels are at exactly")
def test_any_numbers_become_depth_sky_or_nothing(seed: int) -> None:
    stored, meant = random_map(seed)
    files = {
        "pfm": pfm(stored),
        "npz": npz(depth=stored),
        "npy": npy(stored),
        "tiff": tiff(stored),
        "sintel": dpt(stored),
        "colmap": colmap(stored),
        "exr": exr(Z=stored),
        "isaac_gym": npy(-np.abs(stored)),
    }
    for encoding, content in files.items():
        values = read_label(content, encoding=encoding)
        assert values.dtype == np.float32
        # Blender writes 1e10 where nothing is hit.
        expected = np.where(stored >= 1e10, np.inf, meant) if encoding == "exr" else meant
        if encoding == "isaac_gym":
            expected = np.array([_meant(abs(float(each))) for each in stored.ravel()], np.float32)
            expected = expected.reshape(stored.shape)
        np.testing.assert_array_equal(values, expected, err_msg=encoding)
        assert not (values <= 0).any(), encoding


def test_units_per_metre() -> None:
    stored = np.float32([[0, 250, np.inf]])
    for encoding, content in (
        ("pfm", pfm(stored)),
        ("exr", exr(V=stored)),
        ("npz", npy(stored)),
        ("tiff", tiff(stored)),
    ):
        values = read_label(content, encoding=f"{encoding}:scale=100")
        np.testing.assert_array_equal(values, np.float32([[np.nan, 2.5, np.inf]]), err_msg=encoding)


def test_disparity_has_no_value_where_it_is_infinite() -> None:
    stored = np.float32([[np.inf, np.nan, -1, 0, 2, 50]])
    expected = np.float32([[np.nan, np.nan, np.nan, 0, 2, 50]])
    np.testing.assert_array_equal(read_label(pfm(stored), encoding="pfm_disparity"), expected)
    # Middlebury: baseline * f / (d + doffs).
    metres = read_label(pfm(stored), encoding="middlebury:focal=1000,baseline=0.2,offset=50")
    np.testing.assert_allclose(metres, [[np.nan, np.nan, np.nan, 4, 200 / 52, 2]], rtol=1e-6)


def test_channels_of_exr_are_chosen_by_their_names() -> None:
    near, far = np.full((3, 4), 2, np.float32), np.full((3, 4), 7, np.float32)
    content = exr(Combined_R=near, Combined_G=near, Combined_B=far, Other_V=far)
    assert (read_label(content, encoding="exr:channel=Other.V") == 7).all()
    assert (read_label(content, encoding="exr:channel=combined.r") == 2).all()
    with pytest.raises(BrokenSampleError, match=r"expected a channel 'Z', got the OpenEXR channels Combined\.B,"):
        read_label(content, encoding="exr:channel=Z")
    with pytest.raises(BrokenSampleError, match="none is called Z, depth or disparity"):
        read_label(content, encoding="exr")


def test_nothing_hit_is_sky_without_an_encoding() -> None:
    stored = np.float32([[1e10, 2.5, 0]])
    np.testing.assert_array_equal(LabelRules("depth").read(exr(Z=stored)), np.float32([[np.inf, 2.5, np.nan]]))
    limited = LabelRules("depth", max_depth=2).read(exr(Z=stored))
    np.testing.assert_array_equal(limited, np.float32([[np.inf, np.nan, np.nan]]))
    kept = LabelRules("depth", invalid_values=(1e10,)).read(exr(Z=stored))
    np.testing.assert_array_equal(kept, np.float32([[np.nan, 2.5, np.nan]]))


def test_npz_of_models_has_confidence_and_a_camera() -> None:
    depth = np.random.default_rng(0).uniform(1, 9, (2, 12, 16)).astype(np.float32)
    confidence = np.linspace(0, 2, depth.size).reshape(depth.shape)
    matrices = np.stack([np.diag([100.0, 110.0, 1.0]), np.diag([200.0, 220.0, 1.0])])
    content = npz(depth=depth, conf=confidence, intrinsics=matrices, extrinsics=np.zeros((2, 3, 4)))
    decoded = decode_map(content, "npz:index=1")
    np.testing.assert_array_equal(decoded.values, depth[1])
    np.testing.assert_array_equal(decoded.intrinsics, matrices[1])
    masked = read_label(content, encoding="da3:index=1,min_confidence=1.5")
    np.testing.assert_array_equal(np.isnan(masked), confidence[1].astype(np.float32) < 1.5)
    with pytest.raises(BrokenSampleError, match=r"2 maps \(12, 16\); say which one with index=0\.\.1"):
        read_label(content, encoding="npz")
    with pytest.raises(BrokenSampleError, match=r"expected an npz with the key 'z', got \['conf', 'depth'"):
        read_label(content, encoding="npz:key=z")
    np.testing.assert_array_equal(read_label(npz(a=depth[0], b=depth[1]), encoding="npz:key=b"), depth[1])
    with pytest.raises(BrokenSampleError, match="holds disparity and no depth"):
        read_label(npz(disparity=depth[0]), encoding="npz")


def test_maps_of_tensors_and_a_camera_in_shares_of_the_picture() -> None:
    depth = np.random.default_rng(0).uniform(1, 9, (2, 12, 16)).astype(np.float32)
    for stored in (depth[..., None], depth[:, None], depth[None], depth[None, ..., None]):
        content = npz(depth=stored, depth_conf=depth[None, :, None])
        np.testing.assert_array_equal(read_label(content, encoding="npz:index=1"), depth[1])
        masked = read_label(content, encoding="npz:index=-1,min_confidence=5")
        np.testing.assert_array_equal(masked, np.where(depth[1] >= 5, depth[1], np.nan))
    np.testing.assert_array_equal(read_label(npz(depth=depth[:1, None]), encoding="npz"), depth[0])
    with pytest.raises(BrokenSampleError, match=r"1 map \(12, 16\); say which one with index=0\.\.0"):
        read_label(npz(depthmap=depth[0]), encoding="npz:index=1")
    # MoGe: fx by the width, fy by the height, from the corner of the picture.
    shares, pixels = [[0.8, 0, 0.5], [0, 1.1, 0.5], [0, 0, 1]], [[12.8, 0, 7.5], [0, 13.2, 5.5], [0, 0, 1]]
    by_either = [
        read_label(npz(depth=depth[0], intrinsics=np.array(each)), encoding="moge:geometry=ray")
        for each in (shares, pixels)
    ]
    np.testing.assert_allclose(*by_either, rtol=1e-6)


def test_whole_numbers_need_their_unit() -> None:
    stored = np.array([[0, 2000]], np.uint16)
    with pytest.raises(UnreadableImageError, match=r"whole numbers \(uint16\) have no unit; .* 'npz:scale=1000'"):
        read_label(npy(stored), encoding="npz")
    with pytest.raises(UnreadableImageError, match=r"whole numbers \(uint32\) have no unit; .* 'exr:scale=1000'"):
        read_label(exr(Z=stored.astype(np.uint32)), encoding="exr")
    np.testing.assert_array_equal(read_label(npy(stored), encoding="npz:scale=1000"), np.float32([[np.nan, 2]]))


def test_a_file_of_another_format_is_refused_by_name() -> None:
    for encoding, what in (("pfm", "a PFM"), ("exr", "an OpenEXR file"), ("npz", "an npy or npz"), ("tiff", "a TIFF")):
        with pytest.raises(UnreadableImageError, match=f"expected {what}"):
            read_label(png(np.ones((3, 3), np.uint16)), encoding=encoding)
    with pytest.raises(UnreadableImageError, match="expected floating-point numbers, got uint16"):
        read_label(tiff(np.ones((3, 3), np.uint16)), encoding="tiff")
    with pytest.raises(BrokenSampleError, match="isaac_gym has no positive numbers, got up to 1"):
        read_label(npy(np.ones((3, 3))), encoding="isaac_gym")
