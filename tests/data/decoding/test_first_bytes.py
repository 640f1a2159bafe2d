# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What first bytes rule out agrees with what Pillow reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depth_anything_hf.data.decoding.first_bytes import is_surely_no_map, is_surely_single
from depth_anything_hf.data.decoding.limits import picture_mode
from depth_anything_hf.data.further_frames import has_further_frames


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
@pytest.mark.parametrize("mode", MODES)
def test_no_map_is_ruled_out(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    try:
        Image.new(mode, (8, 8)).save(path)
    except OSError:
        # There is no such picture; what was begun of it is a damaged one.
        assert suffix != "tiff"
    is_map = picture_mode(path).startswith("I") or picture_mode(path) == "F"
    assert not (is_map and is_surely_no_map(path))
    if suffix == "png":
        assert is_surely_no_map(path) is (mode in ("P", "RGB", "RGBA", "LA"))


def test_single_pictures_are_told_from_several(tmp_path: Path) -> None:
    noise = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (90, 90, 3), np.uint8)) for n in range(3)]
    text = PngInfo()
    text.add_text("words", "x" * 9000)
    exif = Image.Exif()
    exif[0x010E] = "x" * 20_000
    noise[0].save(tmp_path / "a.png", pnginfo=text)
    noise[0].save(tmp_path / "a.jpg", exif=exif.tobytes(), icc_profile=b"y" * 70_000, progressive=True)
    noise[0].save(tmp_path / "several.png", save_all=True, append_images=noise[1:], pnginfo=text)
    noise[0].save(tmp_path / "several.jpg", format="MPO", save_all=True, append_images=noise[1:], exif=exif.tobytes())
    noise[0].save(tmp_path / "several.gif", save_all=True, append_images=noise[1:])
    assert all(map(has_further_frames, (path.read_bytes() for path in tmp_path.glob("several.*"))))
    assert all(is_surely_single(tmp_path / name) for name in ("a.png", "a.jpg"))
    assert not any(is_surely_single(path) for path in tmp_path.glob("several.*"))


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0\xff\xda", b"text"]
)
def test_nothing_is_certain_of_damaged_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert not is_surely_single(tmp_path / "a.png") and not is_surely_single(tmp_path / "absent")
    assert not is_surely_no_map(tmp_path / "absent")
