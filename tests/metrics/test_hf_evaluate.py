# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The metric of the `evaluate` library gives the mean of the images, and names broken ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depth_anything_hf.metrics.depth import (
    aligned_depth_metrics,
)
from depth_anything_hf.metrics.hf_evaluate import DepthMetric
from depth_anything_hf.metrics.ordinal import ordinal_accuracy
from depth_anything_hf.metrics.table import ALIGNMENTS


def images_of_different_sizes() -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(9)
    predictions, references = [], []
    for height, width in ((12, 17), (9, 30), (20, 20), (5, 6)):
        depth = np.exp(random.uniform(-1, 5, (height, width))).astype(np.float32)
        predictions.append((2 / depth + random.normal(0, 0.1, depth.shape) + 3).astype(np.float32))
        depth[random.random(depth.shape) < 0.3] = np.nan
        references.append(depth)
    return predictions, references


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_the_evaluate_adapter_gives_the_mean_of_the_images(alignment: Any, tmp_path: Path) -> None:
    predictions, references = images_of_different_sizes()
    kind: Any = "disparity" if alignment == "disparity" else "depth"
    metric = DepthMetric(
        alignment=alignment, prediction_kind=kind, min_depth=0.5, max_depth=60, cache_dir=str(tmp_path)
    )
    rows = []
    for prediction, depth in zip(predictions, references, strict=True):
        mask = (depth >= 0.5) & (depth <= 60)
        row = aligned_depth_metrics(prediction, depth, mask, alignment, kind, 0.5, 60)
        row["ordinal_accuracy"] = ordinal_accuracy(prediction if kind == "disparity" else -prediction, depth, mask)
        rows.append(row)
    metric.add_batch(predictions=predictions[:3], references=references[:3])
    metric.add(prediction=predictions[3].tolist(), reference=references[3].tolist())
    expected = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    assert metric.compute() == {**expected, "images": 4, "images_with_too_few_pixels": 0}
    again = metric.compute(predictions=predictions[:1], references=references[:1])
    assert again == {**rows[0], "images": 1, "images_with_too_few_pixels": 0}


def test_the_evaluate_adapter_counts_empty_images_and_names_broken_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions, references = images_of_different_sizes()
    metric = DepthMetric(cache_dir=str(tmp_path))
    with pytest.raises(ValueError, match="no image was added"):
        metric.compute()
    metric.add_batch(predictions=predictions[:1], references=references[:1])
    alone = metric.compute()
    metric.add_batch(predictions=predictions[:2], references=[references[0], np.full_like(references[1], np.nan)])
    assert metric.compute() == {**alone, "images": 2, "images_with_too_few_pixels": 1}
    # As `evaluate` does, an image with a handful of pixels gets no number that would weigh as much as a whole one's.
    sparse = np.full_like(references[1], np.nan)
    sparse.flat[:9] = 3
    metric.add_batch(predictions=predictions[:2], references=[references[0], sparse])
    assert metric.compute() == {**alone, "images": 2, "images_with_too_few_pixels": 1}
    lenient = DepthMetric(min_valid_pixels=9, cache_dir=str(tmp_path))
    assert lenient.compute(predictions=predictions[1:2], references=[sparse])["images_with_too_few_pixels"] == 0

    metric.add_batch(predictions=predictions[:1], references=references[:1])
    with pytest.raises(ValueError, match="image 2: all maps must have the same shape"):
        metric.add_batch(predictions=predictions[1:3], references=[references[1], references[3]])
    with pytest.raises(ValueError, match="got 1 predictions for 2 references"):
        metric.add_batch(predictions=predictions[:1], references=references[:2])
    with pytest.raises(ValueError, match="both predictions and references"):
        metric.compute(predictions=predictions)
    assert metric.compute() == alone
    with pytest.raises(ValueError, match="use alignment='disparity'"):
        DepthMetric(alignment="none")
    with pytest.raises(ValueError, match="min_depth < max_depth"):
        DepthMetric(min_depth=0)
    with pytest.raises(ValueError, match="min_valid_pixels must be at least 1"):
        DepthMetric(min_valid_pixels=0)
    monkeypatch.setitem(sys.modules, "evaluate", None)
    with pytest.raises(ImportError, match=r"depth_anything_hf\[evaluate\]"):
        DepthMetric()
