# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whatever may be given as an image becomes the same 8-bit RGB, and all else is refused with what came."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_predictors import random_image, values_of

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.image_inputs import as_rgb, is_one_image, name_of
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor


RGB = random_image((5, 7))
GREY = RGB[..., 0]
DEEP = (RGB.astype(np.uint16) << 8) + RGB[::-1]


def stacked(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


class Foreign:
    """An array of a library that this package does not know."""

    ndim = 3

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.array(RGB)


ARRAYS: dict[str, tuple[Any, np.ndarray]] = {
    "HWC": (RGB, RGB),
    "CHW": (RGB.transpose(2, 0, 1), RGB),
    "reversed": (RGB[:, ::-1], RGB[:, ::-1]),
    "grey": (GREY, stacked(GREY)),
    "one channel": (GREY[..., None], stacked(GREY)),
    "one channel first": (GREY[None], stacked(GREY)),
    "alpha": (np.dstack([RGB, GREY]), RGB),
    "alpha first": (np.dstack([RGB, GREY]).transpose(2, 0, 1), RGB),
    "three rows": (RGB[:3], RGB[:3]),
    "bool": (RGB > 99, (RGB > 99) * np.uint8(255)),
    "float32": ((RGB / 255).astype(np.float32), RGB),
    "float16": ((RGB / 255).astype(np.float16), RGB),
    "rounded floats": (RGB / 255 * 1.00001 - 1e-6, RGB),
    "uint16": (DEEP, RGB),
    "big endian": (DEEP.astype(">u2"), RGB),
    "another library's": (Foreign(), RGB),
    "tensor": (torch.from_numpy(RGB), RGB),
    "tensor CHW": (torch.from_numpy(RGB).permute(2, 0, 1), RGB),
    "tensor of three rows": (torch.from_numpy(RGB[:3]).permute(2, 0, 1), RGB[:3]),
    "tensor with gradient": (torch.from_numpy(RGB / 255).requires_grad_(), RGB),
    "bfloat16": (torch.from_numpy(RGB).gt(99).bfloat16(), (RGB > 99) * np.uint8(255)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_all_layouts_and_types_are_images(name: str) -> None:
    given, expected = ARRAYS[name]
    assert is_one_image(given)
    found = as_rgb(given)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (RGB.astype(np.int64), "uint8, uint16 or bool.*got int64"),
        (RGB.astype(np.float32), r"floats from 0 to 1, got float32 .* with values \d\.\.2\d\d"),
        (RGB / 255 - 0.5, "undo a normalization"),
        (np.where(RGB > 9, RGB / 255, np.nan), r"values nan\.\.nan"),
        (RGB * 1j, "got complex128"),
        (np.zeros((0, 4, 3), np.uint8), r"none of length 0, got uint8 \(0, 4, 3\)"),
        (np.zeros((5, 7, 5), np.uint8), r"channels.* got uint8 \(5, 7, 5\)"),
        (np.zeros((2, 5, 7, 3), np.uint8), r"got uint8 \(2, 5, 7, 3\)"),
        (np.float32(1.0), r"got float32"),
        (np.zeros(9, np.uint8), r"got uint8 \(9,\)"),
    ],
)
def test_arrays_that_are_no_images_are_refused(given: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        as_rgb(given)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I;16", "I"]
)
def test_pictures_of_all_modes_are_what_their_conversion_is(mode: str) -> None:
    if mode.startswith("I"):
        picture = Image.fromarray(DEEP[..., 0].astype(np.uint16 if mode == "I;16" else np.int32))
        expected = stacked(((DEEP[..., 0].astype(int) * 255 + 32767) // 65535).astype(np.uint8))
        np.testing.assert_array_equal(as_rgb(DEEP[..., 0]), expected)
    else:
        ways = {"PA": "P", "La": "LA"}
        picture = Image.fromarray(RGB).convert(ways.get(mode, mode)).convert(mode)
        expected = np.asarray((picture.convert("LA") if mode == "La" else picture).convert("RGB"))
    assert picture.mode == mode
    np.testing.assert_array_equal(as_rgb(picture), expected)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("stored", [RGB, DEEP, DEEP[..., 0], np.dstack([RGB, GREY]), np.dstack([DEEP, DEEP[..., 0]])])
def test_a_file_is_the_same_by_every_route(form: str, stored: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{form.lower()}"
    colours = stored if stored.ndim == 2 else stored[..., [2, 1, 0, *range(3, stored.shape[2])]]
    assert cv2.imwrite(str(path), colours)
    expected = as_rgb(stored)
    content = path.read_bytes()
    routes: list[Any] = [path, str(path), content, bytearray(content), memoryview(content), {"path": str(path)}]
    routes += [{"bytes": content, "path": None}, io.BytesIO(content), Image.open(path), lambda: path]
    for route in routes:
        given = ("name", route) if callable(route) else route
        np.testing.assert_array_equal(as_rgb(given), expected)
    np.testing.assert_array_equal(read_image(path), expected)


def test_a_file_that_was_just_written_is_read_from_its_start(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, format="PNG")
    np.testing.assert_array_equal(as_rgb(file), RGB)
    Image.fromarray(RGB).save(tmp_path / "image.png")
    with (tmp_path / "image.png").open("rb") as opened:
        assert is_one_image(opened) and name_of(opened) == str(tmp_path / "image.png")
        np.testing.assert_array_equal(as_rgb(opened), RGB)
    (tmp_path / "text").write_text("no picture", encoding="utf-8")
    with (tmp_path / "text").open(encoding="utf-8") as text, pytest.raises(TypeError, match=r"binary mode.*str"):
        as_rgb(text)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    Image.fromarray(RGB).save(tmp_path / "image.png")
    (tmp_path / "page.html").write_text("<html>", encoding="utf-8")
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_urls_are_read(server: str) -> None:
    np.testing.assert_array_equal(as_rgb(f"{server}/image.png"), RGB)
    for name, reason in (
        ("absent.png", "cannot be downloaded: HTTP Error 404: File not found"),
        ("page.html", "not an image in a format"),
    ):
        with pytest.raises(ValueError, match=f"{server}/{name}: {reason}"):
            as_rgb(f"{server}/{name}")


@pytest.mark.parametrize("text", ["s3://bucket/image.png", "file:///image.png", "data:image/png;base64,iVBORw0KGgo="])
def test_other_addresses_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a path or a URL of http or https, got one of (s3|file|data)"):
        as_rgb(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a.png"], r"expected one image, got list of 1: \(str\); for several images, call the predictor"),
        ({"image": RGB}, r"got a dict with the keys \['image'\]"),
        (3, "expected one image, got int"),
        (None, "expected one image, got NoneType"),
        ((RGB, "a"), r"expected a pair of a name and an image, got tuple of 2: \(ndarray, str\)"),
        (("a", RGB, RGB), "got tuple of 3"),
        (Image.fromarray(GREY / np.float32(255)), "floating-point image has no known brightness range"),
    ],
)
def test_what_is_no_image_is_refused_with_what_came(given: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        as_rgb(given)


def test_one_image_gives_one_prediction_and_a_list_a_list(predictor: DepthPredictor, tmp_path: Path) -> None:
    image = random_image((20, 30))
    Image.fromarray(image).save(tmp_path / "good.png")
    path, expected = tmp_path / "good.png", predictor.predict(image)
    alone: list[Any] = [str(path), path, path.read_bytes(), Image.open(path), image, {"path": str(path)}, ("a", image)]
    for source in alone:
        prediction = predictor(source)
        assert isinstance(prediction, Prediction) and prediction.name == name_of(source)
        np.testing.assert_allclose(values_of(prediction), expected, atol=1e-5)
        np.testing.assert_allclose(predictor.predict(source), expected, atol=1e-5)
    batch = np.stack([image, image])
    channels_first = torch.from_numpy(batch).permute(0, 3, 1, 2)
    lists: list[Any] = [[path, image], (path, image), [image, None, image], batch, channels_first]
    for several in lists:
        found = predictor(several)
        assert isinstance(found, list) and len(found) == 2
        for prediction in found:
            np.testing.assert_allclose(values_of(prediction), expected, atol=1e-5)
    stream = predictor(iter([path, image]))
    assert next(stream).name == str(path) and len(list(stream)) == 1
    numbered: Any = enumerate([image, image])
    assert [each.name for each in predictor(numbered)] == [0, 1]
    absent = predictor("absent.png")
    assert absent.values is None and absent.error == "absent.png: no such file"
    # Among several, the same is one result of them.
    for wrong, error in ((RGB.astype(int), ValueError), ({"image": image}, TypeError), (Image.new("F", (3, 4)), None)):
        if error is not None:
            with pytest.raises(error, match="expected"):
                predictor(wrong)
        assert [each.error is None for each in predictor([wrong, image])] == [False, True]
    for wrong in (3, None, print):
        with pytest.raises(TypeError, match="expected an image or an iterable of images, got"):
            predictor(wrong)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="for two images give a list"):
        predictor(("a.png", "b.png"))
