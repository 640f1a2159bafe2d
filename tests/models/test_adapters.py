# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders of adapters alone: opened with their base, the same to the bit as the merged model, or refused by name."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from model_outputs import predict_noise
from tiny_model import TINY_SIDE_PIXELS, MakeModel
from torch import nn

from depth_anything_hf import DepthAnythingForDepthEstimation, DepthAnythingImageProcessor, DepthPredictor
from depth_anything_hf.models.adapters import find_adapters, unload_adapters
from depth_anything_hf.models.loading import load_config, load_processor, load_whole
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import build_model
from depth_anything_hf.training.adapters import adapters_of
from depth_anything_hf.training.lora import add_lora


peft = pytest.importorskip("peft")


def make_kept(
    folder: Path,
    model: nn.Module,
    targets: list[str] | None = None,
    dtype: torch.dtype = torch.float32,
    **options: Any,
) -> None:
    """Save a base, `base/`, adapters and decoder that were trained from it, `kept/`, and both merged, `merged/`."""
    model.save_pretrained(folder / "base")  # type: ignore[operator]
    model = DepthAnythingForDepthEstimation.from_pretrained(folder / "base", dtype=dtype, **options)
    add_lora(model, 3, targets or ["attention"], seed=0)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name or name.startswith(("neck.", "head.")):
            parameter.data += 0.05 * torch.randn_like(parameter)
    adapters = adapters_of(model)
    assert adapters is not None
    adapters.save(folder / "kept", is_published=False)
    adapters.merged_model().save_pretrained(folder / "merged")
    for name in ("kept", "merged"):
        DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(folder / name)


@pytest.fixture
def place(tmp_path: Path, make_tiny_model: MakeModel) -> Path:
    make_kept(tmp_path, make_tiny_model())
    return tmp_path


def edit(folder: Path, **fields: Any) -> Path:
    path = folder / "adapter_config.json"
    config = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}))
    return folder


def same(found: nn.Module, expected: nn.Module) -> None:
    """The same model to the bit: names, values, precision and what is trained."""
    ours, theirs = found.state_dict(), expected.state_dict()
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype and torch.equal(ours[name], value), name
    assert [each.requires_grad for each in found.parameters()] == [
        each.requires_grad for each in expected.parameters()
    ]
    assert [type(each) for each in found.modules()] == [type(each) for each in expected.modules()]
    assert torch.equal(predict_noise(found.float()), predict_noise(expected.float()))


@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16", "float16"])
def test_a_predictor_is_that_of_the_merged_model_to_the_bit(place: Path, dtype: str | None) -> None:
    found, expected = (DepthPredictor.from_pretrained(place / name, dtype=dtype) for name in ("kept", "merged"))
    assert (found.precision, found.input_size) == (expected.precision, TINY_SIDE_PIXELS)
    assert not hasattr(found.model, "peft_config")
    image = torch.randint(0, 255, (60, 70, 3), dtype=torch.uint8).numpy()
    assert (found.predict(image) == expected.predict(image)).all()
    same(found.model, expected.model)
    base = DepthAnythingForDepthEstimation.from_pretrained(place / "base")
    assert not torch.allclose(predict_noise(base), predict_noise(found.model), rtol=1e-3)


def test_adapters_of_a_run_in_bfloat16_are_merged_in_it(tmp_path: Path, make_tiny_model: MakeModel) -> None:
    make_kept(tmp_path, make_tiny_model(), dtype=torch.bfloat16)
    found = load_whole(str(tmp_path / "kept"), {})
    assert found.dtype == torch.bfloat16
    same(found, DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "merged"))


def test_a_run_starts_from_them_as_from_the_merged_model(place: Path) -> None:
    for fresh in (False, True):
        found, expected = (
            build_model(
                ModelArguments(model_name_or_path=str(place / name), input_size=56), seed=3, fresh_decoder=fresh
            )
            for name in ("kept", "merged")
        )
        same(found.model, expected.model)
    assert found.lineage["initial_weights"] == str(place / "kept") and found.pretrained


