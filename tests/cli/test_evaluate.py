# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores by protocol and on own data, from the command and from the example."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from command_line import files_below, random_image, run, run_process
from PIL import Image
from sample_files import write_moge

from depth_anything_hf.evaluation.runner import EvaluationArguments
from depth_anything_hf.evaluation.runner import run as evaluate
from depth_anything_hf.pseudo_labels.runner import LabelArguments, label


def test_evaluate_prints_and_saves_the_scores(model: Path, labelled: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "--data", labelled, "--output", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "abs_rel" in result.output and "alignment: disparity" in result.output
    record = json.loads((tmp_path / "results" / "results.json").read_text())
    assert record["images"] == 3 and record["prediction_kind"] == "disparity"
    assert record["made_with"]["model"] == model.name and f"made with: model {model.name}, " in result.output
    (entry,) = json.loads((tmp_path / "results" / "card_entries.json").read_text()).values()
    assert entry["metrics"]["abs_rel"] == record["mean"]["abs_rel"]


def test_a_metric_model_is_scored_in_metres(metric_model: Path, labelled: Path) -> None:
    result = run("evaluate", metric_model, "--data", labelled, "--device", "cpu", "--max-depth", "20", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert "2 images scored" in result.output and "alignment: none" in result.output


def test_the_commands_are_functions(model: Path, labelled: Path, photos: Path, tmp_path: Path) -> None:
    (scores,) = evaluate(EvaluationArguments(str(model), data=str(labelled), device="cpu")).values()
    assert len(scores.rows) == 3 and scores.mean["abs_rel"] >= 0
    report = label(LabelArguments(str(model), str(photos), str(tmp_path / "labels"), device="cpu"))
    assert report.labelled == 2


def test_pictures_without_labels_cannot_be_scored(model: Path, photos: Path) -> None:
    result = run("evaluate", model, "--data", photos)
    assert result.exit_code == 1 and "no depth or disparity labels" in result.output


def test_a_protocol_signs_the_result(
    model: Path, metric_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Virtual KITTI 2 as it is downloaded: depth in centimetres, 65535 is the sky.
    frame = "Scene01/clone/frames/{}/Camera_0/{}_00000"
    for folder, name in (("rgb", "rgb"), ("depth", "depth")):
        (tmp_path / frame.format(folder, name)).parent.mkdir(parents=True)
    Image.fromarray(random_image((30, 40), 0)).save(tmp_path / (frame.format("rgb", "rgb") + ".jpg"))
    depth = np.linspace(200, 5000, 30 * 40).reshape(30, 40).astype(np.uint16)
    depth[0] = 65535
    cv2.imwrite(str(tmp_path / (frame.format("depth", "depth") + ".png")), depth)
    protocol = ("--protocol", "vkitti2", "--root", tmp_path)
    result = run("evaluate", model, *protocol, "-o", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "vkitti2@1" in result.output
    record = json.loads((tmp_path / "results" / "results.json").read_text())
    assert record["settings"]["protocol"] == "vkitti2@1" and record["images"] == 1
    assert {"errors.jpg", "per_image.parquet"} <= set(files_below(tmp_path / "results"))
    # A metric model that ends at 20 m: the protocol keeps its range, and a warning says so.
    assert "ends at" not in caplog.text
    result = run("evaluate", metric_model, *protocol, "--device", "cpu")
    assert "depth 0.001 to 80 m" in result.output
    assert "vkitti2@1 scores labels up to 80 m, but the output of the model ends at 20 m" in caplog.text
    # A root without the files: one error that says what was expected.
    missing = run("evaluate", model, "--protocol", "nyu", "--root", tmp_path / "results")
    assert missing.exit_code == 1 and "nyu_depth_v2_labeled.mat" in missing.output
    assert run("evaluate", model, "--protocol", "nyu").exit_code == 2
    assert "did you mean 'nyu'" in run("evaluate", model, "--protocol", "nyuu", "--root", tmp_path).output


@pytest.mark.parametrize(
    "option", [("--min_depth", 0), ("--image_column", "image"), ("--scale", 0), ("--alignment", "")]
)
def test_what_a_protocol_fixes_cannot_be_given(option: tuple[str, Any], model: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "--protocol", "vkitti2", "--root", tmp_path, *map(str, option))
    assert result.exit_code == 2
    assert f"{option[0].removeprefix('--')} cannot be combined with protocol" in result.output


def evaluation_example() -> Any:
    path = Path(__file__).parents[2] / "examples" / "evaluate.py"
    specification = importlib.util.spec_from_file_location("example_evaluate", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Its dataclass looks its module up.
    sys.modules["example_evaluate"] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("is_example", [False, True])
def test_a_group_scores_every_set_that_is_there(
    is_example: bool, model: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    for subset in ("NYUv2", "HAMMER"):
        write_moge(tmp_path / "bundle", subset, 2)
    group = ("--protocol", "moge-bundle", "--root", str(tmp_path / "bundle"), "--limit", "1")
    if is_example:
        arguments = ["evaluate.py", "--model", str(model), *group, "--output_dir", str(tmp_path / "out")]
        monkeypatch.setattr(sys, "argv", arguments)
        evaluation_example().main()
        printed = capsys.readouterr().out
    else:
        result = run("evaluate", model, *group, "-o", tmp_path / "out", "--device", "cpu")
        assert result.exit_code == 0, result.output
        printed = result.output
    assert "protocol: moge-nyu@1, modified, first 1" in printed and "protocol: moge-hammer@1" in printed
    assert "mean over 2 of 10 sets: abs_rel" in printed and "not in it: moge-kitti: no folder KITTI" in printed
    names = ("card_entries.json", "errors.jpg", "per_image.parquet", "results.json")
    assert files_below(tmp_path / "out") == sorted(
        f"{p}/{name}" for p in ("moge-hammer", "moge-nyu") for name in names
    )
    record = json.loads((tmp_path / "out" / "moge-nyu" / "results.json").read_text())
    assert record["protocol"] == "moge-nyu@1, modified"
    assert record["made_with"]["model"] == model.name and record["made_with"]["split"] == "NYUv2"


def test_the_example_refuses_what_the_protocol_fixes_and_fails_without_scores(
    model: Path, labelled: Path, monkeypatch: Any
) -> None:
    example = evaluation_example()
    for name, value in (("max_depth", 10.0), ("min_depth", 0.0), ("alignment", "none"), ("scale", 1.0), ("label", "")):
        with pytest.raises(ValueError, match=f"{name} cannot be combined with protocol"):
            EvaluationArguments(model="m", protocol="nyu", root="r", **{name: value})
    # No label is that near.
    arguments = ["evaluate.py", "--model", str(model), "--data", str(labelled), "--max_depth", "0.5"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        example.main()
    assert ended.value.code == 1


@pytest.mark.slow
def test_two_processes_of_one_command_score_like_one(model: Path, labelled: Path, tmp_path: Path) -> None:
    command = ("evaluate", model, "--data", labelled, "--output_dir")
    one = run(*command, tmp_path / "one", "--num_processes", "1", ACCELERATE_USE_CPU="true")
    assert one.exit_code == 0 and one.stdout.count("3 images scored") == 1, one.output
    program = ("-m", "depth_anything_hf.cli")
    two = run_process(*program, *command, tmp_path / "two", "--num_processes", "2", ACCELERATE_USE_CPU="true")
    assert two.returncode == 0 and two.stdout.count("3 images scored") == 1, two.stderr
    first, second = ((tmp_path / name / "results.json").read_text() for name in ("one", "two"))
    assert first == second
