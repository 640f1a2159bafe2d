# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of Record3D in an archive and unpacked, compressed by LZFSE; skipped without its package."""

from __future__ import annotations

import io
import json
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.encodings.decode import decode_map
from depth_anything_hf.data.decoding.errors import UnreadableImageError


DEPTH = np.linspace(0, 4, 48, dtype="<f4").reshape(6, 8)
CONFIDENCE = (np.arange(48, dtype=np.uint8) % 3).reshape(6, 8)
MEANT = np.where(DEPTH == 0, np.nan, DEPTH)
METADATA = {"w": 80, "h": 60, "dw": 8, "dh": 6, "fps": 30, "K": [700.0, 0, 0, 0, 710.0, 0, 39.5, 29.5, 1]}


def compress(content: bytes) -> bytes:
    compressed: bytes = pytest.importorskip("lzfse").compress(content)
    return compressed


def test_unpacked_files(tmp_path: Path) -> None:
    (tmp_path / "rgbd").mkdir()
    path = tmp_path / "rgbd" / "0.depth"
    path.write_bytes(compress(DEPTH.tobytes()))
    path.with_suffix(".conf").write_bytes(compress(CONFIDENCE.tobytes()))
    with pytest.raises(UnreadableImageError, match=r"size is in the recording's file metadata, expected .*metadata"):
        read_label(path, encoding="record3d")
    (tmp_path / "metadata").write_text(json.dumps(METADATA))
    decoded = decode_map(path, "r3d")
    np.testing.assert_array_equal(decoded.values, MEANT)
    # A tenth of the picture's size, whose left column is at -0.45 of the map.
    np.testing.assert_allclose(decoded.intrinsics, [[70, 0, 3.5], [0, 71, 2.5], [0, 0, 1]])
    kept = read_label(path, encoding="record3d:min_confidence=2")
    np.testing.assert_array_equal(np.isfinite(kept), (CONFIDENCE == 2) & (DEPTH > 0))
    path.write_bytes(compress(DEPTH[:5].tobytes()))
    with pytest.raises(UnreadableImageError, match=r"no map of 8 x 6 <f4 in LZFSE"):
        read_label(path, encoding="record3d")


def test_archives() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata", json.dumps(METADATA))
        for index in range(2):
            archive.writestr(f"rgbd/{index}.depth", compress((DEPTH * (index + 1)).tobytes()))
            archive.writestr(f"rgbd/{index}.conf", compress(CONFIDENCE.tobytes()))
    content = stream.getvalue()
    np.testing.assert_array_equal(read_label(content, encoding="record3d:index=1"), 2 * MEANT)
    for option in ("", ":index=2"):
        with pytest.raises(UnreadableImageError, match="a recording of 2 frames, and this is one map"):
            read_label(content, encoding=f"record3d{option}")
    with pytest.raises(UnreadableImageError, match="expected a recording of Record3D with metadata"):
        read_label(content[:100], encoding="record3d:index=0")
    with pytest.raises(UnreadableImageError, match=r"expected a \.r3d or one of its rgbd/\*\.depth"):
        read_label(zlib.compress(content), encoding="record3d")


def test_the_package_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("lzfse", "liblzfse"):
        monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / "0.depth"
    path.write_bytes(b"bvx-" + bytes(8))
    (tmp_path / "metadata").write_text(json.dumps(METADATA))
    with pytest.raises(ImportError, match=r"pip install 'depth_anything_hf\[record3d\]'"):
        read_label(path, encoding="record3d")
