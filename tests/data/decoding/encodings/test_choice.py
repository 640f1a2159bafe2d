# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The text that chooses an encoding: read whole, or refused with what is expected."""

from __future__ import annotations

import pytest

from depth_anything_hf.data.data_source import DataSource
from depth_anything_hf.data.decoding.depth_maps import LabelRules
from depth_anything_hf.data.decoding.encodings.choice import parse_encoding
from depth_anything_hf.utils.option_errors import OptionError


def test_options_have_their_types_and_defaults() -> None:
    choice = parse_encoding(" MM : missing = 0/4095 , sky=60000 ")
    assert choice.encoding.name == "mm"
    assert choice.options["missing"] == (0.0, 4095.0) and choice.options["sky"] == 60000.0
    assert choice.options["min_confidence"] is None
    assert parse_encoding("mm:missing=none").options["missing"] == ()
    assert parse_encoding("npz:index=3").options["index"] == 3
    assert parse_encoding("exr:channel=ViewLayer.Depth.Z,scale=1e2").options["channel"] == "ViewLayer.Depth.Z"


def test_what_is_asked_for_where_nothing_else_is() -> None:
    kinds = {"mm": "depth", "pfm_disparity": "disparity", "pfm_disparity:focal=7,baseline=0.1": "depth"}
    kinds |= {"spring": "disparity", "spring:focal=900": "depth", "apple_heic": "disparity"}
    assert {text: parse_encoding(text).kind for text in kinds} == kinds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("milimeters", "encoding must be one of .*did you mean 'millimeters'|encoding must be one of"),
        ("", "encoding must be one of"),
        ("mm:missing", r"expected option=value, got 'missing'; write NAME or NAME:option=value"),
        ("mm:mising=0", r"its option must be one of \['missing', 'sky', .* did you mean 'missing'"),
        ("mm:missing=0,missing=1", "missing is given twice"),
        ("mm:missing=zero", r"missing must be numbers with a slash between them, or none, got 'zero'"),
        ("mm:sky=nan", "sky must be a number, got 'nan'"),
        ("npz:index=1.5", "index must be a whole number, got '1.5'"),
        ("exr:geometry=rays", r"geometry must be one of \['planar', 'ray', 'panorama'\], got 'rays'"),
        ("exr:channel=", "channel must be text, got nothing"),
        ("exr:scale=0", "scale must be > 0, got 0"),
        ("raw:width=-4,height=-3", "width must be > 0, got -4"),
        ("scaled", "needs per_metre"),
        ("kitti_disparity:focal=700", "focal and baseline belong together"),
        ("spring:baseline=0.1", "focal and baseline belong together"),
        ("hypersim:fx=800,fov=60", "fx and fov say the same"),
        ("mm:confidence=../c/{stem}.png", "confidence needs min_confidence"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_encoding(text)


def test_an_encoding_stands_for_other_fields() -> None:
    for name, value in (("scale", 1000), ("invalid_values", [0]), ("sky_value", 65535)):
        with pytest.raises(OptionError, match=f"^rooms: {name} cannot be combined with encoding 'mm'"):
            DataSource("rooms", encoding="mm", **{name: value})  # type: ignore[arg-type]
        with pytest.raises(OptionError, match=f"^{name} cannot be combined with encoding 'mm'"):
            LabelRules("depth", encoding="mm", **{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rooms: encoding is for labelled data"):
        DataSource("rooms", kind="photos", encoding="mm")
    assert DataSource("rooms", encoding="mm", max_depth=10).encoding == "mm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mm:fov=90", "fov is of a camera that makes planar depth of distance along rays; .* add geometry=ray"),
        ("npz:fx=100,cx=3", "cx is of a camera"),
        ("pfm_disparity:offset=5", "offset is added to disparity where focal and baseline"),
        ("oak_disparity:subpixel_bits=19", "subpixel_bits must be 0 to 8"),
    ],
)
def test_options_without_effect_are_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_encoding(text)
    for fine in ("mm:geometry=ray,fov=90", "hypersim:fx=886.81", "spring:focal=9,offset=1", "gdepth:fov=60"):
        parse_encoding(fine)
