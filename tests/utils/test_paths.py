# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`~` at the start of a path means the home folder, wherever a path is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from cards import write_card
from command_line import run
from PIL import Image

from depth_anything_hf.cli.launch import LaunchArguments
from depth_anything_hf.data.decoding.images import find_images, read_image
from depth_anything_hf.data.sources import DataSource
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.runner import EvaluationArguments
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.measured_points import read_points
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.fill_shards import label_images
from depth_anything_hf.pseudo_labels.runner import LabelArguments
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.student import DistillationArguments
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.utils import paths
from depth_anything_hf.utils.paths import expand_home, expand_word, local_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_only_the_own_home_is_expanded(home: Path) -> None:
    assert expand_home(["~", "~/a", {"b": "~/c"}, Path("~/d"), 3]) == [
        *(str(home), str(home / "a"), {"b": str(home / "c")}, home / "d", 3)
    ]
    for other in ("~nobody/a", "a/~/b", "owner/name", "./~/a"):
        assert expand_home(other) == other
    assert local_path("~/a") == local_path(Path("~/a")) == home / "a"
    assert [expand_word(word) for word in ("--output_dir=~/a", "~/a", "--x=a=~/b", "a=~/b")] == [
        *(f"--output_dir={home / 'a'}", str(home / "a"), "--x=a=~/b", "a=~/b")
    ]


# Fields of text that are neither numbers nor one of a few words, with what else the dataclass needs.
DATACLASSES: list[tuple[type, dict[str, Any], tuple[str, ...]]] = [
    (TrainingArguments, {"output_dir": "runs"}, ("output_dir", "resume_from_checkpoint")),
    (DataArguments, {"train_data": ["a"]}, ("train_data", "eval_data", "eval_root")),
    (ModelArguments, {}, ("model_name_or_path",)),
    (ModelArguments, {}, ("encoder_name_or_path",)),
    (EvaluationArguments, {"model": "m", "data": "d"}, ("model", "data", "output_dir")),
    (LabelArguments, {"teacher": "t", "data": "d", "output_dir": "o"}, ("teacher", "data", "output_dir")),
    (LaunchArguments, {}, ("accelerate_config",)),
    (DataSource, {"path": "p"}, ("path",)),
    (DistillationArguments, {}, ("teacher",)),
]


@pytest.mark.parametrize(("kind", "options", "names"), DATACLASSES)
def test_fields_that_hold_paths(home: Path, kind: type, options: dict[str, Any], names: tuple[str, ...]) -> None:
    hints = get_type_hints(kind)
    known = {each.name for each in dataclasses.fields(kind)}
    assert known.issuperset(names)
    for name in names:
        is_list = hints[name] == list[str]
        made = kind(**{**options, name: ["~/a"] if is_list else "~/a"})
        assert getattr(made, name) == ([str(home / "a")] if is_list else str(home / "a"))


@pytest.mark.parametrize(("kind", "options"), [(kind, options) for kind, options, _ in DATACLASSES])
def test_every_field_of_text_expands_the_home_or_refuses_it(home: Path, kind: type, options: dict[str, Any]) -> None:
    hints = get_type_hints(kind)
    tried = 0
    for name in [each.name for each in dataclasses.fields(kind) if each.init]:
        for value in ("~/a", ["~/a"], [{"path": "~/a"}]):
            if "str" not in str(hints[name]) and "Any" not in str(hints[name]):
                continue
            try:
                given = getattr(kind(**{**options, name: value}), name)
            except (ValueError, TypeError):
                continue
            tried += 1
            assert "~" not in str(given) and str(home / "a") in str(given), name
    assert tried


def test_calls_that_take_paths(home: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5, 3), dtype=np.uint8)).save(home / "a.png")
    assert read_image("~/a.png").shape == (4, 5, 3)
    assert find_images(["~/a.png"]) == [home / "a.png"]
    calibration = Calibration("disparity", 1.0, 0.0, 2, 0, 0.0, 1.0, 2.0)
    calibration.save("~/made/camera.json")
    assert Calibration.load(home / "made/camera.json") == Calibration.load("~/made/camera.json") == calibration
    (home / "points.csv").write_text("x,y,depth\n1,2,3\n")
    assert list(read_points("~/points.csv", "~/a.png"))
    with pytest.raises(OSError, match=f"{home.name}.absent"):
        DepthPredictor.from_pretrained("~/absent")


def test_calls_that_write_into_folders(
    home: Path, monkeypatch: pytest.MonkeyPatch, make_tiny_model: Callable[..., DepthAnythingForDepthEstimation]
) -> None:
    monkeypatch.chdir(home)
    write_card(Path("~/model"))
    assert (home / "model" / "README.md").is_file()
    EvaluationResult([], EvaluationSettings(), "disparity", []).save("~/scores")
    assert (home / "scores" / "results.json").is_file()
    model = make_tiny_model()
    model.save_pretrained("~/saved")
    assert type(model).from_pretrained("~/saved").config.to_dict().keys() == model.config.to_dict().keys()
    with pytest.raises(OSError, match=f"{home.name}.absent"):
        type(model).from_encoder("~/absent")
    nothing: Any = []
    with pytest.raises(ValueError, match="the dataset is empty"):
        label_images(nothing, nothing, "~/labels", provenance={})
    assert (home / "labels").is_dir() and not (home / "~").exists()


def test_commands_expand_what_the_shell_left(home: Path) -> None:
    Image.fromarray(np.zeros((30, 40, 3), dtype=np.uint8)).save(home / "a.png")
    result = run("predict", "~/a.png", "--output_dir=~/out", "--model=~/absent")
    assert result.exit_code == 1 and str(home / "absent") in result.output
    checked = run("verify", "~/labels")
    assert checked.exit_code != 0 and str(home / "labels") in checked.output


def test_a_path_is_expanded_in_one_way_everywhere() -> None:
    """`Path.expanduser` also expands `~user`, and leaves what is inside lists; two ways would disagree."""
    package = Path(paths.__file__).parents[1]
    users = [path for path in package.rglob("*.py") if "expanduser" in path.read_text(encoding="utf-8")]
    assert users == [Path(paths.__file__)]