def test_saved_again_they_are_a_plain_model(place: Path) -> None:
    DepthPredictor.from_pretrained(place / "kept").model.save_pretrained(place / "again")
    assert not (place / "again" / "adapter_config.json").exists()
    same(*(DepthAnythingForDepthEstimation.from_pretrained(place / name) for name in ("again", "merged")))


def test_the_model_alone_keeps_them_apart(place: Path) -> None:
    random = torch.random.get_rng_state()
    model = DepthAnythingForDepthEstimation.from_pretrained(place / "kept")
    assert torch.equal(random, torch.random.get_rng_state())
    assert sum("lora_A" in name for name in model.state_dict()) == 8 and not model.training
    expected = predict_noise(DepthAnythingForDepthEstimation.from_pretrained(place / "merged"))
    torch.testing.assert_close(predict_noise(model), expected, rtol=1e-4, atol=1e-5)
    assert adapters_of(model) is not None
    model.save_pretrained(place / "again")
    assert not (place / "again" / "model.safetensors").exists()
    same(*(load_whole(str(place / name), {}) for name in ("again", "kept")))
    unload_adapters(model, merge=False)
    assert torch.equal(
        predict_noise(model), predict_noise(DepthAnythingForDepthEstimation.from_pretrained(place / "base"))
    )


def test_where_they_have_no_image_processor_that_of_the_base_is_taken(place: Path) -> None:
    (place / "kept" / "preprocessor_config.json").unlink()
    DepthAnythingImageProcessor.for_input_size(70).save_pretrained(place / "base")
    assert load_processor(str(place / "kept"), "depth_anything", None, {}).size["height"] == 70


def test_magnitudes_of_dora_are_read(place: Path) -> None:
    model = DepthAnythingForDepthEstimation.from_pretrained(place / "base")
    names = [name for name, each in model.named_modules() if isinstance(each, nn.Linear)]
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=names, use_dora=True))
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data += 0.1 * torch.rand_like(parameter)
    expected = predict_noise(adapted)
    adapted.save_pretrained(place / "dora")
    torch.testing.assert_close(predict_noise(load_whole(str(place / "dora"), {})), expected, rtol=1e-4, atol=1e-4)


def test_adapters_of_a_metric_run_open_as_one_and_not_as_what_it_began_with(
    tmp_path: Path, make_tiny_model: MakeModel
) -> None:
    metric = {"depth_estimation_type": "metric", "max_depth": 20}
    make_kept(tmp_path / "same", make_tiny_model(**metric))
    assert DepthPredictor.from_pretrained(tmp_path / "same" / "kept").prediction_kind == "depth"
    # A run from a relative model: its base alone would give disparity.
    make_kept(tmp_path / "other", make_tiny_model(), **metric)
    with pytest.raises(
        ValueError, match="depth_estimation_type is relative, there metric; open the model of that run"
    ):
        DepthPredictor.from_pretrained(tmp_path / "other" / "kept")
    # Without a record, as earlier versions saved them beside the merged model.
    earlier = tmp_path / "other" / "merged" / "adapter"
    shutil.copytree(tmp_path / "other" / "kept", earlier)
    edit(earlier, auto_mapping=None)
    with pytest.raises(
        ValueError, match="depth_estimation_type is relative, there metric; open the model of that run"
    ):
        DepthPredictor.from_pretrained(earlier)


# What is refused


def refused(folder: Path, error: type[Exception], words: str) -> None:
    start = ModelArguments(model_name_or_path=str(folder), input_size=56)
    for opened in (
        lambda: DepthPredictor.from_pretrained(folder),
        lambda: DepthAnythingForDepthEstimation.from_pretrained(folder),
        lambda: build_model(start, seed=0),
    ):
        with pytest.raises(error, match=words):
            opened()


