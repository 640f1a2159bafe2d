# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate --video`: table and file of scores, files of the user's, options that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import run
from tiny_predictors import SIDE, tiny_model
from wall_clips import write_wall_clip

from depth_anything_hf.evaluation.clip_runner import run_clip
from depth_anything_hf.evaluation.runner import EvaluationArguments
from depth_anything_hf.evaluation.runner import run as evaluate
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


def test_labels_farther_than_the_model_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_wall_clip(tmp_path / "clip", frames=2)
    tiny_model(depth_estimation_type="metric", max_depth=20).save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(tmp_path / "model")
    warned = []
    for clip, max_depth in (("clip", None), ("clip/images", 30.0), ("clip", 30.0)):
        caplog.clear()
        words = {"model": str(tmp_path / "model"), "video": str(tmp_path / clip), "device": "cpu"}
        run_clip(EvaluationArguments(**words, max_depth=max_depth))
        warned.append("up to 30 m, but the output of the model ends at 20 m" in caplog.text)
    # Pictures alone have no labels.
    assert warned == [False, False, True]


def test_the_command_scores_saves_and_refuses(tmp_path: Path) -> None:
    write_wall_clip(tmp_path / "clip", frames=4)
    tiny_model().save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(tmp_path / "model")
    words = ("evaluate", tmp_path / "model", "--video", tmp_path / "clip", "--device", "cpu", "--limit", 3)
    result = run(*words, "-o", tmp_path / "scores")
    assert result.exit_code == 0, result.output
    assert "align, smooth" in result.output and "3 frames" in result.output
    record = json.loads((tmp_path / "scores" / "video_scores.json").read_text())
    assert [row["treatment"] for row in record["rows"]] == [
        "none",
        "range",
        "scale, shift",
        "align",
        "align, smooth",
        "truth",
    ]
    assert record["video"] == "clip" and record["made_with"]["model"] == "model" and record["frames"] == 3
    # Those of an earlier evaluation are replaced, the user's are not.
    assert run(*words, "-o", tmp_path / "scores").exit_code == 0
    (tmp_path / "scores" / "video_scores.json").write_text("[]")
    refused = run(*words, "-o", tmp_path / "scores")
    assert refused.exit_code == 1 and "video_scores.json" in refused.output
    assert run(*words, "-o", tmp_path / "scores", "--overwrite").exit_code == 0
    inside = run(*words, "-o", tmp_path / "clip" / "scores")
    assert inside.exit_code == 1 and "lies in the video's folder" in inside.output
    several = run(*words, "--num_processes", 2)
    assert several.exit_code == 2 and "cannot be combined with --video" in several.output
    missing = run("evaluate", tmp_path / "model", "--video", tmp_path / "nothing.mp4", "--device", "cpu")
    assert missing.exit_code == 1 and "nothing.mp4" in missing.output


def test_arguments_that_do_not_go_with_a_video() -> None:
    for options in ({"data": "x"}, {"protocol": "nyu", "root": "x"}, {"alignment": "none"}, {"confidence": True}):
        with pytest.raises(ValueError, match="cannot be combined with video"):
            EvaluationArguments("model", video="clip.mp4", **options)
    with pytest.raises(ValueError, match="or video"):
        EvaluationArguments("model")
    with pytest.raises(ValueError, match="run_clip"):
        evaluate(EvaluationArguments("model", video="clip.mp4"))
    with pytest.raises(ValueError, match="expected the arguments of a video"):
        run_clip(EvaluationArguments("model", data="x"))
