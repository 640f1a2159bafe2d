# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Encoder strategy "lora": adapters are added, trained, saved and merged, and the model is a plain one again."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from model_outputs import assert_same_output, predict_noise
from torch import nn
from training_runs import assert_same_checkpoint, batch_of, log_of, make_engine, moved_names
from transformers import AutoModelForDepthEstimation
from versions import opens_kept_adapters

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.models.loading import load_whole
from depth_anything_hf.models.quantization import is_quantized
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.lora import add_lora, remove_adapters, target_layers
from depth_anything_hf.training.memory_estimate import estimate_memory
from depth_anything_hf.training.run_record import read_record
from depth_anything_hf.training.trained_parameters import choose_trained


peft = pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("fresh_accelerate")

LORA = {"encoder_strategy": "lora", "lora_rank": 4, "encoder_learning_rate": 1e-2, "decoder_learning_rate": 1e-3}
# Names of both releases of transformers that the tests run with.
QUERY_AND_VALUE = (".q_proj.weight", ".v_proj.weight", ".query.weight", ".value.weight")
LINEAR = (*QUERY_AND_VALUE, ".k_proj.weight", ".key.weight", ".o_proj.weight", ".dense.weight", ".fc1.weight")


def opened(base: Path) -> DepthAnythingForDepthEstimation:
    model: DepthAnythingForDepthEstimation = DepthAnythingForDepthEstimation.from_pretrained(base)
    return model


@pytest.mark.parametrize(
    ("targets", "ending", "layers"),
    [
        ([], QUERY_AND_VALUE, 8),
        (["all-linear"], (*LINEAR, ".fc2.weight"), 24),
        (["query", "mlp.fc1"], (".q_proj.weight", ".query.weight", ".fc1.weight"), 8),
    ],
)
def test_adapters_are_merged_into_the_layers_that_were_named(tmp_path, base, train, capsys, targets, ending, layers):
    model = opened(base)
    before, classes = copy.deepcopy(model.state_dict()), [type(each) for each in model.modules()]
    requires = [each.requires_grad for each in model.parameters()]
    train(tmp_path / "run", model, max_steps=3, lora_targets=targets, pretrained=True, **LORA)
    # The same model as before: names, layers, what is frozen; and other weights.
    assert [type(each) for each in model.modules()] == classes and list(model.state_dict()) == list(before)
    assert [each.requires_grad for each in model.parameters()] == requires and not hasattr(model, "peft_config")
    moved = moved_names(before, model.state_dict())
    of_encoder = {name for name in moved if name.startswith("backbone.")}
    assert all(name.endswith(ending) for name in of_encoder) and len(of_encoder) == layers
    unused = "neck.fusion_stage.layers.0.residual_layer1."
    decoder = {name for name in before if name.startswith(("neck.", "head.")) and not name.startswith(unused)}
    assert moved - of_encoder == decoder
    assert moved_names(model.state_dict(), opened(tmp_path / "run").state_dict()) == set()
    expected = predict_noise(model)
    assert_same_output(predict_noise(AutoModelForDepthEstimation.from_pretrained(tmp_path / "run")), expected)
    adapter = peft.PeftModel.from_pretrained(opened(base), tmp_path / "run" / "adapter")
    assert_same_output(predict_noise(adapter), expected)
    config = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == (str(base), 4, 8)
    printed, card = capsys.readouterr().out, (tmp_path / "run" / "README.md").read_text()
    for text in (printed, card):
        assert "encoder: adapters of rank 4, 0." in text and "; decoder: 0." in text
    assert "warning: encoder_strategy=lora does not train the whole encoder but adapters in it." in printed


def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path, base, train, evaluation):
    options = {**LORA, "evaluation": evaluation, "save_steps": 2, "max_steps": 4, "ema_decay": 0.9}
    train(tmp_path / "whole", opened(base), **options)
    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped" / "checkpoint-4")
    train(tmp_path / "stopped", opened(base), resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "stopped" / "checkpoint-4", tmp_path / "whole" / "checkpoint-4")
    assert log_of(tmp_path / "stopped")[-1] == log_of(tmp_path / "whole")[-1]
    record = read_record(tmp_path / "stopped")
    assert record is not None and (record["lora_rank"], record["lora_targets"]) == (4, ["attention"])
    for name, value in {"lora_rank": 8, "lora_targets": ["all-linear"]}.items():
        changed = {**options, name: value, "resume_from_checkpoint": "latest"}
        with pytest.raises(ValueError, match=f"{name}: .* -> "):
            train(tmp_path / "stopped", opened(base), **changed)


def test_a_complete_run_without_checkpoints_is_opened(tmp_path, base, train):
    train(tmp_path / "run", opened(base), **LORA)
    model = opened(base)
    train(tmp_path / "run", model, resume_from_checkpoint="latest", **LORA)
    assert moved_names(model.state_dict(), opened(tmp_path / "run").state_dict()) == set()
    assert not hasattr(model, "peft_config")


