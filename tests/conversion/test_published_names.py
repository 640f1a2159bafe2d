# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""File names that say metric or V1, which tensors do not show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from original_checkpoints import CHECKPOINT, HEADS, load, saved

from depth_anything_hf.conversion.original import convert_original
from depth_anything_hf.conversion.published_names import NameHints, name_hints


@pytest.mark.parametrize(
    ("stem", "hints"),
    [
        ("depth_anything_v2_vits", (False, None, "v2")),
        ("depth_anything_v2_metric_hypersim_vits", (True, 20, "v2")),
        ("Depth-Anything-V2-Metric-VKITTI-vitl", (True, 80, "v2")),
        ("depth_anything_vitl14", (False, None, "v1")),
        ("depth_anything_metric_depth_outdoor", (True, 80, None)),
        ("my_metric_run", (True, None, None)),
        ("hypersim_vitb", (None, 20, None)),
        ("relative_hypersim_vkitti", (False, None, None)),
        ("biometrics_v1", (None, None, None)),
        ("depth_anything_v1_vits", (None, None, "v1")),
        ("depth_anything_v10", (None, None, None)),
        ("latest", (None, None, None)),
        ("DepthAnythingMetricIndoor", (True, 20, None)),
        ("MetricDepth-Outdoors", (True, 80, None)),
        ("isometric_depth", (None, None, None)),
        ("da_v1_small", (None, None, "v1")),
        ("DAv2-metric", (True, None, "v2")),
        ("data_v1", (None, None, None)),
        ("depth_anything_vits14_to_v2", (None, None, "v2")),
    ],
)
def test_what_a_name_says(stem: str, hints: Any) -> None:
    assert name_hints(stem) == NameHints(*hints)


@pytest.mark.parametrize(
    ("name", "message", "options", "expected"),
    [
        (
            "depth_anything_v2_metric_hypersim_vits",
            "is a metric model.*--max_depth 20.*--relative",
            {"max_depth": 20},
            ("metric", 20, [3, 6, 9, 12]),
        ),
        (
            "depth_anything_v2_metric_vkitti_vits",
            "--max_depth 80",
            {"depth_estimation_type": "relative"},
            ("relative", 1, [3, 6, 9, 12]),
        ),
        (
            "depth_anything_vits14",
            "Anything V1.*--feature_layers v1",
            {"feature_layers": "v1"},
            ("relative", 1, [9, 10, 11, 12]),
        ),
        ("depth_anything_vits14", "Anything V1", {"feature_layers": "v2"}, ("relative", 1, [3, 6, 9, 12])),
    ],
)
def test_a_name_that_says_otherwise_needs_the_option(
    name: str, message: str, options: Any, expected: Any, tmp_path: Path
) -> None:
    file = saved(load(CHECKPOINT), tmp_path / f"{name}.pth")
    with pytest.raises(ValueError, match=f"{name}.pth: its name .*{message}"):
        convert_original(file, tmp_path / "refused", **HEADS)
    assert not (tmp_path / "refused").exists()
    folder = convert_original(file, tmp_path / "model", **options, **HEADS)
    config = json.loads((folder / "config.json").read_text())
    found = config["depth_estimation_type"], config.get("max_depth") or 1, config["backbone_config"]["out_indices"]
    assert found == expected


def test_scores_of_metric_depth_say_it_too(tmp_path: Path) -> None:
    content = {"model": load(CHECKPOINT), "previous_best": {"d1": 0.9, "abs_rel": 0.1}}
    with pytest.raises(ValueError, match=r"latest.pth: the scores in it .*metric model"):
        convert_original(saved(content, tmp_path / "latest.pth"), tmp_path / "model", **HEADS)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("hypersim_vits", {}, "sounds like the authors' metric ones.*--max_depth 20"),
        ("depth_anything_v2_vits", {"max_depth": 20}, "its name is that of a relative one"),
        ("depth_anything_v2_metric_vkitti_vits", {"max_depth": 20}, "cap of 20 m, but .* have 80 m"),
        ("depth_anything_v2_vits", {"feature_layers": "v1"}, "its name says V2"),
        ("depth_anything_v2_vits", {}, None),
        ("depth_anything_v2_metric_hypersim_vits", {"max_depth": 20}, None),
        ("own", {"max_depth": 5}, None),
    ],
)
def test_options_that_contradict_a_name_are_warned_of(
    name: str, options: Any, message: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    convert_original(saved(load(CHECKPOINT), tmp_path / f"{name}.pth"), tmp_path / "model", **options, **HEADS)
    if message is None:
        assert not caplog.records
    else:
        (record,) = caplog.records
        assert re.search(message, record.getMessage())
