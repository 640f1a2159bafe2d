# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fields that mend a finding, beside those that a source has."""

from __future__ import annotations

from depth_anything_hf.data.checks.advice import HowRead, describe_settings, with_option


def test_options_of_encodings_are_changed_and_kept():
    assert with_option("mm", "missing", "0/7") == "mm:missing=0/7"
    assert with_option("mm:missing=0,sky=9", "missing", "0/7") == "mm:sky=9,missing=0/7"


def test_fields_suit_how_a_source_is_read():
    plain = HowRead("folder", "depth", suffix=".npz")
    assert plain.with_scale(100) == {"scale": 100}
    assert plain.with_missing(65535.0) == {"invalid_values": [0, 65535]}
    assert plain.with_rays(90) == {"encoding": "npz:geometry=ray,fov=90"}
    scaled = HowRead("folder", "depth", scale=1000.0, invalid_values=(7.0,), suffix=".png")
    assert scaled.with_missing(65535.0) == {"invalid_values": [7, 65535]}
    assert scaled.with_rays(90) == {"encoding": "scaled:per_metre=1000,geometry=ray,fov=90", "scale": None}
    encoded = HowRead("folder", "depth", encoding="mm:missing=0")
    assert encoded.per_metre == 1000
    assert encoded.with_missing(9.0) == {"encoding": "mm:missing=0/9"}
    assert encoded.with_sky(5000.0) == {"encoding": "mm:missing=0,sky=5000"}
    assert encoded.with_scale(256.0) == {"scale": 256.0, "encoding": None}
    assert HowRead("folder", "depth", encoding="npz").with_missing(9.0) == {}


def test_settings_are_told_as_fields_and_as_flags():
    told = describe_settings({"invalid_values": [0, 65535], "scale": 1000.0, "encoding": None})
    assert told == "invalid_values: [0, 65535], scale: 1000, without encoding (--invalid_values 0,65535 --scale 1000)"
    assert describe_settings({}) == ""
    # A number of 24 bits, and a power of two, would be others with six digits.
    assert "--sky_value 16777215.0" in describe_settings({"sky_value": 16777215.0})
    assert "--scale 0.0009765625" in describe_settings({"scale": 1 / 1024})