def test_a_run_that_fails_gives_a_plain_model_back(tmp_path, base, train):
    def fail(model, batch, progress):
        raise RuntimeError("no loss today")

    model = opened(base)
    with pytest.raises(RuntimeError, match="no loss today"):
        train(tmp_path / "run", model, objective=fail, **LORA)
    assert moved_names(opened(base).state_dict(), model.state_dict()) == set()
    assert not hasattr(model, "peft_config") and not any("lora" in name for name, _ in model.named_modules())


def test_data_and_random_numbers_are_those_of_any_other_run(base):
    model = opened(base)
    torch.manual_seed(5)
    add_lora(model, 2, ["attention"], seed=3)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    again, other = opened(base), opened(base)
    add_lora(again, 2, ["attention"], seed=3)
    add_lora(other, 2, ["attention"], seed=4)
    assert moved_names(model.state_dict(), again.state_dict()) == set()
    assert all("lora_A" in name for name in moved_names(model.state_dict(), other.state_dict()))
    for each in (model, again):
        remove_adapters(each, merge=False)
        assert moved_names(opened(base).state_dict(), each.state_dict()) == set()


def test_adapters_alone_take_gradients_and_optimizer_state(tmp_path, base, labelled_folder):
    model = opened(base)
    model.head.conv1.bias.requires_grad_(False)
    engine = make_engine(tmp_path, model, encoder_strategy="lora", lora_rank=2)
    engine.train_mode()
    engine.accumulate(batch_of(labelled_folder), 0.0, step=1)
    gradients = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert {name for name in gradients if name.startswith("backbone.")} == {
        name for name, _ in model.named_parameters() if "lora_" in name
    }
    assert "head.conv2.weight" in gradients and "head.conv1.bias" not in gradients
    # The embeddings, before the first adapter, and norms keep nothing.
    assert not model.backbone.embeddings.training and model.backbone.encoder.layer[0].training
    engine.step(torch.zeros(()))
    assert len(engine.optimizer.state) == len(gradients)


def test_memory_is_predicted_with_the_adapters(base):
    model = opened(base)
    names = ("frozen", "lora", "full")
    found = [
        estimate_memory(model, TrainingArguments("unused", encoder_strategy=name), (56, 56)).gradients
        for name in names
    ]
    # Eight layers of 32 x 32, rank 16.
    assert found[1] - found[0] == 4 * 8 * 16 * (32 + 32) and found[1] < found[2]
    assert not hasattr(model, "peft_config")


def test_layers_behind_the_last_one_that_the_decoder_sees_get_none(make_tiny_model):
    model = make_tiny_model(encoder={"num_hidden_layers": 5}, out_indices=[1, 2, 3, 4])
    for targets, count in {"attention": 8, "all-linear": 24, "fc1": 4}.items():
        names = target_layers(model, [targets])
        assert len(names) == count and not any(".layer.4." in name for name in names)
    adapters = add_lora(model, 2, ["fc1"], seed=0)
    assert len(adapters.layers) == 4


def test_names_of_any_release_mean_the_same_layers(make_tiny_model):
    model = make_tiny_model()
    pairs = {"query": "q_proj", "attention.attention.value": "v_proj", "attention.output.dense": "attention.o_proj"}
    for published, later in pairs.items():
        assert target_layers(model, [published]) == target_layers(model, [later]) != []
    swiglu = make_tiny_model(encoder={"use_swiglu_ffn": True})
    assert len(target_layers(swiglu, ["weights_in"])) in (4, 8)
    assert target_layers(swiglu, ["weights_out"]) == target_layers(swiglu, ["mlp.down_proj"]) != []


# What is refused


@pytest.mark.parametrize("target", ["conv1", "norm1", "qkv", "projection", "fc", "*", ""])
def test_targets_that_match_nothing_are_named_with_those_that_do(tmp_path, train, make_tiny_model, target):
    with pytest.raises(ValueError, match=r"lora_targets has '.*', which matches no linear layer .*mlp\.fc1"):
        train(tmp_path, make_tiny_model(), encoder_strategy="lora", lora_targets=["attention", target])
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize("options", [{"lora_rank": 4}, {"lora_targets": ["attention"]}])
@pytest.mark.parametrize("strategy", ["full", "frozen", "last-2"])
def test_flags_of_lora_without_it_are_refused(options, strategy):
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"{name} is .*, but encoder_strategy is '{strategy}'"):
        TrainingArguments("unused", encoder_strategy=strategy, **options)


@pytest.mark.parametrize("rank", [0, -1])
def test_a_rank_is_positive(rank):
    with pytest.raises(ValueError, match=f"lora_rank is {rank}, expected at least 1"):
        TrainingArguments("unused", encoder_strategy="lora", lora_rank=rank)


def test_a_rank_beyond_the_weights_is_refused(make_tiny_model):
    with pytest.raises(ValueError, match="lora_rank is 33, but the layers' weights have a rank of at most 32"):
        add_lora(make_tiny_model(), 33, ["attention"], seed=0)


