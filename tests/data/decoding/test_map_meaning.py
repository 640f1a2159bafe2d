# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What files say of their numbers, and what damaged texts and files of other origin say: nothing, or an error."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.map_meaning import (
    MEANING_KEYWORD,
    MapMeaning,
    describe_map,
    describe_picture,
    is_from_predict,
    meaning_in_file,
    meaning_of,
)
from depth_anything_hf.visualization.encode import encode_png
from depth_anything_hf.visualization.encode_maps import encode_exr, encode_float_tiff, encode_npy


VALUES = np.linspace(1, 2, 20, dtype=np.float32).reshape(4, 5)
CODES = np.arange(20, dtype=np.uint16).reshape(4, 5)


def with_text(text: str) -> bytes:
    return encode_png(CODES, {MEANING_KEYWORD: text})


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def damaged_npz() -> bytes:
    """Return an npz whose stream of `kind` is no deflate, and which is whole but for that."""
    file = io.BytesIO()
    np.savez_compressed(file, depth=VALUES, kind=np.array("depth"))
    content = file.getvalue()
    # Behind the name and 20 bytes that say that the file may be large.
    place = content.index(b"kind.npy") + 28
    return content[:place] + b"\xff" + content[place + 1 :]


@pytest.mark.parametrize("kind", ["depth", "disparity"])
def test_each_format_says_its_kind(kind: str, tmp_path: Path) -> None:
    told = describe_map(kind)
    files = {
        "a.npz": npz(**{kind: VALUES, "kind": np.array(kind)}),
        "a.npy": encode_npy(VALUES, {"depth": 256, "disparity": 320}[kind]),
        "a.tiff": encode_float_tiff(VALUES, json.dumps({MEANING_KEYWORD: json.loads(told)})),
        "a.exr": encode_exr(VALUES, "Z", {MEANING_KEYWORD: told}),
        "a.png": with_text(describe_map(kind, minimum=1.0, maximum=2.0)),
    }
    for name, content in files.items():
        meaning = meaning_of(content, name)
        assert meaning is not None and meaning.kind == kind and meaning.has_codes == (name == "a.png")
        (tmp_path / name).write_bytes(content)
        assert meaning_in_file(tmp_path / name) == meaning and is_from_predict(tmp_path / name)


def test_a_scale_contradicts_files_that_tell_of_metres(tmp_path: Path) -> None:
    told = describe_map("depth")
    of_metres = {
        "a.npz": npz(depth=VALUES, kind=np.array("depth")),
        "a.npy": encode_npy(VALUES, 256),
        "a.tiff": encode_float_tiff(VALUES, json.dumps({MEANING_KEYWORD: json.loads(told)})),
        "a.exr": encode_exr(VALUES, "Z", {MEANING_KEYWORD: told}),
    }
    for name, content in of_metres.items():
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read_label(tmp_path / name, scale=1), VALUES)
        with pytest.raises(ValueError, match="scale is 1000, and the file itself tells of metres; leave scale out"):
            read_label(tmp_path / name, scale=1000)
    # Those of others say nothing of their unit.
    np.testing.assert_array_equal(read_label(npy(VALUES), scale=2), VALUES / 2)


def test_files_of_other_origin_say_nothing(tmp_path: Path) -> None:
    tiff = io.BytesIO()
    Image.fromarray(VALUES).save(tiff, "TIFF", tiffinfo={270: '{"shape": [4, 5]}'})
    others = {
        "plain.npy": npy(VALUES),
        "cube.npy": encode_npy(np.ones((2, 3, 4), np.float32), 256),
        "doubles.npy": encode_npy(np.ones((2, 3)), 256),
        "depth.npz": npz(depth=VALUES),
        "other.npz": npz(depth=VALUES, kind=np.array("room")),
        "kinds.npz": npz(depth=VALUES, kind=np.array(["depth", "depth"])),
        "broken.npz": npz(depth=VALUES)[:-30],
        "damaged.npz": damaged_npz(),
        "plain.png": encode_png(CODES),
        "plain.tiff": tiff.getvalue(),
        "plain.exr": encode_exr(VALUES, "Z", {}),
        "cut.tiff": tiff.getvalue()[:40],
        "text": MEANING_KEYWORD.encode(),
    }
    for name, content in others.items():
        assert meaning_of(content, name) is None, name
        (tmp_path / name).write_bytes(content)
        assert meaning_in_file(tmp_path / name) is None and not is_from_predict(tmp_path / name)
    assert meaning_in_file(tmp_path / "absent") is None and meaning_in_file(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"version": 2, "kind": "depth", "scale": 1000}',
        '{"version": 1, "kind": "normals", "scale": 1000}',
        '{"version": 1, "kind": "depth", "scale": "a"}',
        '{"version": 1, "kind": "depth", "scale": 0}',
        '{"version": 1, "kind": "depth", "minimum": 1}',
        '{"version": 1, "kind": "depth", "minimum": NaN, "maximum": 1}',
    ],
)
def test_a_text_of_another_meaning_is_an_error_and_no_guess(text: str) -> None:
    with pytest.raises(BrokenSampleError, match=r"a\.png: its text .* is damaged or not of version 1; predict again"):
        meaning_of(with_text(text), "a.png")


def test_a_picture_is_no_map(tmp_path: Path) -> None:
    content = encode_png(np.zeros((4, 5, 3), np.uint8), {MEANING_KEYWORD: describe_picture("depth", "colours")})
    with pytest.raises(BrokenSampleError, match="a picture of a prediction \\(colours\\)"):
        meaning_of(content, "a.png")
    with pytest.raises(BrokenSampleError, match="a picture of a prediction"):
        read_label(content)


def test_codes_of_other_bits_are_refused() -> None:
    grey = encode_png(np.ones((4, 5), np.uint8), {MEANING_KEYWORD: describe_map("depth", scale=1000.0)})
    with pytest.raises(BrokenSampleError, match="its text tells of 16-bit codes, got uint8"):
        read_label(grey)


def test_codes_become_values() -> None:
    codes = np.array([[0, 1, 65534, 65535]], np.uint16)
    np.testing.assert_allclose(MapMeaning("depth", scale=1000.0).decode(codes, "a"), [[np.nan, 0.001, 65.534, np.nan]])
    np.testing.assert_allclose(MapMeaning("disparity", -1.0, 3.0).decode(codes, "a")[0, [1, 3]], [-1, 3])


def test_disparity_of_codes_takes_a_scale_like_any_disparity() -> None:
    content = with_text(describe_map("disparity", minimum=1.0, maximum=65535.0))
    np.testing.assert_allclose(LabelRules("disparity", scale=2).read(content)[0, 1:], [0.5, 1, 1.5, 2])
