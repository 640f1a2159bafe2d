# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is told and saved of a comparison: table, sentences, JSON, page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predictors import brightness, make_dataset, predictor
from readable_pages import problems_of

from depth_anything_hf.evaluation.comparison import Comparison, LeftOut
from depth_anything_hf.evaluation.comparison_report import ComparedSet, save_comparison
from depth_anything_hf.evaluation.comparison_text import (
    comparison_table,
    headline,
    left_out_lines,
    probability_text,
    signed_text,
    verdicts,
)
from depth_anything_hf.evaluation.evaluator import evaluate


NASTY = '<img src="x" onerror="alert(1)">'


class Stand:
    """A predictor of the tests with what a depth predictor says of itself."""

    prediction_kind = "disparity"

    def __init__(self, function: Callable[[np.ndarray], np.ndarray]) -> None:
        self._predict = predictor(function)

    def __call__(self, images: Any) -> Any:
        return self._predict(images)


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(image.sum())).normal(0, 40, image.shape[:2])
    return brightness(image) + noise.astype(np.float32)


def fails_once(image: np.ndarray) -> np.ndarray:
    if image[5, 5, 0] == FAILS[5, 5, 0]:
        raise RuntimeError("out of memory")
    return brightness(image)


DATASET = make_dataset(8)
FAILS = DATASET[2]["image"]


@pytest.fixture(scope="module")
def compared() -> ComparedSet:
    predictors = {"good": Stand(brightness), NASTY: Stand(noisy), "frail": Stand(fails_once)}
    results = {name: evaluate(one, DATASET, prediction_kind="disparity") for name, one in predictors.items()}
    made_with = {name: {"model": name, "input_size": 56} for name in results}
    return ComparedSet(Comparison.of(results), made_with, DATASET, predictors)  # type: ignore[arg-type]


def test_the_table_has_every_number_and_names_who_failed(compared: ComparedSet) -> None:
    lines = comparison_table(compared.comparison).splitlines()
    assert lines[0] == "protocol: own settings, alignment: disparity, depth 0.001 to 80 m"
    assert lines[1].split() == ["metric", "good", "(baseline)", *NASTY.split(), "frail"]
    number = next(i for i, line in enumerate(lines) if line.startswith("abs_rel ↓"))
    metric = compared.comparison.metrics["abs_rel"]
    shown = [float(text) for text in re.findall(r"[-+]?\d+\.\d+", lines[number])]
    ends = [(mean, *interval) for mean, interval in zip(metric.means, metric.intervals, strict=True)]
    assert shown == pytest.approx([value for each in ends for value in each], abs=6e-5)
    assert signed_text(metric.differences[1]) in lines[number + 1] and lines[number + 1].endswith("0 [0, 0]")
    assert lines[number + 2].split()[-4:] == ["\N{EN DASH}", "<", "0.001", "0.500"]
    told = "\n".join(lines)
    assert "7 images scored by every model, 1 image left out" in told
    assert f"left out image 2: scored by good, {NASTY}; frail: out of memory" in told
    assert "with fewer than 20 images" in told
    assert headline(compared.comparison) == (f"Against good, by abs_rel: {NASTY} worse; frail not clearly different")
    worse, equal = verdicts(compared.comparison)
    assert worse.startswith(f"{NASTY} is worse than good: abs_rel +")
    assert equal == (
        "no clear difference between frail and good: abs_rel 0 [0, 0]; probability that frail is better: 0.500"
    )


def test_images_left_out_for_one_reason_are_named_together(compared: ComparedSet) -> None:
    left_out = [LeftOut(i, f"{i}.png", {"frail": "too dark" if i < 8 else f"reason {i}"}) for i in range(30)]
    lines = left_out_lines(replace(compared.comparison, left_out=tuple(left_out)))
    assert lines[0] == (
        f"left out 0.png, 1.png, 2.png, 3.png, 4.png and 3 more: scored by good, {NASTY}; frail: too dark"
    )
    assert len(lines) == 21 and lines[-1] == "and for 3 further reasons"


def test_probabilities_of_all_or_no_samples_are_bounds() -> None:
    assert [probability_text(each) for each in (0.0, 0.0005, 0.5, 0.9995, 1.0)] == [
        *("< 0.001", "< 0.001", "0.500", "> 0.999", "> 0.999")
    ]


def test_json_and_page_hold_everything(compared: ComparedSet, tmp_path: Path) -> None:
    save_comparison(tmp_path, {"mine": compared}, {"other": "no folder"}, pictures=2)
    record = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    one = record["sets"]["mine"]
    assert record["missing"] == {"other": "no folder"} and one["baseline"] == "good" and one["images"] == 7
    metric = compared.comparison.metrics["abs_rel"]
    assert one["metrics"]["abs_rel"]["difference"]["frail"] == 0
    assert one["metrics"]["abs_rel"]["probability_better"]["frail"]["good"] == 0.5
    assert one["left_out_images"] == [{"index": 2, "name": "image 2", "reasons": {"frail": "out of memory"}}]
    differences = [row["abs_rel"][NASTY] - row["abs_rel"]["good"] for row in one["rows"]]
    assert np.mean(differences) == pytest.approx(metric.differences[1])
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert problems_of(page) == []
    assert NASTY not in page and "&lt;img src=" in page and "out of memory" in page and "Each against each" in page
    # Image, label and a map of each model, of the two images that differ most.
    assert page.count("<img ") == 2 * 5
    shown = [f"image {compared.comparison.images[place][0]}" for place in compared.comparison.most_different(2)]
    assert re.findall("<h3>(.*?)</h3>", page) == shown
    assert not re.search(r"https?:|<script", page)


def test_only_an_earlier_comparison_is_replaced(compared: ComparedSet, tmp_path: Path) -> None:
    for _ in range(2):
        save_comparison(tmp_path, {"mine": compared}, pictures=0)
    assert "<img " not in (tmp_path / "comparison.html").read_text(encoding="utf-8")
    for name in ("comparison.html", "comparison.json"):
        kept = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text('{"mine": 1}')
        with pytest.raises(FileExistsError, match=name):
            save_comparison(tmp_path, {"mine": compared}, pictures=0)
        (tmp_path / name).write_bytes(kept)
    (tmp_path / "comparison.html").write_text("<p>mine</p>")
    save_comparison(tmp_path, {"mine": compared}, pictures=0, overwrite=True)
    assert "<p>mine</p>" not in (tmp_path / "comparison.html").read_text(encoding="utf-8")
