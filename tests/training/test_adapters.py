# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Models with adapters of peft: adapters and decoder are trained, and what is saved opens anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from model_outputs import assert_same_output, predict_noise
from safetensors.torch import load_file
from torch import nn
from training_runs import ANCHORED, assert_same_checkpoint, log_of, make_engine, moved_names
from transformers import AutoModelForDepthEstimation

from depth_anything_hf import DepthAnythingForDepthEstimation, DepthPredictor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import StartingPoint, build_model
from depth_anything_hf.training.adapters import adapter_record, adapters_of, without_wrapper
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.dry_run import dry_run_step
from depth_anything_hf.training.objectives import SupervisedRelative


peft = pytest.importorskip("peft")

# Names of both releases of transformers that the tests run with.
QUERY_AND_VALUE = ["q_proj", "v_proj", "query", "value"]
RATES = {"encoder_learning_rate": 1e-2, "decoder_learning_rate": 1e-3}


def lora(**fields: Any) -> Any:
    return peft.LoraConfig(**{"r": 4, "target_modules": QUERY_AND_VALUE, **fields})


def added(model: nn.Module, config: Any) -> nn.Module:
    model.add_adapter(config)
    return model


def wrapped(model: nn.Module, config: Any) -> nn.Module:
    return peft.get_peft_model(model, config)


def wrapped_with_decoder(model: nn.Module, config: Any) -> nn.Module:
    config.modules_to_save = ["neck", "head"]
    return peft.get_peft_model(model, config)


def injected(model: nn.Module, config: Any) -> nn.Module:
    return peft.inject_adapter_in_model(config, model)


def adapted(base: Path, how: Callable[..., nn.Module] = added, seed: int = 0, config: Any = None) -> nn.Module:
    model = DepthAnythingForDepthEstimation.from_pretrained(base)
    torch.manual_seed(seed)
    return how(model, config or lora())


def start_from(folder: Path) -> StartingPoint:
    return build_model(ModelArguments(model_name_or_path=str(folder), input_size=56), seed=0)


