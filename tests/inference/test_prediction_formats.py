# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Formats of predictions: each is read back by our readers of labels and by another library."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.inference.prediction_files import encode_prediction, read_prediction
from depth_anything_hf.inference.prediction_formats import (
    FORMATS,
    OutputSettings,
    describe_clipped,
    read_formats,
    to_metric_codes,
)


EVERY = tuple(FORMATS)
FREE_OF_UNIT = tuple(name for name, each in FORMATS.items() if each.scale is None)
NUMBERS = tuple(name for name, each in FORMATS.items() if not each.is_picture)


def values_of(kind: str) -> np.ndarray:
    values = np.random.default_rng(0).uniform(0.5, 20, (30, 40)).astype(np.float32)
    values[:3] = math.nan
    return values if kind == "depth" else values - 5


def write(values: np.ndarray, kind: str, settings: OutputSettings, folder: Path) -> dict[str, Path]:
    image = np.random.default_rng(1).integers(0, 256, (*values.shape, 3), dtype=np.uint8)
    contents, _ = encode_prediction(values, kind, settings, image=image)
    files = {}
    for name in settings.formats:
        files[name] = folder / f"a{FORMATS[name].suffix}"
        files[name].write_bytes(contents[FORMATS[name].suffix])
    return files


def by_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


OTHERS: dict[str, Callable[[Path], np.ndarray]] = {
    "npz": lambda path: np.load(path)["depth"],
    "npy": np.load,
    "tiff": tifffile.imread,
    "exr": lambda path: OpenEXR.File(str(path)).channels()["Z"].pixels,
    "png16": by_pillow,
    "mm": lambda path: np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)),
    "kitti": by_pillow,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_another_library_and_our_readers_of_labels_give_the_same_metres(name: str, tmp_path: Path) -> None:
    depth = values_of("depth")
    path = write(depth, "depth", OutputSettings((name,)), tmp_path)[name]
    step = {"mm": 1 / 1000, "kitti": 1 / 256, "png16": 19.5 / 65534}.get(name, 0.0)
    for read in (read_label, LabelRules("depth").read, lambda path: read_prediction(path)[0]):
        read_back = read(path)
        assert read_back.dtype == np.float32
        np.testing.assert_allclose(read_back, depth, rtol=1e-6 if step else 0, atol=0.51 * step)
    assert read_prediction(path)[1] == "depth"
    stored = OTHERS[name](path)
    assert stored.shape == depth.shape and stored.dtype == (np.uint16 if step else np.float32)
    if name == "png16":
        with Image.open(path) as picture:
            told = json.loads(picture.info["depth_anything_hf.prediction"])
        metres = told["minimum"] + (stored - 1.0) / 65534 * (told["maximum"] - told["minimum"])
    else:
        metres = stored * (step or 1)
    np.testing.assert_array_equal(stored == 0 if step else np.isnan(stored), np.isnan(depth))
    np.testing.assert_allclose(metres[3:], depth[3:], rtol=1e-6 if step else 0, atol=0.51 * step)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name in FREE_OF_UNIT])
def test_disparity_is_read_back_as_disparity_only(name: str, tmp_path: Path) -> None:
    disparity = values_of("disparity")
    path = write(disparity, "disparity", OutputSettings((name,)), tmp_path)[name]
    atol = 0.51 * 19.5 / 65534 if name == "png16" else 0
    np.testing.assert_allclose(LabelRules("disparity").read(path), disparity, atol=atol)
    np.testing.assert_allclose(read_prediction(path)[0], disparity, atol=atol)
    assert read_prediction(path)[1] == "disparity"
    with pytest.raises(
        ValueError,
        match=r"a.*: holds disparity (by its own text, and depth is asked for|and no depth).*set label: disparity",
    ):
        LabelRules("depth").read(path)
    if name == "exr":
        assert list(OpenEXR.File(str(path)).channels()) == ["disparity"]


def test_codes_of_metres_keep_0_for_no_value_and_count_what_they_clip(tmp_path: Path) -> None:
    depth = np.array([[math.nan, 0, -1, 0.0001, 0.001, 1.2344, 65.534, 65.6, 300, math.inf]], np.float32)
    codes, clipped = to_metric_codes(depth, 1000)
    assert codes.tolist() == [[0, 0, 0, 1, 1, 1234, 65534, 65535, 65535, 65535]] and clipped == 4
    kitti, clipped = to_metric_codes(depth, 256)
    assert kitti.tolist() == [[0, 0, 0, 1, 1, 316, 16777, 16794, 65535, 65535]] and clipped == 4
    contents, pixels = encode_prediction(depth, "depth", OutputSettings(("mm", "kitti")))
    assert {name: each["clipped"] for name, each in pixels["codes"].items()} == {"mm": 4, "kitti": 4}
    assert json.loads(json.dumps(pixels)) == pixels
    (warning, other) = describe_clipped({"a": pixels, "b": {"invalid": 0.0}})
    assert "4 pixels in 1 of 1 image clipped in NAME_mm.png" in warning and "to 65.534 m" in warning
    assert "255.99" in other
    # As labels they have no metres there.
    assert np.isnan(LabelRules("depth").read(contents["_mm.png"])[0]).tolist() == [True] * 3 + [False] * 4 + [True] * 3


