# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Units in files beside the maps, in the layouts of those who write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from encoded_maps import png

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


CODES = np.array([[0, 1, 1000, 65535]], np.uint16)


def place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(CODES))
    return path


def expected(metres_per_code: float) -> np.ndarray:
    return np.where(CODES == 0, np.nan, CODES * metres_per_code)


def test_nerfcapture(tmp_path: Path) -> None:
    path = place(tmp_path / "depth" / "0.png")
    (tmp_path / "transforms.json").write_text(json.dumps({"integer_depth_scale": 10 / 65535, "frames": []}))
    np.testing.assert_allclose(read_label(path, encoding="nerfcapture"), expected(10 / 65535), rtol=1e-6)
    (tmp_path / "transforms.json").write_text("{}")
    with pytest.raises(UnreadableImageError, match=r"transforms\.json: does not tell the unit of 0\.png: KeyError"):
        read_label(path, encoding="nerfcapture")


def test_bytes_take_no_unit_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "transforms.json").write_text(json.dumps({"integer_depth_scale": 10 / 65535}))
    for source in (png(CODES), {"bytes": png(CODES), "path": "0.png"}):
        with pytest.raises(UnreadableImageError, match="expected a file beside it, and it lies nowhere"):
            read_label(source, encoding="nerfcapture")


def test_bop_has_a_scale_for_each_picture(tmp_path: Path) -> None:
    path, other = (place(tmp_path / "000001" / "depth" / name) for name in ("000003.png", "000012.png"))
    cameras = {"3": {"cam_K": [], "depth_scale": 0.1}, "12": {"cam_K": [], "depth_scale": 1.0}}
    (tmp_path / "000001" / "scene_camera.json").write_text(json.dumps(cameras))
    np.testing.assert_allclose(read_label(path, encoding="bop"), expected(0.0001), rtol=1e-6)
    np.testing.assert_allclose(
        read_label(other, encoding="bop:missing=0/65535")[0, :3], expected(0.001)[0, :3], rtol=1e-6
    )
    with pytest.raises(UnreadableImageError, match=r"expected .*scene_camera\.json; or give the unit"):
        read_label(place(tmp_path / "a" / "000003.png"), encoding="bop")


@pytest.mark.parametrize(
    ("depth", "meta"),
    [
        ("0001/000001-depth.png", "0001/000001-meta.mat"),
        ("scene/depth/0000.png", "scene/meta/0000.mat"),
        ("demo/depth.png", "demo/meta.mat"),
    ],
)
def test_factors_in_matlab_files(tmp_path: Path, depth: str, meta: str) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    path = place(tmp_path / depth)
    (tmp_path / meta).parent.mkdir(exist_ok=True)
    scipy_io.savemat(tmp_path / meta, {"factor_depth": np.array([[10000]]), "intrinsic_matrix": np.eye(3)})
    np.testing.assert_allclose(read_label(path, encoding="factor_depth"), expected(0.0001), rtol=1e-6)
    scipy_io.savemat(tmp_path / meta, {"factor_depth": np.array([[0]])})
    with pytest.raises(UnreadableImageError, match="tells 0 stored units per metre"):
        read_label(path, encoding="ycb")
