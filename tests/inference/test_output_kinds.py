# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model predicts: by its configuration, by choice where that says nothing, and refused where it is neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_predictors import tiny_config, tiny_dpt
from transformers import DPTConfig, GLPNConfig
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from depth_anything_hf.inference.output_kinds import prediction_kind_of
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.loading import OTHER_OUTPUTS, refuse_other_outputs


@pytest.mark.parametrize(
    ("config", "kind", "is_stated"),
    [
        (tiny_config(), "disparity", True),
        (tiny_config(depth_estimation_type="metric", max_depth=20), "depth", True),
        (GLPNConfig(), "depth", True),
        (DPTConfig(), "disparity", False),
    ],
)
def test_a_choice_is_checked_against_the_configuration(config: Any, kind: Any, is_stated: bool) -> None:
    assert prediction_kind_of(config, None) == prediction_kind_of(config, kind) == kind
    other: Any = "depth" if kind == "disparity" else "disparity"
    if is_stated:
        with pytest.raises(ValueError, match=f"prediction_kind '{other}' contradicts .* it predicts {kind}"):
            prediction_kind_of(config, other)
    else:
        assert prediction_kind_of(config, other) == other
    with pytest.raises(ValueError, match=r"must be one of \['disparity', 'depth'\], got 'metres'"):
        prediction_kind_of(config, "metres")  # type: ignore[arg-type]


@pytest.mark.parametrize("model_type", ["prompt_depth_anything", "chmv2"])
def test_other_outputs_are_refused_by_name(model_type: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"Model is a '{model_type}' model, which .*; use it by transformers' "):
        refuse_other_outputs("Model", model_type)
    # The weights are not looked for.
    config = {"model_type": model_type, "backbone_config": {"model_type": "dinov2"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"{model_type}"):
        DepthPredictor.from_pretrained(tmp_path)
    model, processor = tiny_dpt(), DPTImageProcessorPil()
    model.config.model_type = model_type
    with pytest.raises(ValueError, match=r"neither disparity nor depth|has no unit"):
        DepthPredictor(model, processor)
    assert model_type in OTHER_OUTPUTS
