# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Arguments from flags and YAML recipes, and the models and data that they describe."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from transformers import Dinov2Model

from depth_anything_hf.losses.relative import RelativeLoss
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments, build_model, parse_recipe
from depth_anything_hf.training.trainer import TrainingArguments


CONFIGS = Path(__file__).parents[1] / "examples" / "configs"
TYPES = (ModelArguments, DataArguments, RelativeLoss, TrainingArguments)
SCRATCH: dict[str, Any] = {
    "encoder_config": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
    "decoder_config": {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8},
    "input_size": 56,
}
NEEDED: dict[str, Any] = {**SCRATCH, "train_data": ["somewhere"], "output_dir": "out"}


def recipe(folder: Path, text: str | None = None, **values: Any) -> str:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values) if text is None else text)
    return str(path)


def parse(*argv: str) -> tuple[Any, ...]:
    return parse_recipe(*TYPES, description="A test.", argv=list(argv))


def message(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the user reads when the arguments are refused."""
    with pytest.raises(SystemExit) as stopped:
        parse(*argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


# Parsing


def test_flags_alone():
    flags = "--encoder_name_or_path facebook/dinov2-small --train_data a b --output_dir out --max_steps 7 --haze"
    model, data, loss, training = parse(*flags.split(), "--anchor_weight", "0.5", "--encoder_learning_rate=1e-6")
    assert model.encoder_name_or_path == "facebook/dinov2-small" and model.input_size == 518
    assert data.train_data == ["a", "b"] and data.haze is True
    assert loss.anchor_weight == 0.5
    assert (training.output_dir, training.max_steps, training.encoder_learning_rate) == ("out", 7, 1e-6)


def test_a_recipe_alone(tmp_path):
    model, data, loss, training = parse("--recipe", recipe(tmp_path, **NEEDED, haze=True, gradient_weight=1))
    assert model.encoder_config == SCRATCH["encoder_config"] and model.input_size == 56
    assert data.train_data == ["somewhere"] and data.haze is True
    assert loss.gradient_weight == 1.0
    assert training == TrainingArguments("out")


@pytest.mark.parametrize("order", ["before", "after", "equals"])
def test_flags_win_over_the_recipe(tmp_path, order):
    path = recipe(tmp_path, **NEEDED, max_steps=100, seed=4, haze=True)
    flags = ["--max_steps", "3", "--train_data", "x", "y", "--haze", "false"]
    argv = {
        "before": ["--recipe", path, *flags],
        "after": [*flags, "--recipe", path],
        "equals": [f"--recipe={path}", *flags],
    }
    _, data, _, training = parse(*argv[order])
    assert (training.max_steps, training.seed) == (3, 4)
    assert data.train_data == ["x", "y"] and data.haze is False


def test_numbers_that_yaml_takes_for_text_become_numbers(tmp_path):
    text = yaml.safe_dump(NEEDED) + "encoder_learning_rate: 5e-6\nema_decay: 0.99\n"
    assert yaml.safe_load("5e-6") == "5e-6"
    training = parse("--recipe", recipe(tmp_path, text=text))[3]
    assert training.encoder_learning_rate == 5e-6 and training.ema_decay == 0.99


def test_text_that_yaml_takes_for_numbers_stays_text(tmp_path):
    text = yaml.safe_dump(NEEDED) + "revision: 1234567\n"
    assert parse("--recipe", recipe(tmp_path, text=text))[0].revision == "1234567"


@pytest.mark.parametrize(
    ("key", "value", "kind"), [("max_steps", 2.5, "int"), ("max_steps", "many", "int"), ("blur", "often", "float")]
)
def test_a_value_of_the_wrong_kind_names_its_key(tmp_path, capsys, key, value, kind):
    text = message(capsys, "--recipe", recipe(tmp_path, **NEEDED, **{key: value}))
    assert f"argument --{key}" in text and f"invalid {kind} value: '{value}'" in text


def test_null_in_a_recipe_is_none(tmp_path):
    training = parse("--recipe", recipe(tmp_path, **NEEDED, encoder_learning_rate=None))[3]
    assert training.encoder_learning_rate is None


def test_configurations_as_flags_are_json():
    flags = ["--train_data", "a", "--output_dir", "o", "--encoder_config", json.dumps(SCRATCH["encoder_config"])]
    assert parse(*flags)[0].encoder_config == SCRATCH["encoder_config"]


@pytest.mark.parametrize("wrong", ["[1, 2]", "{hidden_size: 3", "small"])
def test_a_configuration_that_is_no_mapping_says_so(wrong):
    with pytest.raises(ValueError, match="encoder_config must be a mapping"):
        parse("--train_data", "a", "--output_dir", "o", "--encoder_config", wrong)


def test_an_unknown_flag_names_the_nearest(capsys):
    text = message(capsys, "--encoder_name_or_path", "e", "--train_data", "a", "--output_dir", "o", "--max_step", "3")
    assert "unknown argument '--max_step'; did you mean 'max_steps'?" in text


def test_an_unknown_key_names_the_file_and_the_nearest(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED, gradient_wieght=1.0)
    text = message(capsys, "--recipe", path)
    assert f"{path}: unknown key 'gradient_wieght'; did you mean 'gradient_weight'?" in text


def test_an_unknown_key_far_from_all_others_lists_what_there_is(tmp_path, capsys):
    text = message(capsys, "--recipe", recipe(tmp_path, **NEEDED, zzzzzz=1))
    assert "unknown key 'zzzzzz'; known: " in text and "anchor_weight" in text


def test_what_is_required_is_named(tmp_path, capsys):
    text = message(capsys, "--recipe", recipe(tmp_path, **SCRATCH))
    required = text.split("arguments are required:")[1]
    assert "--train_data" in required and "--output_dir" in required and "encoder" not in required


def test_a_missing_recipe_is_named(tmp_path, capsys):
    path = str(tmp_path / "none.yaml")
    assert f"cannot read the recipe {path!r}: No such file" in message(capsys, "--recipe", path)
    assert "recipe" in message(capsys, "--recipe")


@pytest.mark.parametrize(
    ("text", "found"), [("- a\n- b\n", "found list"), ("just words", "found str"), ("", "found NoneType")]
)
def test_a_recipe_that_is_no_mapping_says_what_it_found(tmp_path, capsys, text, found):
    assert found in message(capsys, "--recipe", recipe(tmp_path, text=text))


def test_a_recipe_that_is_no_yaml_says_so(tmp_path, capsys):
    assert "is not valid YAML" in message(capsys, "--recipe", recipe(tmp_path, text="a: [1, 2"))


def test_yaml_cannot_make_objects(tmp_path, capsys):
    text = "output_dir: !!python/object/apply:os.getcwd []\n"
    assert "is not valid YAML" in message(capsys, "--recipe", recipe(tmp_path, text=text))


@pytest.mark.parametrize(
    "given", [{}, {"encoder_name_or_path": "a", "model_name_or_path": "b"}, {**SCRATCH, "model_name_or_path": "b"}]
)
def test_exactly_one_start(given):
    with pytest.raises(ValueError, match="give exactly one of encoder_name_or_path"):
        ModelArguments(**given)


@dataclass
class ScriptArguments:
    """What the example scripts declare beside the shared arguments."""

    teacher: str | None = field(default=None)
    feature_encoder: str | None = field(default=None)
    feature_weight: float = field(default=1.0)
    feature_tolerance: float = field(default=0.15)
    max_depth: int = field(default=20)
    min_depth: float = field(default=1e-3)
    variance_focus: float = field(default=0.5)
    keep_decoder: bool = field(default=False)


# The files below accelerate/ are Accelerate's, not recipes.
RECIPES = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "accelerate")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_the_examples_parses(path):
    given = yaml.safe_load(path.read_text())
    starts = {"encoder_config", "encoder_name_or_path", "model_name_or_path"}
    start = [] if starts & set(given) else ["--encoder_name_or_path", "e"]
    argv = ["--recipe", str(path), *start, "--train_data", "a", "--output_dir", "o"]
    parsed = parse_recipe(*TYPES, ScriptArguments, description="", argv=argv)
    values = {name: value for part in parsed for name, value in vars(part).items()}
    for name in set(given) - {"train_data", "output_dir"}:
        assert values[name] == given[name] or values[name] == float(given[name]), name


# Data


def data_of(folder: Path, **options: Any) -> DataArguments:
    return DataArguments(**{"train_data": [str(folder)], **options})


def test_one_source_may_stand_without_a_list(labelled_folder):
    assert DataArguments(train_data=str(labelled_folder)).train_data == [str(labelled_folder)]  # type: ignore
    one = DataArguments(train_data={"path": str(labelled_folder), "limit": 3})  # type: ignore[arg-type]
    assert one.source_names == [str(labelled_folder)]
    assert len(one.mixture(ModelArguments(**SCRATCH), seed=0)) == 3


def test_sources_of_a_recipe_may_be_mappings(tmp_path, labelled_folder):
    sources = [str(labelled_folder), {"path": str(labelled_folder), "limit": 3, "label": "depth"}]
    path = recipe(tmp_path, **{**NEEDED, "train_data": sources}, horizontal_flip=0.0)
    model, data, *_ = parse("--recipe", path)
    assert data.source_names == [str(labelled_folder)] * 2
    mixture = data.mixture(model, seed=1)
    assert len(mixture) == 8 + 3
    sample = mixture[(0, 0)]
    assert sample["pixel_values"].shape == (3, 56, 56) and sample["labels"].shape == (56, 56)


def test_a_wrong_key_of_a_source_names_the_nearest(labelled_folder):
    data = data_of(labelled_folder, train_data=[{"path": str(labelled_folder), "scal": 3}])
    with pytest.raises(ValueError, match="unknown key 'scal' in a data source; did you mean 'scale'"):
        data.mixture(ModelArguments(**SCRATCH), seed=0)


def test_weights_decide_the_shares(labelled_folder):
    sources = [{"path": str(labelled_folder), "weight": weight} for weight in (3.0, 1.0)]
    mixture = data_of(labelled_folder, train_data=sources).mixture(ModelArguments(**SCRATCH), seed=0)
    shares = [mixture.locate(0, position)[0] for position in range(len(mixture))]
    assert (shares.count(0), shares.count(1)) == (12, 4)


def test_weights_for_some_sources_only_are_an_error(labelled_folder):
    sources = [{"path": str(labelled_folder), "weight": 2.0}, str(labelled_folder)]
    with pytest.raises(ValueError, match=r"give every source a weight or none; the weights are \[2.0, None\]"):
        data_of(labelled_folder, train_data=sources).mixture(ModelArguments(**SCRATCH), seed=0)


def test_augmentation_and_target_reach_the_transform(labelled_folder):
    data = data_of(labelled_folder, horizontal_flip=0.25, hue=0.1, haze=True, vertical_flip=0.75)
    mixture = data.mixture(ModelArguments(**SCRATCH), seed=0, target="depth", max_depth=5.0, keep_clean=True)
    (transform,) = mixture.transforms
    assert (transform.horizontal_flip, transform.vertical_flip, transform.hue) == (0.25, 0.75, 0.1)
    assert transform.haze and transform.keep_clean and transform.target == "depth" and transform.max_depth == 5.0
    assert transform.crop_size == (56, 56)


def test_evaluation_data(labelled_folder):
    assert data_of(labelled_folder).evaluation() is None
    source = {"path": str(labelled_folder), "limit": 2}
    data = data_of(labelled_folder, eval_data=source, eval_max_depth=7.0, eval_min_depth=0.1)
    relative = data.evaluation()
    assert relative is not None and len(relative.dataset) == 2
    assert (relative.settings.min_depth, relative.settings.max_depth) == (0.1, 7.0)
    assert relative.settings.alignment == "disparity"
    metric = data.evaluation(metric=True)
    assert metric is not None and metric.settings.alignment == "none"


def test_evaluation_by_a_protocol(labelled_folder, tmp_path):
    scene = tmp_path / "test" / "office"
    scene.mkdir(parents=True)
    cv2.imwrite(str(scene / "rgb_00001.jpg"), np.zeros((480, 640, 3), dtype=np.uint8))
    cv2.imwrite(str(scene / "sync_depth_00001.png"), np.full((480, 640), 2000, dtype=np.uint16))
    evaluation = data_of(labelled_folder, eval_protocol="nyu", eval_root=str(tmp_path)).evaluation()
    assert evaluation is not None and len(evaluation.dataset) == 1
    assert evaluation.settings.identifier == "nyu@1" and evaluation.settings.crop == "eigen-nyu"
    in_metres = data_of(labelled_folder, eval_protocol="nyu-metric", eval_root=str(tmp_path))
    assert in_metres.evaluation(metric=True) is not None
    with pytest.raises(ValueError, match="alignment='none'"):
        in_metres.evaluation()
    with pytest.raises(ValueError, match="eval_root together"):
        data_of(labelled_folder, eval_protocol="nyu").evaluation()
    with pytest.raises(ValueError, match="without eval_data"):
        data_of(labelled_folder, eval_protocol="nyu", eval_root=".", eval_data="x").evaluation()


# Models


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory, make_tiny_model) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    config = make_tiny_model().config.backbone_config
    torch.manual_seed(11)
    Dinov2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory, make_tiny_model) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_tiny_model(seed=12).save_pretrained(folder)
    return folder


def part(model: torch.nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if name.startswith(prefix)}


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_checkpoint_keeps_the_way_it_prepares_images(tmp_path, make_tiny_model):
    make_tiny_model(interpolate_offset=0.1).save_pretrained(tmp_path)
    DepthAnythingImageProcessor(interpolation="opencv", upsampling="bilinear").save_pretrained(tmp_path)
    start = build_model(ModelArguments(model_name_or_path=str(tmp_path), input_size=56), seed=0)
    assert (start.processor.interpolation, start.processor.upsampling) == ("opencv", "bilinear")
    assert start.processor.size["height"] == 56 and start.model.config.interpolate_offset == 0.1


def test_from_scratch():
    start = build_model(ModelArguments(**SCRATCH), seed=3)
    config = start.model.config
    assert not start.pretrained and start.lineage == {"encoder": "random weights"}
    assert config.backbone_config.hidden_size == 32 and config.fusion_hidden_size == 8
    assert config.backbone_config.image_size == 56 and config.backbone_config.mlp_ratio == 4
    assert config.depth_estimation_type == "relative"
    assert start.processor.size["height"] == 56
    again, other = (build_model(ModelArguments(**SCRATCH), seed=seed).model for seed in (3, 4))
    assert equal(start.model.state_dict(), again.state_dict())
    assert not torch.equal(start.model.head.conv1.weight, other.head.conv1.weight)


def test_from_scratch_with_registers():
    encoder = {**SCRATCH["encoder_config"], "num_register_tokens": 3}
    model = build_model(ModelArguments(**{**SCRATCH, "encoder_config": encoder}), seed=0).model
    assert model.config.backbone_config.model_type == "dinov2_with_registers"
    assert model.backbone.embeddings.register_tokens.shape == (1, 3, 32)


def test_from_a_pretrained_encoder(encoder_folder):
    arguments = ModelArguments(
        encoder_name_or_path=str(encoder_folder),
        decoder_config={"fusion_hidden_size": 8},  # type: ignore[arg-type]
        input_size=56,
        attn_implementation="eager",
    )
    start = build_model(arguments, seed=0)
    assert start.pretrained and start.lineage == {"encoder": str(encoder_folder)}
    assert equal(start.model.backbone.state_dict(), Dinov2Model.from_pretrained(encoder_folder).state_dict())
    assert start.model.backbone.config._attn_implementation == "eager"
    other = build_model(arguments, seed=1).model
    assert not torch.equal(start.model.head.conv1.weight, other.head.conv1.weight)


def test_from_a_depth_model(model_folder, make_tiny_model):
    start = build_model(ModelArguments(model_name_or_path=str(model_folder), input_size=56), seed=0)
    assert equal(start.model.state_dict(), make_tiny_model(seed=12).state_dict())
    assert start.pretrained and start.lineage["initial_weights_used"] == "all"


@pytest.mark.parametrize("fresh", [True, False])
def test_a_metric_model_from_a_relative_one(model_folder, make_tiny_model, fresh):
    arguments = ModelArguments(model_name_or_path=str(model_folder), input_size=56)
    start = build_model(arguments, seed=0, max_depth=20, fresh_decoder=fresh)
    relative = make_tiny_model(seed=12)
    assert (start.model.config.depth_estimation_type, start.model.config.max_depth) == ("metric", 20)
    assert start.model.head.metric and start.model.head.max_depth == 20
    assert equal(part(start.model, "backbone."), part(relative, "backbone."))
    for prefix in ("neck.", "head."):
        assert equal(part(start.model, prefix), part(relative, prefix)) is not fresh
    assert start.lineage["initial_weights_used"] == ("encoder" if fresh else "all")
    trained = {name for name, parameter in start.model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in relative.named_parameters() if parameter.requires_grad}
    with torch.no_grad():
        depth = start.model(pixel_values=torch.zeros(1, 3, 56, 56)).predicted_depth
    assert 0 < depth.min() and depth.max() < 20


def test_an_input_size_that_no_patch_divides_names_the_nearest():
    with pytest.raises(ValueError, match="input size 60 is not a .*multiple of 14; the nearest is 56"):
        build_model(ModelArguments(**{**SCRATCH, "input_size": 60}), seed=0)


def test_an_encoder_is_no_depth_model(encoder_folder):
    with pytest.raises(ValueError, match="is a 'dinov2' model, expected depth_anything; encoder_name"):
        build_model(ModelArguments(model_name_or_path=str(encoder_folder), input_size=56), seed=0)


def test_a_depth_model_is_no_encoder(model_folder):
    with pytest.raises(ValueError, match="is a 'depth_anything' model, expected dinov2 or"):
        build_model(ModelArguments(encoder_name_or_path=str(model_folder), input_size=56), seed=0)