def test_metric_files_are_read_without_a_scale_and_with_their_own_and_no_other(tmp_path: Path) -> None:
    depth = np.full((4, 5), 2.5, np.float32)
    mm = write(depth, "depth", OutputSettings(("mm",)), tmp_path)["mm"]
    for scale in (None, 1000):
        np.testing.assert_allclose(read_label(mm, scale), depth)
        np.testing.assert_allclose(LabelRules("depth", scale).read(mm), depth)
    for read in (lambda: read_label(mm, 256), lambda: LabelRules("depth", 256).read(mm)):
        with pytest.raises(ValueError, match="scale is 256, and the file's own text tells of 1000 codes per metre"):
            read()
    assert np.isinf(LabelRules("depth", sky_value=2500).read(mm)).all()
    assert np.isnan(LabelRules("depth", max_depth=2).read(mm)).all()
    # Saved again by another program, it is a map like any other.
    cv2.imwrite(str(mm), cv2.imread(str(mm), cv2.IMREAD_UNCHANGED))
    with pytest.raises(ValueError, match=r"an integer map .* has no unit"):
        read_label(mm)
    np.testing.assert_allclose(read_label(mm, 1000), depth)


def test_depth_beyond_the_limits_has_no_value_and_the_colours_run_between_them(tmp_path: Path) -> None:
    depth = np.linspace(1, 10, 60, dtype=np.float32).reshape(6, 10)
    settings = OutputSettings(("tiff", "npz", "color"), min_depth=2, max_depth=5)
    contents, pixels = encode_prediction(depth, "depth", settings)
    outside = (depth < 2) | (depth > 5)
    assert pixels["limited"] == pytest.approx(outside.mean()) and pixels["invalid"] == 0
    for suffix in (".tiff", ".npz"):
        np.testing.assert_array_equal(read_label(contents[suffix]), np.where(outside, np.nan, depth))
    colours = cv2.cvtColor(cv2.imdecode(np.frombuffer(contents["_depth.png"], np.uint8), 1), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal((colours == 128).all(axis=2), outside)
    other, _ = encode_prediction(depth[:, :5], "depth", settings)
    np.testing.assert_array_equal(
        cv2.cvtColor(cv2.imdecode(np.frombuffer(other["_depth.png"], np.uint8), 1), cv2.COLOR_BGR2RGB), colours[:, :5]
    )


def test_pictures_take_colours_and_a_legend_and_are_no_maps(tmp_path: Path) -> None:
    depth = np.linspace(1, 10, 130 * 160, dtype=np.float32).reshape(130, 160)
    plain = write(depth, "depth", OutputSettings(("color", "side_by_side")), tmp_path)
    shapes = {name: by_pillow(path).shape for name, path in plain.items()}
    assert shapes == {"color": (130, 160, 3), "side_by_side": (130, 324, 3)}
    colours = by_pillow(plain["color"])
    np.testing.assert_array_equal(by_pillow(plain["side_by_side"])[:, 164:], colours)
    settings = OutputSettings(("color", "side_by_side"), colormap="Spectral_r", legend=True)
    with_legend = by_pillow(write(depth, "depth", settings, tmp_path)["color"])
    assert with_legend.shape[0] == 130 and with_legend.shape[1] > 180
    assert with_legend[0, 0].tolist() == [158, 1, 66] and with_legend[-1, 0].tolist() == [94, 79, 162]
    for path in plain.values():
        with pytest.raises(ValueError, match=r"a picture of a prediction|is it a coloured preview"):
            read_label(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ("mm", "jpg")}, "formats must be one of"),
        ({"formats": ()}, "needs at least one of"),
        ({"colormap": "spectral"}, "did you mean 'Spectral'"),
        ({"max_depth": 0.0}, "max_depth must be more than 0"),
        ({"min_depth": math.nan}, "min_depth must be a number, got nan"),
        ({"min_depth": 5.0, "max_depth": 5.0}, "min_depth must be below max_depth"),
        ({"formats": ("npz",), "legend": True}, "legend is for the formats color, side_by_side"),
        ({"formats": ("mm",), "colormap": "gray"}, "colormap is for the formats"),
    ],
)
def test_wrong_settings_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OutputSettings(**options)


def test_metres_of_disparity_are_refused_with_the_reason() -> None:
    for settings in (OutputSettings(("mm", "npz")), OutputSettings(("kitti",)), OutputSettings(max_depth=3.0)):
        settings.check_kind("depth", "runs/m")
        with pytest.raises(ValueError, match=r"needs metres, but runs/m predicts disparity, .*\(--metric\)"):
            settings.check_kind("disparity", "runs/m")


def test_formats_are_named_by_words_and_commas() -> None:
    assert read_formats(["mm, EXR", "side-by-side", "MM"]) == ("mm", "exr", "side_by_side")
