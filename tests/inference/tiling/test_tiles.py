# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures by tiles: what they hold, no lines between tiles, sizes of all kinds."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import pytest
from formula_predictor import FormulaPredictor, soft_picture
from tiny_predictors import random_image

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.layout import TileLayout
from depth_anything_hf.inference.tiling.part_passes import predict_parts
from depth_anything_hf.inference.tiling.tiles import count_passes, predict_tiled, shrink


LAYOUT = TileLayout(56, 14)


def whole_pass(predictor: FormulaPredictor, picture: np.ndarray) -> np.ndarray:
    (whole,) = predict_parts(predictor, [("", lambda: shrink(picture, 112 / min(picture.shape[:2])))])
    return cv2.resize(whole, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("kind", ["disparity", "depth"])
def test_tiles_of_any_scale_and_shift_become_one_map_in_that_of_the_whole(
    kind: Literal["disparity", "depth"],
) -> None:
    picture = soft_picture(224, 300)
    predictor = FormulaPredictor(56, kind)
    values = predict_tiled(predictor, picture, LAYOUT)
    assert values.dtype == np.float32 and values.shape == (224, 300)
    truth, whole = picture[..., 0] / 255.0, whole_pass(predictor, picture)
    soft, goal = cv2.blur(truth, (9, 9)).ravel(), cv2.blur(whole, (9, 9)).ravel()
    scale, shift = (soft @ goal / (soft @ soft), 0.0) if kind == "depth" else np.polyfit(soft, goal, 1)
    error, coarse_error = np.abs(values - scale * truth - shift), np.abs(whole - scale * truth - shift)
    assert error.mean() < 0.015 * np.ptp(scale * truth)
    # The box has sharp borders, which a pass over the whole picture does not hold.
    assert error.mean() < 0.6 * coarse_error.mean() and error.max() < 0.6 * coarse_error.max()


def test_no_line_shows_where_tiles_begin() -> None:
    picture = soft_picture(224, 224)
    picture[..., 0] = soft_picture(448, 448, 3)[:224, :224, 0]
    values = predict_tiled(FormulaPredictor(56), picture, LAYOUT)
    steps = np.abs(np.diff(values, n=2, axis=1))
    borders = sorted({tile.left for tile in LAYOUT.tiles(224, 224)} - {0})
    at_borders = np.mean([steps[:, left - 2 : left + 1].mean() for left in borders])
    assert at_borders < 1.1 * steps.mean()


SPOILED = {
    "constant": lambda values: np.full_like(values, values.mean()),
    "upside down": lambda values: values[::-1].copy(),
    "reversed": lambda values: values.max() + values.min() - values,
    "raised on one side": lambda values: values + np.where(np.arange(values.shape[1]) < 20, np.ptp(values), 0),
}


@pytest.mark.parametrize("kind", ["disparity", "depth"])
@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_tile_that_contradicts_the_whole_picture_does_not_show(
    kind: Literal["disparity", "depth"], spoiled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, predictor = soft_picture(168, 168), FormulaPredictor(56, kind, batch_size=1)
    good, launch, passes = predict_tiled(predictor, picture, LAYOUT), predictor._passes.launch, []

    def spoil(inputs: Any, sizes: Any, is_retry: bool = False) -> Any:
        (values,) = launch(inputs, sizes, is_retry)()
        passes.append(values)
        return lambda: [SPOILED[spoiled](values).astype(np.float32) if len(passes) == 6 else values]

    # The middle one of nine, after the whole picture.
    monkeypatch.setattr(predictor._passes, "launch", spoil)
    found = predict_tiled(predictor, picture, LAYOUT)
    assert len(passes) == count_passes((168, 168), LAYOUT)
    difference = np.abs(found - good) / good.std()
    # What is raised has a step inside the tile, which stays.
    most = {"disparity": 0.3, "depth": 0.8}[kind] if spoiled == "raised on one side" else 0.02
    assert np.quantile(difference, 0.99) < most


@pytest.mark.parametrize("size", [(30, 40), (56, 56), (57, 200), (40, 300), (300, 61)])
def test_pictures_of_all_sizes_and_batches_that_are_not_full(predictor: DepthPredictor, size: tuple[int, int]) -> None:
    picture = random_image(size)
    values = predict_tiled(predictor, picture, TileLayout(70, 17))
    assert values.shape == size and np.isfinite(values).all() and values.min() >= 0


def test_a_picture_of_one_tile_is_that_of_one_pass(predictor: DepthPredictor) -> None:
    picture = random_image((70, 70))
    values = predict_tiled(predictor, picture, TileLayout(70, 17))
    np.testing.assert_array_equal(values, predictor.predict(picture))
    assert count_passes((70, 70), TileLayout(70, 17)) == 1


def test_batches_do_not_change_the_values() -> None:
    picture = soft_picture(200, 260)
    maps = [predict_tiled(FormulaPredictor(56, batch_size=size), picture, LAYOUT) for size in (1, 8)]
    np.testing.assert_array_equal(*maps)


def test_levels_double_the_resolution_up_to_the_pictures_own() -> None:
    predictor, told = FormulaPredictor(56, batch_size=1), []
    predict_tiled(predictor, soft_picture(224, 224), LAYOUT, lambda *numbers: told.append(numbers))
    assert told == [(number, 35) for number in range(1, 36)]
    assert len(predictor._passes.batches) == 1 + 3 * 3 + 5 * 5 == count_passes((224, 224), LAYOUT)
    assert (
        count_passes((6000, 8000), TileLayout(518, 130))
        == sum(TileLayout(518, 130).count(*size) for size in [(1500, 2000), (3000, 4000), (6000, 8000)]) + 1
    )
    assert count_passes((60, 70), LAYOUT) == 5


def test_shrinking_averages() -> None:
    checkers = np.indices((64, 64)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 200
    assert (shrink(checkers, 0.25) == 100).all()
    assert shrink(checkers, 1.5) is checkers
