# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth inside of photographs of Android phones, in every form that its documents have."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import dynamic_depth, gdepth, jpeg, png, xmp

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.encodings.detection import proven_encoding
from depth_anything_hf.data.decoding.errors import UnreadableImageError


CODES = np.arange(256, dtype=np.uint8).reshape(16, 16)
SHARE = CODES / 255
NEAR, FAR = 2.5, 40.0
RANGE = f'GDepth:Near="{NEAR}" GDepth:Far="{FAR}"'
INVERSE, LINEAR = FAR * NEAR / (FAR - SHARE * (FAR - NEAR)), NEAR + SHARE * (FAR - NEAR)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(("kind", "expected"), [("RangeInverse", INVERSE), ("RangeLinear", LINEAR)])
def test_gdepth_in_parts_in_any_order(kind: str, expected: np.ndarray, shuffled: bool) -> None:
    content = gdepth(png(CODES), f'GDepth:Format="{kind}" {RANGE}', part=100, shuffled=shuffled)
    np.testing.assert_allclose(read_label(content), expected, rtol=1e-6)


def test_gdepth_of_four_channels_and_of_16_bits() -> None:
    coloured = np.stack([CODES, CODES, CODES, 0 * CODES + 255], axis=2)
    told = f'GDepth:Format="RangeInverse" {RANGE}'
    np.testing.assert_allclose(read_label(gdepth(png(coloured), told)), INVERSE, rtol=1e-6)
    fine = np.array([[0, 1, 32768, 65535]], np.uint16)
    np.testing.assert_allclose(
        read_label(gdepth(png(fine), told)), FAR * NEAR / (FAR - fine / 65535 * (FAR - NEAR)), rtol=1e-6
    )


def test_gdepth_that_was_cut_is_refused() -> None:
    content = gdepth(png(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)), RANGE, part=1000)
    second = content.find(b"\xff\xe1", content.find(b"\xff\xe1", content.find(b"http://ns.adobe.com/xmp/ext")) + 2)
    length = int.from_bytes(content[second + 2 : second + 4], "big") + 2
    with pytest.raises(UnreadableImageError, match=r"parts of its Extended XMP are missing, \d+ of \d+ bytes"):
        read_label(content[:second] + content[second + length :])
    with pytest.raises(UnreadableImageError, match=r"expected GDepth:Format RangeInverse or RangeLinear"):
        read_label(gdepth(png(CODES), RANGE))
    with pytest.raises(UnreadableImageError, match="JPEG is lossy"):
        read_label(jpeg())


def test_rays_of_gdepth_need_a_camera() -> None:
    content = gdepth(png(CODES), f'GDepth:Format="RangeLinear" GDepth:MeasureType="OpticRay" {RANGE}')
    with pytest.raises(ValueError, match="holds distance along rays"):
        read_label(content)
    np.testing.assert_allclose(read_label(content, encoding="gdepth:ray=keep"), LINEAR, rtol=1e-6)


@pytest.mark.parametrize(("kind", "expected"), [("RangeInverse", INVERSE), ("RangeLinear", LINEAR)])
def test_dynamic_depth_is_not_the_first_picture_behind(kind: str, expected: np.ndarray) -> None:
    told = f'DepthMap:Format="{kind}" DepthMap:Near="{NEAR}" DepthMap:Far="{FAR}" DepthMap:Units="Meters"'
    exact = dynamic_depth(png(CODES), told, "image/png")
    for encoding in (None, "dynamic_depth"):
        np.testing.assert_allclose(read_label(exact, encoding=encoding), expected, rtol=1e-6)
    # As phones do; quality 100 is right within 3 codes.
    lossy = read_label(dynamic_depth(jpeg(grey=CODES), told))
    step = np.abs(np.gradient(expected, axis=1))
    assert (np.abs(lossy - expected) <= 4 * step + 1e-4).all()


def test_dioptres_and_a_map_that_was_cut_off() -> None:
    told = 'DepthMap:Format="RangeLinear" DepthMap:Near="0.1" DepthMap:Far="5" DepthMap:Units="Diopters"'
    content = dynamic_depth(png(CODES), told, "image/png")
    np.testing.assert_allclose(read_label(content), 1 / (0.1 + SHARE * 4.9), rtol=1e-6)
    with pytest.raises(UnreadableImageError, match="its depth map is cut off"):
        read_label(content[:-10])


@pytest.mark.parametrize(("units", "per_metre"), [("m", 1), ("mm", 1000), ("Meters", 1)])
def test_units_of_gdepth(units: str, per_metre: float) -> None:
    content = gdepth(png(CODES), f'GDepth:Format="RangeInverse" GDepth:Units="{units}" {RANGE}')
    np.testing.assert_allclose(read_label(content), INVERSE / per_metre, rtol=1e-6)
    with pytest.raises(UnreadableImageError, match=r"expected GDepth:Units m, .*, got 'furlong'"):
        read_label(gdepth(png(CODES), f'GDepth:Format="RangeInverse" GDepth:Units="furlong" {RANGE}'))


def test_a_linear_range_may_begin_at_the_camera() -> None:
    depth = read_label(gdepth(png(CODES), 'GDepth:Format="RangeLinear" GDepth:Near="0" GDepth:Far="5"'))
    assert np.isnan(depth[0, 0])
    np.testing.assert_allclose(depth.flat[1:], 5 * SHARE.flat[1:], rtol=1e-6)


def test_the_name_alone_is_no_depth() -> None:
    content = gdepth(png(CODES), f'GDepth:Format="RangeInverse" {RANGE}', part=100)
    assert proven_encoding(content) is not None
    assert proven_encoding(jpeg(segments=[xmp('xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"')])) is None


@pytest.mark.parametrize("in_elements", [False, True])
def test_confidence_of_dynamic_depth_and_any_list_of_items(in_elements: bool) -> None:
    confidence = np.where(np.arange(256).reshape(16, 16) % 2, 200, 30).astype(np.uint8)
    told = (
        f'DepthMap:Format="RangeLinear" DepthMap:Near="{NEAR}" DepthMap:Far="{FAR}" DepthMap:Units="Meters" '
        'DepthMap:ConfidenceURI="gain"'
    )
    # Some writers give the photograph itself a length, by which nothing is found.
    content = dynamic_depth(
        png(CODES), told, "image/png", png(confidence), primary_length=999, in_elements=in_elements
    )
    np.testing.assert_allclose(read_label(content), LINEAR, rtol=1e-6)
    expected = np.where(confidence > 100, LINEAR, np.nan)
    np.testing.assert_allclose(read_label(content, encoding="dynamic_depth:min_confidence=0.5"), expected, rtol=1e-6)
    with pytest.raises(UnreadableImageError, match="has a map of Segmentation"):
        read_label(dynamic_depth(png(CODES), f'{told} DepthMap:ItemSemantic="Segmentation"', "image/png"))