# PyTorch announces the end of this way to quantize.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_quantized_models_get_no_adapters(tmp_path, make_tiny_model):
    model = make_tiny_model()
    assert not is_quantized(model)
    torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, inplace=True)
    assert is_quantized(model)
    whole = make_tiny_model()
    layer = whole.backbone.encoder.layer[0].mlp.fc1
    layer.weight = nn.Parameter(layer.weight.detach().to(torch.int8), requires_grad=False)
    assert is_quantized(whole)
    for each in (model, whole):
        with pytest.raises(ValueError, match="the model is quantized, which has no weights"):
            make_engine(tmp_path, each, encoder_strategy="lora")


def test_a_model_that_has_adapters_gets_no_more(tmp_path, make_tiny_model):
    model = make_tiny_model()
    add_lora(model, 2, ["attention"], seed=0)
    with pytest.raises(ValueError, match="encoder_strategy is 'lora', but the encoder has adapters"):
        make_engine(tmp_path, model, encoder_strategy="lora")


def test_sharded_models_get_none(tmp_path, make_tiny_model, monkeypatch):
    monkeypatch.setattr(Accelerator, "distributed_type", DistributedType.FSDP)
    with pytest.raises(ValueError, match="adapters are not supported for sharded models; train them with DDP"):
        make_engine(tmp_path, make_tiny_model(), encoder_strategy="lora")


# Adapters that are kept

KEPT = {**LORA, "lora_merge": False, "pretrained": True}


@opens_kept_adapters
def test_kept_adapters_are_saved_alone_and_open_in_stock_from_their_base(tmp_path, base, train, evaluation):
    model, run = opened(base), tmp_path / "run"
    train(run, model, evaluation=evaluation, save_steps=1, **KEPT)
    names = {path.name for path in run.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "preprocessor_config.json", "README.md"} <= names
    assert not {"config.json", "model.safetensors", "adapter"} & names
    assert json.loads((run / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    # The model in memory has them too, and is saved in the same way as one of transformers.
    expected = predict_noise(model)
    assert any("lora_A" in name for name, _ in model.named_parameters()) and not model.training
    assert_same_output(predict_noise(AutoModelForDepthEstimation.from_pretrained(run)), expected)
    assert_same_output(predict_noise(peft.PeftModel.from_pretrained(opened(base), run)), expected)
    # What was written on the way are whole models.
    assert_same_output(predict_noise(AutoModelForDepthEstimation.from_pretrained(run / "checkpoint-2")), expected)
    card = (run / "README.md").read_text()
    assert "library_name: peft" in card and "together with the weights of `base`. That is a folder" in card
    model.save_pretrained(tmp_path / "again")
    assert not (tmp_path / "again" / "model.safetensors").exists()
    remove_adapters(model, merge=True)
    assert_same_output(predict_noise(model), expected)


def test_a_run_with_kept_adapters_resumes_and_is_not_trained_over(tmp_path, base, train):
    train(tmp_path / "whole", opened(base), max_steps=3, save_steps=2, **KEPT)
    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped" / "checkpoint-3", ignore_errors=True)
    options = {**KEPT, "max_steps": 3, "save_steps": 2, "resume_from_checkpoint": "latest"}
    train(tmp_path / "stopped", opened(base), **options)
    files = [tmp_path / each / "adapter_model.safetensors" for each in ("whole", "stopped")]
    assert files[0].read_bytes() == files[1].read_bytes()
    with pytest.raises(ValueError, match="lora_merge: False -> True"):
        train(tmp_path / "stopped", opened(base), **{**options, "lora_merge": True})
    train(tmp_path / "ended", opened(base), **KEPT)
    with pytest.raises(ValueError, match="holds a run that has ended after 2 steps and has no checkpoint"):
        train(tmp_path / "ended", opened(base), resume_from_checkpoint="latest", **KEPT)


def test_adapters_are_kept_only_where_they_can_be_opened_again(tmp_path, base, train, make_tiny_model):
    train(tmp_path / "kept", opened(base), **KEPT)
    with pytest.raises(ValueError, match=r"lora_merge is False, but .*kept is no whole model but adapters itself"):
        train(tmp_path / "again", load_whole(str(tmp_path / "kept"), {}), **KEPT)
    with pytest.raises(ValueError, match="does not begin with a saved depth model that adapters alone could name"):
        train(tmp_path / "fresh", make_tiny_model(), **KEPT)
    metric = DepthAnythingForDepthEstimation.from_pretrained(base, depth_estimation_type="metric", max_depth=20)
    with pytest.raises(ValueError, match=r"is another model than this run trains: depth_estimation_type is relative"):
        choose_trained(
            metric, TrainingArguments("unused", encoder_strategy="lora", lora_merge=False), is_sharding=False
        )
    with pytest.raises(ValueError, match="lora_merge is False, but encoder_strategy is 'full'"):
        TrainingArguments("unused", lora_merge=False)
    pushes = {"encoder_strategy": "lora", "lora_merge": False, "push_to_hub": True}
    with pytest.raises(ValueError, match="hub_strategy is 'every_save', which pushes merged models on the way"):
        TrainingArguments("unused", hub_strategy="every_save", **pushes)
