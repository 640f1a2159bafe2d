# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Crops, and settings that make no sense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from depth_anything_hf.evaluation.settings import CROPS, EvaluationSettings


@pytest.mark.parametrize(
    "wrong", [{"min_depth": 0.0}, {"max_depth": math.inf}, {"min_valid_pixels": 0}, {"alignment": "least"}]
)
def test_wrong_settings_raise(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EvaluationSettings(**wrong)


def test_crops() -> None:
    def window(name: str, height: int, width: int) -> tuple[int, ...]:
        rows, columns = CROPS[name].window(height, width)
        return rows.start, rows.stop, columns.start, columns.stop

    assert window("eigen-nyu", 480, 640) == (45, 471, 41, 601)
    assert window("garg", 375, 1242) == (153, 371, 44, 1197)
    assert window("eigen-kitti", 352, 1216) == (117, 321, 43, 1172)
    assert window("kitti-benchmark", 375, 1242) == (23, 375, 13, 1229)
    with pytest.raises(ValueError, match=r"a\.png: crop 'eigen-nyu': .*480 x 640.*got 240 x 320"):
        EvaluationSettings(crop="eigen-nyu").window("crop", 240, 320, "a.png")
    with pytest.raises(ValueError, match="does not fit into 300 x 1242"):
        CROPS["kitti-benchmark"].window(300, 1242)