CONFIGURATIONS = {
    "lora": lora,
    "dora": lambda: lora(use_dora=True),
    "biases": lambda: lora(bias="all"),
    "all linear layers": lambda: peft.LoraConfig(r=2, target_modules="all-linear"),
    "decoder too": lambda: lora(target_modules=[*QUERY_AND_VALUE, "conv1"]),
    "ia3": lambda: peft.IA3Config(target_modules=[*QUERY_AND_VALUE, "fc2"], feedforward_modules=["fc2"]),
}


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("how", [added, wrapped, wrapped_with_decoder, injected])
def test_adapters_and_decoder_are_trained_and_saved(tmp_path, base, train, evaluation, capsys, how):
    model = adapted(base, how)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    train(tmp_path / "run", model, evaluation=evaluation, save_steps=1, pretrained=True, **RATES)
    moved = moved_names(before, model.state_dict())
    assert sum("lora_A" in name for name in moved) == sum("lora_B" in name for name in moved) == 8
    for part in ("neck.", "head."):
        assert any(part in name for name in moved)
    assert all("lora" in name or "neck." in name or "head." in name for name in moved)
    assert {name for name, parameter in model.named_parameters() if not parameter.requires_grad} == frozen
    count, printed = 8 * 4 * (32 + 32) / 1e6, capsys.readouterr().out
    assert f"encoder: adapters of rank 4, {count:.3g} M of" in printed
    assert "save_pretrained of the model in memory writes adapters alone, without the decoder" in printed
    expected = predict_noise(model)
    whole = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "run")
    for each in (whole, AutoModelForDepthEstimation.from_pretrained(tmp_path / "run")):
        assert_same_output(predict_noise(each), expected)
    # An earlier step, and the best one, opened both ways.
    for folder in ("checkpoint-1", "best"):
        opened = AutoModelForDepthEstimation.from_pretrained(tmp_path / "run" / folder)
        start = DepthAnythingForDepthEstimation.from_pretrained(base)
        from_start = peft.PeftModel.from_pretrained(start, tmp_path / "run" / folder / "adapter")
        assert_same_output(predict_noise(from_start), predict_noise(opened))
    assert not (tmp_path / "run" / "adapter_config.json").exists()
    # The adapters alone are merged where they are opened for predictions, or to start from.
    for opened in (
        DepthPredictor.from_pretrained(tmp_path / "run" / "adapter"),
        start_from(tmp_path / "run" / "adapter"),
    ):
        assert moved_names(opened.model.state_dict(), whole.state_dict()) == set()
    assert "target_modules" in (tmp_path / "run" / "README.md").read_text()


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_kind_is_merged_and_kept_apart(tmp_path, base, train, name):
    model = adapted(base, config=CONFIGURATIONS[name]())
    train(tmp_path / "run", model, pretrained=True, **RATES)
    expected = predict_noise(model)
    assert_same_output(predict_noise(AutoModelForDepthEstimation.from_pretrained(tmp_path / "run")), expected)
    config = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    stock = AutoModelForDepthEstimation.from_pretrained(config["base_model_name_or_path"])
    assert_same_output(predict_noise(peft.PeftModel.from_pretrained(stock, tmp_path / "run" / "adapter")), expected)


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path, base, train, evaluation):
    options = {"evaluation": evaluation, "save_steps": 2, "max_steps": 4, "ema_decay": 0.9, **RATES}
    config = lora(lora_dropout=0.2)
    train(tmp_path / "whole", adapted(base, config=config), **options)
    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped" / "checkpoint-4")
    # Neither the adapters' first weights nor the way they came into the model must matter.
    again = adapted(base, wrapped, seed=9, config=lora(lora_dropout=0.2))
    train(tmp_path / "stopped", again, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "stopped" / "checkpoint-4", tmp_path / "whole" / "checkpoint-4")
    assert log_of(tmp_path / "stopped")[-1] == log_of(tmp_path / "whole")[-1]
    states = [load_file(tmp_path / each / "adapter" / "adapter_model.safetensors") for each in ("stopped", "whole")]
    assert moved_names(*states) == set()
    other = adapted(base, config=lora(lora_dropout=0.2, r=8))
    with pytest.raises(ValueError, match=r"adapters\.r: 4 -> 8"):
        train(tmp_path / "stopped", other, resume_from_checkpoint="latest", **options)
    plain = DepthAnythingForDepthEstimation.from_pretrained(base)
    with pytest.raises(ValueError, match=r"adapters: \{.*\} -> None"):
        train(tmp_path / "stopped", plain, resume_from_checkpoint="latest", **options)


@pytest.mark.usefixtures("fresh_accelerate")
def test_checkpointing_and_pictures_work(tmp_path, base, train):
    plain, saving = adapted(base), adapted(base)
    train(tmp_path / "plain", plain, **RATES)
    train(tmp_path / "saving", saving, gradient_checkpointing=True, picture_steps=1, **RATES)
    assert moved_names(plain.state_dict(), saving.state_dict()) == set()
    assert (tmp_path / "saving" / "pictures" / "step-2.png").is_file()


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("how", [added, wrapped])
def test_a_dry_run_knows_them_and_gives_the_model_back(tmp_path, base, labelled_folder, how):
    model = adapted(base, how)
    report = dry_run_step(
        model,
        SupervisedRelative(ANCHORED),
        TrainingArguments(str(tmp_path / "run"), max_steps=2, per_device_train_batch_size=2),
        Mixture([DepthFolder(labelled_folder)], TrainingTransform(56)),
        pretrained=True,
    )
    assert report.learning_rates == {"encoder": 5e-4, "decoder": 5e-5}
    assert "forward" not in without_wrapper(model).__dict__
    trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trainable and all("lora" in name for name in trainable)


def merged(model: nn.Module) -> nn.Module:
    model.merge_adapter()
    return model