def test_a_base_that_is_not_there_is_named_with_the_file_and_what_to_do(place: Path) -> None:
    shutil.move(place / "base", place / "moved")
    words = (
        rf"kept.adapter_config.json names '{place}/base' as the model .* cannot be opened: .*Put that model there, or"
    )
    refused(place / "kept", OSError, words)
    with pytest.raises(OSError, match=words):
        load_config(str(place / "kept"), {})
    same(
        *(
            load_whole(str(each), {})
            for each in (edit(place / "kept", base_model_name_or_path=str(place / "moved")), place / "merged")
        )
    )
    refused(edit(place / "kept", base_model_name_or_path="nobody/base"), OSError, "names 'nobody/base' as the model")
    refused(
        edit(place / "kept", base_model_name_or_path=...), ValueError, "names no model that its adapters belong to"
    )


def test_without_peft_the_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    refused(
        place / "kept", ImportError, r"kept has adapters, which need peft: pip install 'depth_anything_hf\[lora\]'"
    )


def test_a_base_of_another_kind_or_shape_is_named(place: Path, make_tiny_model: MakeModel) -> None:
    make_tiny_model().backbone.save_pretrained(place / "encoder")
    kept = edit(place / "kept", base_model_name_or_path=str(place / "encoder"))
    refused(kept, ValueError, "is a 'dinov2' model, expected a Depth Anything model")
    make_tiny_model(encoder={"hidden_size": 48}).save_pretrained(place / "wide")
    words = r"kept do not fit the model that they name, '.*wide': size mismatch for [^;]* \(and 19 more\); name"
    refused(edit(kept, base_model_name_or_path=str(place / "wide")), ValueError, words)
    make_tiny_model(encoder={"num_hidden_layers": 5}).save_pretrained(place / "deep")
    words = "kept do not fit the model that they name, '.*deep': adapter_model.safetensors lacks .*layer.4.*lora_A"
    refused(edit(kept, base_model_name_or_path=str(place / "deep")), ValueError, words)
    refused(edit(kept, base_model_name_or_path=str(kept)), ValueError, "which has adapters alone too")


def test_layers_that_the_base_has_not_are_named(place: Path) -> None:
    kept = edit(place / "kept", target_modules=["nothing"])
    refused(kept, ValueError, r"kept do not fit the model .*: target_modules is \['nothing'\]: ")
    refused(edit(kept, target_modules=["fc1"]), ValueError, r"adapter_model.safetensors has .*lora_A")


def test_a_quantized_base_is_named(place: Path) -> None:
    path = place / "base" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(
        json.dumps({**config, "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}})
    )
    refused(place / "kept", ValueError, r"base' as the model .*, which is quantized: it has no weights to merge")


def test_pickled_and_damaged_files_are_refused_and_not_read(place: Path) -> None:
    weights = place / "kept" / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    refused(place / "kept", ValueError, r"adapter_model.safetensors is damaged: .*; download or save")
    weights.unlink()
    refused(place / "kept", ValueError, "expected their tensors in adapter_model.safetensors; there is none: save")

    class Harm:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(place / "harm"),)

    torch.save({"a": Harm()}, place / "kept" / "adapter_model.bin")
    refused(place / "kept", ValueError, "but adapter_model.bin, which is pickled and may run code")
    assert not (place / "harm").exists()
    weights.write_bytes(whole)
    refused(edit(place / "kept", peft_type="NEWEST"), ValueError, "no configuration that the installed peft knows")
    (place / "kept" / "adapter_config.json").write_text("{")
    refused(place / "kept", ValueError, "adapter_config.json is damaged")


def test_what_is_no_folder_of_adapters_alone(place: Path) -> None:
    shutil.copy(place / "kept" / "adapter_config.json", place / "merged")
    for name in (None, place / "base", place / "merged", "nobody/nothing", "/absent", "no such name"):
        assert find_adapters(name, {}) is None
    found = find_adapters(place, {"subfolder": "kept"})
    assert found is not None and (found.folder, found.base) == (place / "kept", str(place / "base"))
