# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""16-bit grey PNG: the values come back in every decoder, with ISA-L and without."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.decoding import grey16_png
from depth_anything_hf.data.decoding.grey16_png import encode_grey16


def maps() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    noise = random.integers(0, 65536, (97, 131), dtype=np.uint16)
    return {
        "noise": noise,
        "smooth": cv2.resize(noise[:7, :9], (640, 480), interpolation=cv2.INTER_LINEAR),
        "constant": np.full((50, 70), 65535, np.uint16),
        "column": noise[:, :1],
        "pixel": noise[:1, :1],
        "columns first": np.asfortranarray(noise),
        "mirrored": noise[:, ::-1],
        "part": noise[3:90:2, 5:60],
    }


@pytest.mark.parametrize("name", maps())
@pytest.mark.parametrize("with_isal", [True, False])
def test_values_come_back_from_opencv_and_pillow(name: str, with_isal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_isal:
        pytest.importorskip("isal")
    else:
        monkeypatch.setattr(grey16_png, "isal_zlib", None)
    values = maps()[name]
    png = encode_grey16(values)
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None and decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded, values)
    with Image.open(io.BytesIO(png)) as picture:
        picture.verify()  # checksums of the chunks
    with Image.open(io.BytesIO(png)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), values)


def test_long_data_are_divided_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("isal")
    monkeypatch.setattr(grey16_png, "LONGEST_CHUNK", 1000)
    values = maps()["noise"]
    png = encode_grey16(values)
    assert png.count(b"IDAT") > 20
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, values)


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 1), np.uint16), np.zeros((0, 3), np.uint16)]
)
def test_what_is_no_map_of_16_bits_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint16 \(H, W\)"):
        encode_grey16(values)
