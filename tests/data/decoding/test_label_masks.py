# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Masks of labels are stored exactly, and one that was not made is never read as empty."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sample_files import png_bytes

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.label_masks import (
    MissingMaskError,
    decode_masks,
    encode_masks,
    mask_shares,
    masked_pixels,
    masks_of_row,
    parse_mask_names,
    require_masks,
)
from depth_anything_hf.utils.option_errors import OptionError


def _masks(*names: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.random((37, 53)) < 0.3 for name in names}


@pytest.mark.parametrize("names", [("sky",), ("flip",), ("sky", "flip"), ("flip", "teachers", "sky")])
def test_masks_come_back_as_they_were(names: tuple[str, ...]) -> None:
    masks = _masks(*names)
    content = encode_masks(masks)
    decoded = decode_masks(content, names)
    assert {*decoded} == {*names}
    for name, mask in masks.items():
        assert decoded[name].dtype == bool
        np.testing.assert_array_equal(decoded[name], mask)
        np.testing.assert_array_equal(masked_pixels(content, [name], names), mask)
    union = np.logical_or.reduce(list(masks.values()))
    np.testing.assert_array_equal(masked_pixels(content, names, names), union)
    assert not masked_pixels(content, [], names).any()


def test_the_png_is_eight_bit_grey_with_the_bits_in_the_documents() -> None:
    content = encode_masks({"sky": np.array([[True, False]]), "teachers": np.array([[True, True]])})
    assert content[24:26] == b"\x08\x00"
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).tolist() == [[3, 2]]
    value = cv2.imdecode(np.frombuffer(encode_masks({"flip": np.array([[True]])}), np.uint8), cv2.IMREAD_UNCHANGED)
    assert value.tolist() == [[4]]


def test_a_mask_that_was_not_made_is_an_error_that_says_how_to_make_it() -> None:
    content = encode_masks(_masks("sky"))
    with pytest.raises(MissingMaskError, match=r"'flip' .*got only sky\. .*--masks sky,flip`"):
        masked_pixels(content, ["sky", "flip"], ["sky"])
    with pytest.raises(MissingMaskError, match=r"runs/labels: .*'sky' .*got no masks\. .*--masks sky`"):
        require_masks(["sky"], [], "runs/labels")
    require_masks(["sky"], ["flip", "sky"])
    with pytest.raises(BrokenSampleError, match="bits of flip alone, got bits 0x1 as well"):
        decode_masks(content, ["flip"])


def test_shares_tell_which_masks_a_row_has() -> None:
    row = mask_shares({"sky": np.array([[True, False, False, False]]), "flip": np.zeros((2, 2), dtype=bool)})
    assert row == {"sky_share": 0.25, "teachers_share": None, "flip_share": 0.0}
    assert masks_of_row(row) == ("sky", "flip")
    assert masks_of_row({"name": "labels without masks"}) == ()


def test_names_of_masks_are_checked_and_sorted() -> None:
    assert parse_mask_names("flip, sky") == parse_mask_names(["flip", "sky"]) == ("sky", "flip")
    # A flag that may be given several times gives a list, in which a text with commas is one entry.
    assert parse_mask_names(["flip,sky"]) == parse_mask_names(["sky", " flip"]) == ("sky", "flip")
    assert parse_mask_names("") == parse_mask_names(None) == parse_mask_names(()) == ()
    with pytest.raises(OptionError, match="did you mean 'teachers'"):
        parse_mask_names("sky,teacher")
    with pytest.raises(OptionError, match="'sky' more than once"):
        parse_mask_names("sky,sky")


def test_what_is_no_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one mask"):
        encode_masks({})
    with pytest.raises(ValueError, match=r"'flip' of type bool and shape \(1, 2\) beside 'sky' of shape \(2, 2\)"):
        encode_masks({"sky": np.zeros((2, 2), dtype=bool), "flip": np.zeros((1, 2), dtype=bool)})
    with pytest.raises(ValueError, match="type uint8"):
        encode_masks({"sky": np.zeros((2, 2), dtype=np.uint8)})
    with pytest.raises(BrokenSampleError, match="8-bit grey PNG, got uint16"):
        decode_masks(png_bytes(np.zeros((2, 2), dtype=np.uint16)), ["sky"])
    with pytest.raises(BrokenSampleError, match="truncated"):
        decode_masks(encode_masks(_masks("sky"))[:-20], ["sky"])
