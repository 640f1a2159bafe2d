# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about rows, sheets, sparse maps and curves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from depth_anything_hf.visualization import figures
from depth_anything_hf.visualization.figures import (
    CAPTION_PIXELS,
    GAP_PIXELS,
    LINE_PIXELS,
    MOST_LINES,
    add_caption,
    caption_lines,
    sheet,
    side_by_side,
    thicken,
)


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plain(height: int, width: int, grey: int) -> np.ndarray:
    return np.full((height, width, 3), grey, dtype=np.uint8)


def test_a_row_has_one_height_and_white_gaps() -> None:
    row = side_by_side([plain(10, 20, 0), plain(5, 5, 100)], height=10)
    assert row.shape == (10, 20 + GAP_PIXELS + 10, 3)
    assert (row[:, :20] == 0).all() and (row[:, 20 : 20 + GAP_PIXELS] == 255).all() and (row[:, -10:] == 100).all()


def test_a_sheet_aligns_columns_and_leaves_missing_cells_white() -> None:
    picture = sheet([[plain(8, 8, 10), plain(8, 8, 20)], [plain(8, 4, 30)], []], height=8)
    assert picture.shape == (3 * 8 + 2 * GAP_PIXELS, 16 + GAP_PIXELS, 3)
    second = picture[8 + GAP_PIXELS : 16 + GAP_PIXELS]
    assert (second[:, 2:6] == 30).all() and (second[:, :2] == 255).all() and (second[:, 6:] == 255).all()
    assert (picture[-8:] == 255).all()


def test_a_sheet_takes_the_tallest_height_and_grey_images() -> None:
    assert sheet([[np.zeros((6, 3), np.uint8), plain(4, 4, 9)]]).shape == (6, 3 + GAP_PIXELS + 6, 3)
    with pytest.raises(ValueError, match="at least one image"):
        sheet([[], []])
    with pytest.raises(ValueError, match="float64"):
        sheet([[np.zeros((2, 2, 3))]])


def is_drawn_inside(strip: np.ndarray) -> bool:
    """Return whether there is text on a strip, and none at its left and right border."""
    return bool((strip < 128).any() and (strip[:, :2] == 255).all() and (strip[:, -2:] == 255).all())


def test_a_caption_that_fits_has_one_line_and_is_not_cut() -> None:
    text = "edges, fits mirrored (9.5)"
    assert caption_lines(text, 160) == [text]
    captioned = add_caption(plain(30, 160, 7), text)
    assert captioned.shape == (30 + CAPTION_PIXELS, 160, 3) and is_drawn_inside(captioned[:CAPTION_PIXELS])
    assert (captioned[CAPTION_PIXELS:] == 7).all()
    assert add_caption(plain(5, 20, 7), "").shape == (5 + CAPTION_PIXELS, 20, 3)


@pytest.mark.parametrize("width", [80, 110, 140, 249])
def test_a_longer_caption_is_wrapped_whole(width: int) -> None:
    text = "edges, fits turned a quarter (9.5)"
    lines = caption_lines(text, width)
    assert " ".join(lines) == text and 1 <= len(lines) <= MOST_LINES
    captioned = add_caption(plain(30, width, 7), text)
    height = CAPTION_PIXELS + (len(lines) - 1) * LINE_PIXELS
    assert captioned.shape == (30 + height, width, 3) and is_drawn_inside(captioned[:height])


def test_a_word_wider_than_its_picture_is_broken_and_a_text_beyond_four_lines_loses_its_middle() -> None:
    name = "registration: rgb_2019-04-07_left_000123.png"
    lines = caption_lines(name, 120)
    assert len(lines) > 2 and "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert is_drawn_inside(add_caption(plain(30, 120, 7), name)[: CAPTION_PIXELS + LINE_PIXELS * (len(lines) - 1)])
    short = caption_lines("a" * 100 + "_" + "b" * 100, 100)
    assert len(short) == MOST_LINES and "..." in "".join(short)
    assert short[0].startswith("aaa") and short[-1].endswith("bbb")
    assert caption_lines("ab", 1) == ["a", "b"]


def test_captions_of_a_sheet_share_their_height_in_a_row_and_pictures_keep_theirs() -> None:
    rows = [[plain(20, 100, 10), plain(40, 200, 20)], [plain(20, 100, 30)]]
    picture = sheet(rows, 20, [["a caption of more than one line", "short"], ["one"]])
    two = CAPTION_PIXELS + LINE_PIXELS * (len(caption_lines("a caption of more than one line", 100)) - 1)
    assert two > CAPTION_PIXELS
    assert picture.shape == (two + 20 + GAP_PIXELS + CAPTION_PIXELS + 20, 100 + GAP_PIXELS + 100, 3)
    assert (picture[two : two + 20, :100] == 10).all() and (picture[two : two + 20, 104:] == 20).all()
    assert (picture[-20:, :100] == 30).all() and (picture[-20 - CAPTION_PIXELS :, 104:] == 255).all()
    assert is_drawn_inside(picture[:two, :100]) and is_drawn_inside(picture[:CAPTION_PIXELS, 104:])
    assert (picture[CAPTION_PIXELS:two, 104:] == 255).all()
    with pytest.raises(ValueError, match=r"caption for each image .*\[2, 1\].*got \[2\]"):
        sheet(rows, 20, [["a", "b"]])


def test_sparse_measurements_are_thickened_and_dense_maps_stay() -> None:
    sparse = np.full((20, 30), np.nan, dtype=np.float32)
    sparse[5, 10], sparse[5, 12], sparse[15, 29] = 1.0, 3.0, -2.0
    grown = thicken(sparse, radius=1)
    assert np.isfinite(grown).sum() == 9 + 9 - 3 + 6
    assert grown[4, 9] == 1.0 and grown[5, 11] == 3.0 and grown[14, 28] == -2.0 and np.isnan(grown[0, 0])
    dense = np.where(np.arange(600).reshape(20, 30) % 2, 1.0, np.nan).astype(np.float32)
    np.testing.assert_array_equal(thicken(dense), dense)
    assert np.isnan(thicken(np.full((3, 3), np.nan))).all()


def test_a_caption_far_too_long_is_not_measured_as_a_whole(monkeypatch):
    usual, measured = figures._text_width, []
    monkeypatch.setattr(figures, "_text_width", lambda text: measured.append(len(text)) or usual(text))
    for text in ("x" * 20_000, "word " * 4_000):
        lines = figures.caption_lines(text, 40)
        assert len(lines) == figures.MOST_LINES and "..." in "".join(lines)
    assert sum(measured) < 1_000_000
