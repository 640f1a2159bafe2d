# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every kind of image in every method: one result, fetched once, the camera of its EXIF; HEIC and AVIF."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from tiny_predictors import SIDE, random_image, tiny_model, values_of

from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES, read_image
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


IMAGE = random_image((40, 60))
WITHOUT_DECODERS = """
import io, sys
sys.modules["pillow_heif"] = None
from PIL import AvifImagePlugin, Image, features
stream = io.BytesIO()
has_avif = features.check("avif")
if has_avif:
    Image.new("RGB", (64, 64)).save(stream, "AVIF")
AvifImagePlugin.SUPPORTED = False
features.modules.pop("avif", None)
from depth_anything_hf.data.decoding.images import read_image
avif = stream.getvalue() or b"\\0\\0\\0\\x1cftypavif\\0\\0\\0\\0"
for content in (avif, b"\\0\\0\\0\\x24ftypheic\\0\\0\\0\\0" + bytes(20)):
    try:
        read_image(content)
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def metric() -> DepthPredictor:
    model = tiny_model(depth_estimation_type="metric", max_depth=20)
    return DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(SIDE))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, exif = tmp_path_factory.mktemp("photos") / "photo.png", Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    Image.fromarray(IMAGE).save(path, exif=exif.tobytes())
    return path


KINDS: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "open file": lambda path: io.BytesIO(path.read_bytes()),
    "PIL": Image.open,
    "cell": lambda path: {"bytes": path.read_bytes(), "path": None},
    "cell with a path": lambda path: {"bytes": None, "path": str(path)},
    "pair": lambda path: ("a name", path),
    "pair with a function": lambda path: ("a name", lambda: path),
}
PLAIN: dict[str, Callable[[Path], Any]] = {
    "array": lambda path: read_image(path),
    "float array": lambda path: (read_image(path) / 255).astype(np.float32),
    "channels first": lambda path: read_image(path).transpose(2, 0, 1),
    "tensor": lambda path: torch.from_numpy(read_image(path)).permute(2, 0, 1),
    "float tensor": lambda path: torch.from_numpy(read_image(path)).permute(2, 0, 1) / 255,
    "decoded PIL": lambda path: Image.fromarray(read_image(path)),
}


@pytest.mark.parametrize("kind", [*KINDS, *PLAIN])
def test_every_kind_of_image_is_taken_by_every_method(metric: DepthPredictor, photo: Path, kind: str) -> None:
    make = {**KINDS, **PLAIN}[kind]
    expected = metric.predict(IMAGE)
    np.testing.assert_array_equal(metric.predict(make(photo)), expected)
    alone, (listed,), (streamed,) = metric(make(photo)), metric([make(photo)]), metric(iter([make(photo)]))
    for prediction in (alone, listed, streamed):
        np.testing.assert_array_equal(values_of(prediction), expected)
        assert (prediction.kind, prediction.unit) == ("depth", "metres")
        if kind in KINDS:
            assert prediction.intrinsics is not None and prediction.intrinsics.source.startswith("EXIF: 28 mm")
        else:
            assert prediction.intrinsics is None
    points = metric.predict_points(make(photo), **({} if kind in KINDS else {"focal": "28mm"}))
    np.testing.assert_array_equal(points.depth, expected)
    assert alone.intrinsics is None or alone.intrinsics == points.intrinsics
    assert points.intrinsics.fx == pytest.approx(28 / np.hypot(36, 24) * np.hypot(40, 60))


def test_functions_files_and_urls_are_asked_once(metric: DepthPredictor, photo: Path) -> None:
    asked: list[str] = []

    def give() -> bytes:
        asked.append("function")
        return photo.read_bytes()

    class OnceRead(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append("file")
            return super().read(size)

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append("url")
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(photo.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/photo.png"
        for make in (lambda: ("a", give), lambda: OnceRead(photo.read_bytes()), lambda: url):
            for method in (metric, metric.predict_points):
                asked.clear()
                found: Any = method(make())
                assert found.intrinsics.source.startswith("EXIF: 28 mm") and len(asked) == 1
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("suffix", "kind"), [(".heic", "HEIF"), (".avif", "AVIF")])
def test_heic_and_avif_are_predicted_upright(metric: DepthPredictor, tmp_path: Path, suffix: str, kind: str) -> None:
    if suffix not in IMAGE_SUFFIXES:
        pytest.skip(f"{suffix} is not read here")
    upright = np.full((96, 64, 3), 30, np.uint8)
    upright[:40, :24] = 220
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    # Orientation 6: the first column of what is stored is the upper row of the picture, from the right.
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(path, kind, exif=exif.tobytes(), quality=95)
    decoded = read_image(path)
    assert decoded.shape == (96, 64, 3) and np.abs(decoded.astype(int) - upright).mean() < 4
    for source in (path, path.read_bytes(), Image.open(path)):
        prediction = metric(source)
        np.testing.assert_array_equal(values_of(prediction), metric.predict(decoded))
        assert prediction.intrinsics is not None and prediction.intrinsics.width == 64
        assert metric.predict_points(source).depth.shape == (96, 64)


def test_without_their_decoders_the_error_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_DECODERS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    avif, heic = done.stdout.splitlines()
    assert avif.startswith("UnreadableImageError bytes: AVIF") and "pip install --upgrade pillow" in avif
    assert heic.startswith("UnreadableImageError bytes: HEIF") and "'depth_anything_hf[heif]'" in heic