def two_active(model: nn.Module) -> nn.Module:
    model.add_adapter(lora(), "other")
    model.set_adapter(["default", "other"])
    return model


def disabled(model: nn.Module) -> nn.Module:
    model.disable_adapters()
    return model


# peft, of a second set.
@pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute")
def test_what_cannot_be_trained_is_refused_by_name(base):
    def refused(model: nn.Module, match: str) -> None:
        with pytest.raises(ValueError, match=match):
            adapters_of(without_wrapper(model))

    refused(merged(adapted(base, wrapped)), "merged into its weights; unmerge them")
    refused(two_active(adapted(base)), r"2 active adapters \(default, other\), expected one")
    refused(disabled(adapted(base)), r"disabled; call model\.enable_adapters")
    adaptive = peft.AdaLoraConfig(target_modules=QUERY_AND_VALUE, total_step=10)
    refused(adapted(base, wrapped, config=adaptive), "ADALORA are not supported")


def test_adapters_that_cannot_be_saved_are_refused_before_the_training(tmp_path, base):
    unsaved = peft.VeraConfig(r=2, target_modules=["q_proj", "query"])
    model = adapted(base, wrapped, config=unsaved)
    with pytest.raises(ValueError, match="save_projection"):
        make_engine(tmp_path, model)


def test_the_strategy_must_not_contradict(tmp_path, base):
    for strategy in ("frozen", "last-2"):
        with pytest.raises(ValueError, match=f"encoder_strategy is '{strategy}', but the encoder has adapters"):
            make_engine(tmp_path, adapted(base), encoder_strategy=strategy)


@pytest.mark.usefixtures("fresh_accelerate")
def test_sharded_models_have_none(tmp_path, base, monkeypatch):
    monkeypatch.setattr(Accelerator, "distributed_type", DistributedType.FSDP)
    with pytest.raises(ValueError, match="adapters are not supported for sharded models; train them with DDP"):
        make_engine(tmp_path, adapted(base))


@pytest.mark.usefixtures("fresh_accelerate")
def test_parameters_without_use_stay_frozen(tmp_path, make_tiny_model):
    """DDP waits for the gradient of every trained parameter, and the last layer here feeds nothing."""
    model = make_tiny_model(encoder={"num_hidden_layers": 5}, out_indices=[1, 2, 3, 4])
    model = wrapped_with_decoder(model, lora())
    engine = make_engine(tmp_path, model)
    trained = {name for name, parameter in engine.raw_model.named_parameters() if parameter.requires_grad}
    assert any(".layer.3." in name for name in trained) and not any(".layer.4." in name for name in trained)
    assert not any(".fusion_stage.layers.0.residual_layer1." in name for name in trained)
    assert any(".fusion_stage.layers.0.residual_layer2." in name for name in trained)
    assert all("modules_to_save.default" in name for name in trained if not name.startswith("backbone."))


def test_a_fresh_decoder_names_its_encoder_and_a_push_no_path(tmp_path, make_tiny_model):
    make_tiny_model().backbone.save_pretrained(tmp_path / "encoder")
    model = added(DepthAnythingForDepthEstimation.from_encoder(str(tmp_path / "encoder")), lora())
    adapters = adapters_of(model)
    assert adapters is not None
    names = []
    for published in (False, True):
        adapters.save(tmp_path / "adapter", is_published=published)
        config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
        names.append(config["base_model_name_or_path"])
    assert names == [str(tmp_path / "encoder"), "encoder"]


def test_the_record_says_what_differs_from_the_defaults(base):
    assert adapter_record(adapted(base)) == {"peft_type": "LORA", "r": 4, "target_modules": sorted(QUERY_AND_VALUE)}
    model = adapted(base, wrapped_with_decoder, config=lora(r=8))
    record = adapter_record(model)
    assert record is not None and (record["r"], record["modules_to_save"]) == (8, ["neck", "head"])
    assert adapter_record(model.merge_and_unload()) is None
