# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples: a label of another size than the image, and arguments of another value, are told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.samples import add_label, as_number, check_choice


def test_a_label_must_have_the_size_of_the_image() -> None:
    sample = {"image": np.zeros((6, 8, 3), np.uint8), "name": "a.png"}
    assert set(add_label({**sample}, "depth", np.ones((6, 8), np.float32), "a.npy")) == {"image", "name", "depth"}
    message = (
        r"a\.png is 6 x 8 \(height x width\) .* its label a\.npy is 8 x 6 .*agree pixel by pixel: resize the image"
    )
    with pytest.raises(BrokenSampleError, match=message):
        add_label(sample, "depth", np.ones((8, 6), np.float32), "a.npy")


def test_a_wrong_choice_is_told_with_the_choices() -> None:
    check_choice("label", "depth", ("depth", None))
    with pytest.raises(ValueError, match=r"label must be one of \['depth', None\], got 'dept'"):
        check_choice("label", "dept", ("depth", None))


@pytest.mark.parametrize(("given", "number"), [(None, None), (0.5, 0.5), (3, 3), ("1e-3", 1e-3), (np.float32(2), 2)])
def test_numbers_may_be_text_as_yaml_reads_them(given: object, number: float | None) -> None:
    assert as_number(given, "scale") == number


@pytest.mark.parametrize("wrong", ["1/1000", "", True, [1], "mm"])
def test_what_is_no_number_is_told(wrong: object) -> None:
    with pytest.raises(ValueError, match="scale must be a number, got "):
        as_number(wrong, "scale")


def test_a_whole_number_is_an_integer() -> None:
    assert [as_number(each, "limit", whole=True) for each in ("1e3", 2.0, 7)] == [1000, 2, 7]
    for wrong in (0.5, "2.5", math.inf, math.nan):
        with pytest.raises(ValueError, match="limit must be an integer"):
            as_number(wrong, "limit", whole=True)
